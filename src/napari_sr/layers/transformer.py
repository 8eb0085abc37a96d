"""The efficient transformer of ESRT: attention among patches of an image, in bounded memory.

Lu et al., "Transformer for Single Image Super-Resolution", CVPR Workshops 2022,
https://arxiv.org/abs/2108.11084

Every pixel has a token: the 3x3 patch around it. The tokens in row-major order are cut into
chunks, and a token asks those of its own chunk only. Even so a whole image asks a great number of
questions, so answers are added up block by block and no matrix of scores is ever whole.

Letters: N images, C features, T = 9 C features of a token, A = T / 2 features of a question, H x W
pixels, n and m pixels out of H * W, h heads, d = A / h.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_sr.graph.chain import ChunkedAttention

if TYPE_CHECKING:
    from collections.abc import Iterable

PATCH = 3
BLOCK = (256, 512)
"""Questions and answers of a block of scores: 4 MiB for eight heads, which a CPU's cache holds; a
quarter of the size is no faster, four times the size half as fast."""
BLOCK_ON_CUDA = (1024, 2048)
"""Likewise where every block costs launches: 64 MiB."""


@dataclass(frozen=True)
class _Sum:
    """A mean of answers, weighted by the exponentials of their scores, as far as it is known."""

    values: Tensor
    """(N, h, n, d), not yet divided by `weight`."""
    weight: Tensor
    """(N, h, n, 1)."""
    highest: Tensor
    """Score that all exponents are relative to, (N, h, n, 1)."""

    @classmethod
    def of(cls, questions: Tensor, keys: Tensor, answers: Tensor) -> _Sum:
        """Return what questions, (N, h, n, d), get of some keys and answers, (N, h, m, d)."""
        scores = questions @ keys.transpose(-1, -2)
        # it cancels out of the mean, which therefore need not pass a gradient through it
        highest = scores.detach().amax(dim=-1, keepdim=True)
        weights = (scores - highest).exp()
        return cls(weights @ answers, weights.sum(dim=-1, keepdim=True), highest)

    def __add__(self, other: _Sum) -> _Sum:
        highest = torch.maximum(self.highest, other.highest)
        mine, others = (self.highest - highest).exp(), (other.highest - highest).exp()
        values = self.values * mine + other.values * others
        return _Sum(values, self.weight * mine + other.weight * others, highest)


class EfficientTransformer(nn.Module):
    """Attention within chunks, then a small perceptron, of the patches of (N, C, H, W).

    Parameters
    ----------
    features : int
        Width C.
    heads : int
        Independent attentions h, which share A features.
    splits : int
        How many chunks the tokens are cut into; where that leaves a rest, it is one more.
    """

    RADIUS = 2
    """Tokens overlap: what is folded back looks at patches one pixel away."""

    def __init__(self, *, features: int, heads: int, splits: int) -> None:
        super().__init__()
        token = features * PATCH**2
        inner, hidden = token // 2, token // 4
        if heads < 1 or splits < 1 or inner % heads:
            raise ValueError(
                f"the transformer's {inner} features must be a multiple of its heads, and splits "
                f"at least 1, got heads={heads}, splits={splits}"
            )
        self.features = features
        self.heads = heads
        self.splits = splits
        # the released code takes the size of a token's head, not of a question's
        self.factor = (token / heads) ** -0.5
        self.norm = nn.LayerNorm(token)
        self.reduce = nn.Linear(token, inner, bias=False)
        self.ask = nn.Linear(inner, 3 * inner, bias=False)
        self.expand = nn.Linear(inner, token)
        self.perceptron_norm = nn.LayerNorm(token)
        self.perceptron = nn.Sequential(
            nn.Linear(token, hidden), nn.ReLU(), nn.Linear(hidden, token)
        )

    def start(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return what every pixel of (N, C, H, W) asks, and its key and answer.

        Returns
        -------
        questions : Tensor, (N, A, H, W)
        told : Tensor, (N, 2 A, H, W)
        """
        asked = self.ask(self.reduce(self.norm(_tokens(x))))
        inner = asked.shape[-1] // 3
        planes = asked.transpose(1, 2).reshape(x.shape[0], -1, *x.shape[2:])
        return planes[:, :inner], planes[:, inner:]

    def link(self, questions: str, told: str, writes: str) -> ChunkedAttention:
        """Return the link that makes the plane of what questions get."""
        return ChunkedAttention(
            (questions, told), writes, self.length, self.attend, self.attend_traced
        )

    def length(self, pixels: int) -> int:
        """Return how many of so many tokens form a chunk."""
        return max(pixels // self.splits, 1)

    def attend(self, questions: Tensor, told: Iterable[Tensor]) -> Tensor:
        """Return what questions get.

        Parameters
        ----------
        questions : Tensor, (N, A, n)
            Of one chunk.
        told : iterable of Tensor, (N, 2 A, m)
            All keys and answers of the chunk, some at a time.

        Returns
        -------
        Tensor, (N, A, n)
        """
        many, most = BLOCK_ON_CUDA if questions.is_cuda else BLOCK
        some = torch.split(questions, many, dim=2)
        blocks = [self._heads(block) * self.factor for block in some]
        sums: list[_Sum | None] = [None] * len(blocks)
        for piece in told:
            for part in torch.split(piece, most, dim=2):
                keys, answers = (self._heads(half) for half in part.chunk(2, dim=1))
                for index, block in enumerate(blocks):
                    found, known = _Sum.of(block, keys, answers), sums[index]
                    sums[index] = found if known is None else known + found
        means = [known.values / known.weight for known in sums if known is not None]
        return torch.cat(means, dim=2).transpose(2, 3).flatten(1, 2).to(questions.dtype)

    def attend_traced(self, questions: Tensor, told: Tensor) -> Tensor:
        """Return what all questions get, as a loop that an export keeps.

        Parameters
        ----------
        questions, told : Tensor, (N, A, H * W) and (N, 2 A, H * W)
            Of all pixels.

        Returns
        -------
        Tensor, (N, A, H * W)
        """
        asked = self._heads(questions) * self.factor
        keys, answers = (self._heads(half) for half in told.chunk(2, dim=1))
        found: Tensor = torch.jit.script(_in_chunks)(asked, keys, answers, self.splits, BLOCK[0])
        return found.transpose(2, 3).flatten(1, 2).to(questions.dtype)

    def _heads(self, x: Tensor) -> Tensor:
        """Cut (N, A, n) into heads, (N, h, n, d); half precision could not hold the sums."""
        wide = x if x.dtype == torch.float64 else x.float()
        images, features, pixels = x.shape
        heads = wide.reshape(images, self.heads, features // self.heads, pixels)
        return heads.transpose(2, 3).contiguous()

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        """Return the sum of all patches, (N, C, H, W).

        Parameters
        ----------
        x : Tensor, (N, C, H, W)
            What the patches are of.
        attended : Tensor, (N, A, H, W)
            What each got.
        """
        tokens = _tokens(x) + self.expand(attended.flatten(2).transpose(1, 2))
        tokens = tokens + self.perceptron(self.perceptron_norm(tokens))
        return _folded(tokens.transpose(1, 2).reshape(x.shape[0], -1, *x.shape[2:]), self.features)


def _tokens(x: Tensor) -> Tensor:
    """Return the patches of (N, C, H, W), zero outside, (N, H * W, T)."""
    return functional.unfold(x, PATCH, padding=PATCH // 2).transpose(1, 2)


def _in_chunks(asked: Tensor, keys: Tensor, answers: Tensor, splits: int, block: int) -> Tensor:
    """Return what questions get of their own chunk, (N, h, n, d) as all of them, block by block."""
    pixels = asked.shape[2]
    length = max(pixels // splits, 1)
    found: list[Tensor] = []
    for start in range(0, pixels, length):
        stop = min(start + length, pixels)
        seen, told = keys[:, :, start:stop].transpose(2, 3), answers[:, :, start:stop]
        for begin in range(start, stop, block):
            some = asked[:, :, begin : min(begin + block, stop)]
            found.append(torch.matmul(torch.matmul(some, seen).softmax(dim=3), told))
    return torch.cat(found, dim=2)


def _folded(patches: Tensor, features: int) -> Tensor:
    """Return the sum of all patches, (N, 9 C, H, W), where they lie, (N, C, H, W).

    Equal to `fold`, which cannot be exported; a transposed convolution is faster, too.
    """
    places = torch.eye(PATCH**2, dtype=patches.dtype, device=patches.device)
    kernel = places.reshape(-1, 1, PATCH, PATCH).repeat(features, 1, 1, 1)
    return functional.conv_transpose2d(patches, kernel, padding=PATCH // 2, groups=features)
