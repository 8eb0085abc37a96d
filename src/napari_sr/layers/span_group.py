"""Shared by SPAN and SPANPlus: blocks with attention that has no weights, and their fusion.

Wan et al., "Swift Parameter-free Attention Network for Efficient Super-Resolution", CVPR Workshops
2024, https://arxiv.org/abs/2311.12770

Symbols: N images, C features, H x W pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from napari_sr.graph.chain import Step, in_series
from napari_sr.layers.blocks import Activated3x3, Rule, conv1x1

if TYPE_CHECKING:
    from collections.abc import Iterable

BLOCK_KEYS: tuple[Rule, ...] = (
    (r"\.c1_r\.", ".first."),
    (r"\.c2_r\.", ".second."),
    (r"\.c3_r\.", ".third."),
)
"""The authors' keys of a block's convolutions, and ours."""


class Block(nn.Module):
    """Three 3x3 convolutions; a function of the last one is the attention (the paper's SPAB).

    Parameters
    ----------
    features : int
        Width C.
    activation : nn.Module
        Activation after the first and the second convolution.
    """

    RADIUS = 3

    def __init__(self, *, features: int, activation: nn.Module) -> None:
        super().__init__()
        self.activation = activation
        self.first = Activated3x3(features, features)
        self.second = Activated3x3(features, features)
        self.third = Activated3x3(features, features)

    def both(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the result and the first activated convolution, both (N, C, H, W)."""
        inner = self.activation(self.first(x))
        deep = self.third(self.activation(self.second(inner)))
        attention = torch.sigmoid(deep) - 0.5
        return (deep + x) * attention, inner

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        return self.both(x)[0]


class Group(nn.Module):
    """Blocks in series, and a fusion of their input, first result, last result and inner features.

    Parameters
    ----------
    features, blocks : int
        Width C, and number of blocks.
    activation : nn.Module
        Activation inside the blocks.
    """

    def __init__(self, *, features: int, blocks: int, activation: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *(Block(features=features, activation=activation) for _ in range(blocks))
        )
        self.merge = Activated3x3(features, features)
        self.fuse = conv1x1(4 * features, features)

    def links(self, x: str, result: str) -> tuple[Step, ...]:
        """Return local steps, one for each block, and the fusion.

        Parameters
        ----------
        x, result : str
            Names of the input and the output plane, both (N, C, H, W).
        """
        *before, last = cast("Iterable[Block]", self.blocks)
        steps, end = in_series(before, Block.RADIUS, x)
        first = "x1" if before else "deep"
        return (
            *steps,
            Step(last.both, (end,), ("deep", "inner"), Block.RADIUS),
            Step(self._fuse, (x, "deep", first, "inner"), (result,), 1),
        )

    def _fuse(self, x: Tensor, deep: Tensor, first: Tensor, inner: Tensor) -> Tensor:
        fused: Tensor = self.fuse(torch.cat((x, self.merge(deep), first, inner), dim=1))
        return fused
