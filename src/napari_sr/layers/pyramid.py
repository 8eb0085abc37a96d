"""Layers of networks that double an image step by step: LapSRN and MS-LapSRN.

Symbols: N images, C features, H x W pixels.
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from napari_sr.graph.chain import RESULT
from napari_sr.graph.grids import Operation, operation, resized, transposed
from napari_sr.layers.deconvolution import Deconvolution, deconvolve
from napari_sr.layers.resize import imresize
from sr_kernels.conv3x3 import conv3x3 as convolve3x3

if TYPE_CHECKING:
    from napari_sr.graph.network import StateDict

SLOPE = 0.2
"""Slope of the leaky ReLUs for negative values."""


class Leaky3x3(nn.Conv2d):
    """A 3x3 convolution that keeps the size, and a leaky ReLU.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    bias : bool
        Whether the convolution has a bias.
    """

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True) -> None:
        super().__init__(inputs, outputs, 3, padding=1, bias=bias)

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W).

        The residual has the shape of the result and is added before the leaky ReLU.
        """
        return convolve3x3(x, self.weight, self.bias, residual, "leaky_relu", SLOPE)


class Doubling(Deconvolution):
    """A transposed convolution of stride 2: (N, inputs, H, W) to (N, outputs, 2 * H, 2 * W).

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    kernel : int
        Side of the kernel: 3 or 4. With 3, the last row and column of the result are dropped.
    bias : bool
        Whether the convolution has a bias.
    """

    def __init__(self, inputs: int, outputs: int, *, kernel: int, bias: bool = True) -> None:
        self.crop = kernel - 3
        super().__init__(inputs, outputs, kernel, stride=2, padding=self.crop, bias=bias)
        self.reach = transposed(kernel, 2, self.crop)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, 2 * H, 2 * W)."""
        if self.suits(x):
            return deconvolve(x, self.weight, self.bias, 2, self.crop)
        return super().forward(x)[..., : 2 * x.shape[-2], : 2 * x.shape[-1]]


def set_bilinear(weight: Tensor) -> None:
    """Set the weight of a transposed convolution, (C, C, 4, 4), to bilinear enlargement."""
    line = weight.new_tensor([0.25, 0.75, 0.75, 0.25])
    with torch.no_grad():
        weight.zero_()
        for channel in range(weight.shape[0]):
            weight[channel, channel] = line[:, None] * line


def levels_of(scale: int) -> int:
    """Return the smallest number of doublings that reach a scale, at least 1."""
    return max((scale - 1).bit_length(), 1)


def fitted(operations: list[Operation], scale: int) -> list[Operation]:
    """Return the operations with the last image as the result; shrink it if it is too large."""
    *most, last = operations
    planes = last.signature
    if planes.scale == scale:
        return [*most, operation(last.compute, dict(planes.reads), RESULT, scale)]
    ratio = Fraction(scale, planes.scale)
    shrink = partial(imresize, scale=ratio)
    return [*operations, operation(shrink, {planes.writes: resized(ratio)}, RESULT, scale)]


def of_matconvnet(state: StateDict) -> dict[str, Tensor]:
    """Return MatConvNet's filters `_f` and biases `_b` with PyTorch's layout and names.

    MatConvNet's filters are (H, W, inputs, outputs), or (H, W, outputs, inputs) for transposed
    convolutions; MATLAB drops trailing axes of length 1. Other tensors stay unchanged.
    """
    found: dict[str, Tensor] = {}
    for key, value in state.items():
        if key.endswith("_f") and 2 <= value.ndim <= 4:
            whole = value.reshape(*value.shape, *(1,) * (4 - value.ndim))
            found[f"{key[:-2]}.weight"] = whole.permute(3, 2, 0, 1)
        elif key.endswith("_b"):
            found[f"{key[:-2]}.bias"] = value.flatten()
        else:
            found[key] = value
    return found
