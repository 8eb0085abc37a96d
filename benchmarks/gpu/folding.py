"""A BSConv as one dense 3x3 convolution of cuDNN: an alternative to `bsconv`, for comparison.

A 1x1 and a depthwise 3x3 convolution equal a dense 3x3 with weight depthwise[o, tap] *
pointwise[o, i]: nine times the matrix operations, but no intermediate plane. The bias of the 1x1
becomes the weight of an additional input channel that is 1 in the image: because of zero padding,
this channel is 0 outside, where the bias must not be added.

Symbols: N images, I and C channels, H x W pixels.
"""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING
from unittest import mock

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ALIGNED = 8
"""The number of channels must be a multiple of this for matrix units to be used."""


def fold(pointwise: Tensor, pointwise_bias: Tensor | None, depthwise: Tensor) -> tuple[Tensor, int]:
    """Return the dense weight, (C, I + more, 3, 3), and the number of additional channels."""
    weight = pointwise.float() * depthwise.float()
    more = 0
    if pointwise_bias is not None:
        # add channels up to a multiple of ALIGNED: the first for the bias, the rest zero
        more = ALIGNED - pointwise.shape[1] % ALIGNED
        extra = weight.new_zeros(len(weight), more, 3, 3)
        extra[:, :1] = pointwise_bias.float()[:, None, None, None] * depthwise.float()
        weight = torch.cat([weight, extra], dim=1)
    weight = weight.to(pointwise.dtype)
    return weight.contiguous(memory_format=torch.channels_last), more


class Folded:
    """The function `bsconv`, computed by dense convolutions; every weight is folded only once."""

    def __init__(self) -> None:
        self._folded: dict[int, tuple[Tensor, Tensor, int]] = {}

    def __call__(
        self, x: Tensor, pointwise: Tensor, pointwise_bias: Tensor | None, depthwise: Tensor,
        bias: Tensor | None = None, residual: Tensor | None = None, activation: str = "gelu",
        replication: int = 1,
    ) -> Tensor:  # fmt: skip
        """Return (N, C, H, W)."""
        x = x if replication == 1 else x.repeat(1, replication, 1, 1)
        if id(pointwise) not in self._folded:
            # keep the weight itself, too, so that no other tensor can get its id
            self._folded[id(pointwise)] = (pointwise, *fold(pointwise, pointwise_bias, depthwise))
        _, weight, more = self._folded[id(pointwise)]
        if more:
            ones = torch.zeros_like(x[:, :1]).expand(-1, more, -1, -1).clone()
            ones[:, 0] = 1
            x = torch.cat([x, ones], dim=1).contiguous(memory_format=torch.channels_last)
        y = functional.conv2d(x, weight, bias, padding=1)
        if residual is not None:
            y = y + residual
        return functional.gelu(y) if activation == "gelu" else y


@contextmanager
def _instead(computes: Folded) -> Iterator[None]:
    """Replace `bsconv` by dense convolutions for all callers."""
    with mock.patch.object(import_module("sr_kernels.bsconv"), "_compute", computes):
        yield


def folded(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return a function, such as a network, in which every `bsconv` is folded."""
    computes = Folded()

    def call(*arguments: Tensor) -> Tensor:
        with _instead(computes):
            return function(*arguments)

    return call
