"""The efficient transformer of ESRT: attention between patches of an image, in bounded memory.

Lu et al., "Transformer for Single Image Super-Resolution", CVPR Workshops 2022,
https://arxiv.org/abs/2108.11084

Every pixel has a token: the 3x3 patch around it. The tokens, in row-major order, are cut into
chunks, and attention stays within a chunk. A chunk still has very many scores, one for each pair of
query and key. So results are accumulated block by block, and no matrix of all scores is stored.

Symbols: N images, C features, T = 9 C features of a token, A = T / 2 features of a query, H x W
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
"""Number of queries, and of keys, in a block of scores. For eight heads, a block has 4 MiB,
which fits into a CPU's cache; a quarter of this is not faster, four times this is half as fast."""
BLOCK_ON_CUDA = (1024, 2048)
"""The same for GPUs, where every block costs launches: a block has 64 MiB."""


@dataclass(frozen=True)
class _Sum:
    """A partial mean of values, weighted by the exponentials of their scores."""

    values: Tensor
    """(N, h, n, d), not yet divided by `weight`."""
    weight: Tensor
    """(N, h, n, 1)."""
    highest: Tensor
    """Highest score so far, which is subtracted from all exponents, (N, h, n, 1)."""

    @classmethod
    def of(cls, queries: Tensor, keys: Tensor, values: Tensor) -> _Sum:
        """Return the sums for queries, (N, h, n, d), over some keys and values, (N, h, m, d)."""
        scores = queries @ keys.transpose(-1, -2)
        # `highest` cancels out of the mean, so it needs no gradient
        highest = scores.detach().amax(dim=-1, keepdim=True)
        weights = (scores - highest).exp()
        return cls(weights @ values, weights.sum(dim=-1, keepdim=True), highest)

    def __add__(self, other: _Sum) -> _Sum:
        highest = torch.maximum(self.highest, other.highest)
        mine, others = (self.highest - highest).exp(), (other.highest - highest).exp()
        values = self.values * mine + other.values * others
        return _Sum(values, self.weight * mine + other.weight * others, highest)


class EfficientTransformer(nn.Module):
    """Attention within chunks of the patches of (N, C, H, W), then a small perceptron.

    Parameters
    ----------
    features : int
        Width C.
    heads : int
        Number of heads h, which share A features.
    splits : int
        Number of chunks; remaining tokens form one more.
    """

    RADIUS = 2
    """Tokens overlap: the result of a pixel also needs the patches one pixel away."""

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
        # the released code divides scores by the root of T / h, not by the root of d
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
        """Return query, key and value of every pixel of (N, C, H, W).

        Returns
        -------
        queries : Tensor, (N, A, H, W)
        pairs : Tensor, (N, 2 A, H, W)
            Keys and values.
        """
        projected = self.ask(self.reduce(self.norm(_tokens(x))))
        inner = projected.shape[-1] // 3
        planes = projected.transpose(1, 2).reshape(x.shape[0], -1, *x.shape[2:])
        return planes[:, :inner], planes[:, inner:]

    def link(self, queries: str, pairs: str, writes: str) -> ChunkedAttention:
        """Return the link that computes the plane of attention results."""
        return ChunkedAttention(
            (queries, pairs), writes, self.length, self.attend, self.attend_traced
        )

    def length(self, pixels: int) -> int:
        """Return the size of a chunk for this number of tokens."""
        return max(pixels // self.splits, 1)

    def attend(self, queries: Tensor, pairs: Iterable[Tensor]) -> Tensor:
        """Return the attention results of some queries.

        Parameters
        ----------
        queries : Tensor, (N, A, n)
            Queries of one chunk.
        pairs : iterable of Tensor, (N, 2 A, m)
            All keys and values of the chunk, in parts.

        Returns
        -------
        Tensor, (N, A, n)
        """
        many, most = BLOCK_ON_CUDA if queries.is_cuda else BLOCK
        some = torch.split(queries, many, dim=2)
        blocks = [self._heads(block) * self.factor for block in some]
        sums: list[_Sum | None] = [None] * len(blocks)
        for piece in pairs:
            for part in torch.split(piece, most, dim=2):
                keys, values = (self._heads(half) for half in part.chunk(2, dim=1))
                for index, block in enumerate(blocks):
                    found, known = _Sum.of(block, keys, values), sums[index]
                    sums[index] = found if known is None else known + found
        means = [known.values / known.weight for known in sums if known is not None]
        return torch.cat(means, dim=2).transpose(2, 3).flatten(1, 2).to(queries.dtype)

    def attend_traced(self, queries: Tensor, pairs: Tensor) -> Tensor:
        """Return the attention results of all queries, with a loop that an ONNX export keeps.

        Parameters
        ----------
        queries, pairs : Tensor, (N, A, H * W) and (N, 2 A, H * W)
            Queries, and keys and values, of all pixels.

        Returns
        -------
        Tensor, (N, A, H * W)
        """
        heads = self._heads(queries) * self.factor
        keys, values = (self._heads(half) for half in pairs.chunk(2, dim=1))
        found: Tensor = torch.jit.script(_in_chunks)(heads, keys, values, self.splits, BLOCK[0])
        return found.transpose(2, 3).flatten(1, 2).to(queries.dtype)

    def _heads(self, x: Tensor) -> Tensor:
        """Cut (N, A, n) into heads, (N, h, n, d), in float32: sums overflow in half precision."""
        wide = x if x.dtype == torch.float64 else x.float()
        images, features, pixels = x.shape
        heads = wide.reshape(images, self.heads, features // self.heads, pixels)
        return heads.transpose(2, 3).contiguous()

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        """Add attention results and perceptron to the patches, and sum the patches, (N, C, H, W).

        Parameters
        ----------
        x : Tensor, (N, C, H, W)
            The plane of the patches.
        attended : Tensor, (N, A, H, W)
            The attention results.
        """
        tokens = _tokens(x) + self.expand(attended.flatten(2).transpose(1, 2))
        tokens = tokens + self.perceptron(self.perceptron_norm(tokens))
        return _folded(tokens.transpose(1, 2).reshape(x.shape[0], -1, *x.shape[2:]), self.features)


def _tokens(x: Tensor) -> Tensor:
    """Return the patches of (N, C, H, W), zero outside, (N, H * W, T)."""
    return functional.unfold(x, PATCH, padding=PATCH // 2).transpose(1, 2)


def _in_chunks(queries: Tensor, keys: Tensor, values: Tensor, splits: int, block: int) -> Tensor:
    """Return the attention results within each chunk, all (N, h, n, d), block by block."""
    pixels = queries.shape[2]
    length = max(pixels // splits, 1)
    found: list[Tensor] = []
    for start in range(0, pixels, length):
        stop = min(start + length, pixels)
        key, value = keys[:, :, start:stop].transpose(2, 3), values[:, :, start:stop]
        for begin in range(start, stop, block):
            some = queries[:, :, begin : min(begin + block, stop)]
            found.append(torch.matmul(torch.matmul(some, key).softmax(dim=3), value))
    return torch.cat(found, dim=2)


def _folded(patches: Tensor, features: int) -> Tensor:
    """Add all patches, (N, 9 C, H, W), at their positions in the image, (N, C, H, W).

    The result equals that of `fold`, which cannot be exported. This transposed convolution is also
    faster.
    """
    places = torch.eye(PATCH**2, dtype=patches.dtype, device=patches.device)
    kernel = places.reshape(-1, 1, PATCH, PATCH).repeat(features, 1, 1, 1)
    return functional.conv_transpose2d(patches, kernel, padding=PATCH // 2, groups=features)
