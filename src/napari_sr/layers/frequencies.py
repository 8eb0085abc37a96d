"""Separate processing of high and low frequencies: the blocks of ESRT.

Lu et al., "Transformer for Single Image Super-Resolution", CVPR Workshops 2022,
https://arxiv.org/abs/2108.11084

Symbols: N images, C features, H x W pixels.
As in the released code, the PReLUs of the residual units have one slope per channel, and the
corners of the coarse plane coincide with those of the image. So the enlargement of the coarse plane
depends on the image's size.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_sr.graph.chain import GlobalStats, Link, Step, Window
from napari_sr.layers.blocks import conv1x1, conv3x3

if TYPE_CHECKING:
    from collections.abc import Iterator

POOL = 2
"""Side in pixels of the squares whose means are the low frequencies."""


class ChannelGate(nn.Module):
    """Channel attention: gates, (N, C, 1, 1), computed from the channels' means.

    Parameters
    ----------
    features, reduction : int
        Channels C, and the ratio of C to the number of channels inside the gate.
    """

    def __init__(self, *, features: int, reduction: int) -> None:
        super().__init__()
        self.squeeze = conv1x1(features, features // reduction)
        self.excite = conv1x1(features // reduction, features)

    def forward(self, mean: Tensor, deviations: Tensor, pixels: int) -> Tensor:
        """Return the gates, (N, C, 1, 1), from the channels' means alone."""
        narrow = functional.relu(self.squeeze(mean.to(self.squeeze.weight)))
        return torch.sigmoid(self.excite(narrow))

    def link(self, reads: str, writes: str) -> GlobalStats:
        """Return the link that gathers the gates from a whole plane."""
        return GlobalStats(reads, writes, self)


