"""The blocks of IMDN, IMDN_AS and the NTIRE baseline: distillation by splits.

Hui et al., "Lightweight Image Super-Resolution with Information Multi-distillation Network",
ACM Multimedia 2019, https://arxiv.org/abs/1909.11856

Symbols: N images, C channels, H x W pixels.
As in the released code, the channel gate is before a block's 1x1 fusion, not after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from napari_sr.graph.chain import Link, Step
from napari_sr.layers.attention import ContrastGate
from napari_sr.layers.blocks import Activated3x3, conv1x1, weight_and_bias
from sr_kernels.pointwise_sum import pointwise_sum

if TYPE_CHECKING:
    from collections.abc import Iterator


class SplitDistillation(nn.Module):
    """Three 3x3 convolutions that each split off a quarter of the channels; a fourth for the rest.

    Parameters
    ----------
    features : int
        Width C, a multiple of 4.
    activation : nn.Module
        Activation after the first three convolutions.
    """

    RADIUS = 4
    """Four 3x3 convolutions in a row."""

    def __init__(self, *, features: int, activation: nn.Module) -> None:
        super().__init__()
        distilled = features // 4
        remaining = features - distilled
        self.split = (distilled, remaining)
        self.refine = nn.ModuleList(
            Activated3x3(inputs, features, activation=activation)
            for inputs in (features, remaining, remaining)
        )
        self.last = Activated3x3(remaining, distilled, activation=nn.Identity())

    def forward(self, x: Tensor) -> Tensor:
        """Return the four distilled parts of (N, C, H, W), concatenated: the same shape."""
        parts = []
        for refine in self.refine:
            part, x = refine(x).split(self.split, dim=1)
            parts.append(part)
        return torch.cat([*parts, self.last(x)], dim=1)


class Block(nn.Module):
    """The paper's IMDB: distillation, channel gate, 1x1 convolution and skip, of (N, C, H, W).

    Parameters
    ----------
    features, reduction : int
        Width C, and the ratio of C to the number of channels inside the channel gate.
    activation : nn.Module
        Activation of the distillation.
    """

    def __init__(self, *, features: int, reduction: int, activation: nn.Module) -> None:
        super().__init__()
        self.front = SplitDistillation(features=features, activation=activation)
        self.channel = ContrastGate(features=features, reduction=reduction)
        self.fuse = conv1x1(features, features)

    def chain(self, x: str, y: str) -> Iterator[Link]:
        """Yield the links that compute plane `y` from plane `x`."""
        yield Step(self.front, (x,), ("parts",), SplitDistillation.RADIUS)
        yield self.channel.link("parts", "gate")
        yield Step(self.compute_end, ("parts", x), (y,), uses=("gate",))

    def compute_end(self, parts: Tensor, x: Tensor, gate: Tensor) -> Tensor:
        """Gate the channels of (N, C, H, W), mix them and add the block's skip."""
        return pointwise_sum(parts, *weight_and_bias(self.fuse), gate, residual=x)
