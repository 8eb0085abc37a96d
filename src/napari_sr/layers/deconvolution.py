"""Transposed convolution, computed on a CPU as a convolution and a pixel shuffle.

Both compute the same sums (Shi et al., "Is the deconvolution layer the same as a convolutional
layer?", 2016, https://arxiv.org/abs/1609.07009): each of the S x S result pixels of an input pixel
is a separate convolution with every S-th weight of the kernel. PyTorch's transposed convolution
first fills a matrix as large as the result times the kernel, and then adds it up; the convolution
needs no such matrix. On two cores, FSRCNN's last layer runs 1.8 to 3.7 times as fast
(`benchmarks/cpu/deconvolution.py`).

Symbols: N images, C input channels, D output channels, H x W pixels, K kernel side, S stride.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor


class Deconvolution(nn.ConvTranspose2d):
    """A transposed convolution, computed in the way that is fastest on the device.

    Weights and options are those of `torch.nn.ConvTranspose2d`. If the result is exactly S times
    larger, on a CPU and without a gradient, the same sums are computed in another order.
    """

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Enlarge (N, C, H, W) to (N, D, S * H, S * W), or to the size that the options give."""
        if output_size is None and self.suits(x) and self._is_shuffle():
            return deconvolve(x, self.weight, self.bias, self.stride[0], int(self.padding[0]))
        return super().forward(x, output_size)

    def suits(self, x: Tensor) -> bool:
        """Return whether a convolution is faster for these planes: on a CPU, without a gradient."""
        gradient = torch.is_grad_enabled() and (x.requires_grad or self.weight.requires_grad)
        return x.device.type == "cpu" and not gradient

    def _is_shuffle(self) -> bool:
        """Return whether the result is exactly S times larger."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        padding, extra = self.padding[0], self.output_padding[0]
        square = all(
            len(set(each)) == 1
            for each in (self.kernel_size, self.stride, self.padding, self.output_padding)
        )
        plain = square and set(self.dilation) == {1} and self.groups == 1
        return plain and kernel - 2 * int(padding) + extra == stride


def deconvolve(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int) -> Tensor:
    """Enlarge planes S times by a transposed convolution.

    Parameters
    ----------
    x : Tensor, (N, C, H, W)
        The planes.
    weight : Tensor, (C, D, K, K)
        As `torch.nn.functional.conv_transpose2d` takes it.
    bias : Tensor, (D,), optional
        Added to each output channel.
    stride : int
        S.
    padding : int
        Pixels cut off at the top and left of the enlarged grid.

    Returns
    -------
    Tensor, (N, D, S * H, S * W)
        Equal to `conv_transpose2d` with the output padding for this size, up to rounding: sums are
        added in another order.
    """
    convolution, before, after = as_convolution(weight, stride, padding)
    repeated = None if bias is None else bias.repeat_interleave(stride**2)
    if before == after:
        planes = functional.conv2d(x, convolution, repeated, padding=before)
    else:
        padded = functional.pad(x, (before, after, before, after))
        planes = functional.conv2d(padded, convolution, repeated)
    return functional.pixel_shuffle(planes, stride)


def as_convolution(weight: Tensor, stride: int, padding: int) -> tuple[Tensor, int, int]:
    """Return the weights of the convolution before a pixel shuffle.

    Parameters
    ----------
    weight, stride, padding
        As for `deconvolve`.

    Returns
    -------
    weight : Tensor, (D * S * S, C, L, L)
        Every S-th weight of the kernel for each result pixel, zero beyond the kernel.
    before, after : int
        Zeros to add to the planes at the top and left, and at the bottom and right.
    """
    inputs, outputs, kernel, _ = weight.shape
    # result pixel S * q + r sums, over all d, input pixel q + d times weight r + padding - S * d
    last = (stride - 1 + padding) // stride
    first = (padding - kernel) // stride + 1
    length = last - first + 1
    start = padding - last * stride  # index of the first weight, 0 or less
    ends = (-start, length * stride - kernel + start)
    padded = functional.pad(weight, ends * 2)
    taps = padded.view(inputs, outputs, length, stride, length, stride).flip(2, 4)
    rearranged = taps.permute(1, 3, 5, 0, 2, 4).reshape(-1, inputs, length, length)
    return rearranged, -first, last