class ResidualUnit(nn.Module):
    """The paper's RU: two 3x3 convolutions with C / 2 channels in between, and a weighted skip.

    Parameters
    ----------
    features : int
        Width C, an even number.
    """

    RADIUS = 2

    def __init__(self, *, features: int) -> None:
        super().__init__()
        self.narrow = conv3x3(features, features // 2)
        self.activation = nn.PReLU(features // 2)
        self.widen = conv3x3(features // 2, features)
        self.of_input = nn.Parameter(torch.ones(1))
        self.of_branch = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        branch: Tensor = self.widen(self.activation(self.narrow(x)))
        return self.of_input * x + self.of_branch * branch


class ResidualBlock(nn.Module):
    """The paper's ARFB: two units, their fusion, a channel gate, a convolution, a weighted skip.

    Parameters
    ----------
    features, reduction : int
        Width C, and the ratio of C to the number of channels inside the channel gate.
    """

    def __init__(self, *, features: int, reduction: int) -> None:
        super().__init__()
        self.first = ResidualUnit(features=features)
        self.second = ResidualUnit(features=features)
        self.of_first = nn.Parameter(torch.ones(1))
        self.of_second = nn.Parameter(torch.ones(1))
        self.fuse = conv1x1(2 * features, features, bias=False)
        self.gate = ChannelGate(features=features, reduction=reduction)
        self.last = conv3x3(features, features, bias=False)
        self.of_input = nn.Parameter(torch.ones(1))
        self.of_last = nn.Parameter(torch.ones(1))

    def chain(self, x: str, y: str, pitch: int = 1) -> Iterator[Link]:
        """Yield the links that compute plane `y` from plane `x`.

        A pixel of both planes is `pitch` LR pixels wide.
        """
        radius, scale = pitch * 2 * ResidualUnit.RADIUS, Fraction(1, pitch)
        yield Step(self.start, (x,), ("fused",), radius, scale=scale)
        yield self.gate.link("fused", "gate")
        yield Step(self.end, ("fused", x), (y,), pitch, ("gate",), scale=scale)

    def start(self, x: Tensor) -> Tensor:
        """Compute the block up to the gate, (N, C, H, W)."""
        first = self.first(x)
        both = (self.of_second * self.second(first), self.of_first * first)
        return functional.relu(self.fuse(torch.cat(both, dim=1)))

    def end(self, fused: Tensor, x: Tensor, gate: Tensor) -> Tensor:
        """Compute the rest of the block, (N, C, H, W): gate, 3x3 convolution and skip."""
        return self.of_input * x + self.of_last * functional.relu(self.last(fused * gate))


class PreservingBlock(nn.Module):
    """The paper's HPB: processes low and high frequencies separately, then mixes them.

    The low frequencies are on a coarse grid.

    Parameters
    ----------
    features, reduction : int
        Width C, and the ratio of C to the number of channels inside the channel gates.
    recursions : int
        How many times the shared block is applied to the low frequencies.
    """

    def __init__(self, *, features: int, reduction: int, recursions: int) -> None:
        super().__init__()

        def block() -> ResidualBlock:
            return ResidualBlock(features=features, reduction=reduction)

        self.recursions = recursions
        self.encode, self.low, self.high, self.last = block(), block(), block(), block()
        self.fuse = conv1x1(2 * features, features, bias=False)
        self.gate = ChannelGate(features=features, reduction=reduction)

    def chain(self, x: str, y: str) -> Iterator[Link]:
        """Yield the links that compute plane `y` from plane `x`."""
        yield from self.encode.chain(x, "encoded")
        yield Step(self.pool, ("encoded",), ("low",), scale=Fraction(1, POOL))
        yield Step(self.rest, ("encoded", "low"), ("high",), POOL, placed=True)
        for _ in range(self.recursions):
            yield from self.low.chain("low", "low", POOL)
        yield from self.high.chain("high", "high")
        yield Step(self.join, ("low", "high"), ("joined",), POOL, placed=True)
        yield self.gate.link("joined", "joined gate")
        yield Step(torch.mul, ("joined",), ("joined",), uses=("joined gate",))
        yield from self.last.chain("joined", "refined")
        yield Step(torch.add, ("refined", x), (y,))

    @staticmethod
    def pool(x: Tensor) -> Tensor:
        """Return the means of 2x2 pixels, (N, C, H // 2, W // 2)."""
        return functional.avg_pool2d(x, POOL)

    @staticmethod
    def rest(x: Tensor, low: Tensor, window: Window) -> Tensor:
        """Return the high frequencies, (N, C, H, W): x minus the enlarged low frequencies."""
        return x - enlarged(low, window)

    def join(self, low: Tensor, high: Tensor, window: Window) -> Tensor:
        """Mix low and high frequencies, (N, C, H, W)."""
        both = torch.cat((enlarged(low, window), high), dim=1)
        return functional.relu(self.fuse(both))


def enlarged(low: Tensor, window: Window) -> Tensor:
    """Enlarge a piece of the coarse plane so that the corners of both whole planes coincide.

    Parameters
    ----------
    low : Tensor, (N, C, H // 2, W // 2)
        The piece. Near its inner edges, results that need pixels outside the piece are wrong.
    window : Window
        The position of the piece, which begins at even pixels.

    Returns
    -------
    Tensor, (N, C, H, W)
    """
    axes = (
        (2, window.top, window.height, window.full_height),
        (3, window.left, window.width, window.full_width),
    )
    for axis, start, length, full in axes:
        # integers, so that rounding is the same for a piece as for the whole plane
        steps = torch.arange(start, start + length, device=low.device) * (full // POOL - 1)
        span, last = max(full - 1, 1), low.shape[axis] - 1
        near = steps // span - start // POOL
        share = ((steps % span).double() / span).to(low.dtype)
        shape = (-1, 1) if axis == 2 else (-1,)
        low = torch.lerp(
            low.index_select(axis, near.clamp(0, last)),
            low.index_select(axis, (near + 1).clamp(0, last)),
            share.reshape(shape),
        )
    return low
