"""Gate every pixel by an enlarged low-resolution plane: the end of enhanced spatial attention.

y = x * sigmoid(excite(enlarged(low) + skip(squeezed)))

where excite and skip are 1x1 convolutions, and enlarged is bilinear: Liu et al., 2020,
https://arxiv.org/abs/2009.11551. The op computes a piece of an image, and interpolates at the
piece's position in the whole image. The kernel is in `_esa`.

Bytes, for p pixels, C features, E features inside the attention, and e bytes per value: eager
PyTorch moves pEe to enlarge, 2pEe for the skip, 3pEe for the sum, p(E + C)e to excite, 2pCe for the
sigmoid and 3pCe for the product; the kernel moves p(2C + E)e, because `low` is small. With
E = C / 4, it is at best 3.4 times as fast.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from sr_kernels._bilinear import sample_bilinear as sample_bilinear
from sr_kernels._esa import check, run_kernel
from sr_kernels._op import Op, register, tensors_of


def reference(
    x: Tensor,
    squeezed: Tensor,
    low: Tensor,
    skip_weight: Tensor,
    skip_bias: Tensor,
    excite_weight: Tensor,
    excite_bias: Tensor,
    top: int,
    left: int,
    full_height: int,
    full_width: int,
) -> Tensor:
    """Compute `esa_tail` in plain PyTorch."""
    height, width = x.shape[2:]
    enlarged = sample_bilinear(low, height, width, (top, left, full_height, full_width))
    inner = enlarged + functional.conv2d(squeezed, skip_weight, skip_bias)
    return x * torch.sigmoid(functional.conv2d(inner, excite_weight, excite_bias))


def _launch(
    x: Tensor,
    squeezed: Tensor,
    low: Tensor,
    skip_weight: Tensor,
    skip_bias: Tensor,
    excite_weight: Tensor,
    excite_bias: Tensor,
    top: int,
    left: int,
    full_height: int,
    full_width: int,
) -> Tensor:
    """Return y in channels_last."""
    weights = (skip_weight, skip_bias, excite_weight, excite_bias)
    window = (top, left, full_height, full_width)
    return run_kernel("esa_tail", (x, squeezed, low), weights, window)


_compute = register("esa_tail", reference, _launch)


def esa_tail(
    x: Tensor,
    squeezed: Tensor,
    low: Tensor,
    skip_weight: Tensor,
    skip_bias: Tensor,
    excite_weight: Tensor,
    excite_bias: Tensor,
    top: int,
    left: int,
    full_height: int,
    full_width: int,
) -> Tensor:
    """Gate a piece of an image by its squeezed features and a plane of the whole image.

    Parameters
    ----------
    x, squeezed : Tensor, (N, C, H, W) and (N, E, H, W)
        The piece's features, and fewer features computed from them. Read as channels_last; other
        layouts are copied.
    low : Tensor, (N, E, h, w)
        The low-resolution plane of the whole image, in the same layout.
    skip_weight, skip_bias : Tensor, (E, E, 1, 1) and (E,)
        The 1x1 convolution of `squeezed`.
    excite_weight, excite_bias : Tensor, (C, E, 1, 1) and (C,)
        The 1x1 convolution of the sum.
    top, left, full_height, full_width : int
        Position of the piece in the whole image, and size of the whole image, in pixels.

    Returns
    -------
    Tensor, (N, C, H, W)
        In the dtype of `x`. The kernel computes in float32, but rounds the sum (for the matrix
        unit) and the result.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or the piece exceeds the image.
    """
    window = (top, left, full_height, full_width)
    weights = (skip_weight, skip_bias, excite_weight, excite_bias)
    check("esa_tail", (x, squeezed, low), weights, window)
    result: Tensor = _compute(x, squeezed, low, *weights, *window)
    return result


def _example(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> tuple[Any, ...]:
    images, features, height, width = shape
    inner = features // 4
    # the piece must not begin on the grid of the low plane
    top, left = 5, 11
    full_height, full_width = (-(-end // 64) * 64 for end in (top + height, left + width))
    tensors = (
        torch.randn(shape),
        torch.randn(images, inner, height, width),
        torch.randn(images, inner, -(-full_height // 6), -(-full_width // 6)),
        torch.randn(inner, inner, 1, 1) * inner**-0.5,
        torch.randn(inner),
        torch.randn(features, inner, 1, 1) * inner**-0.5,
        torch.randn(features),
    )
    moved = (tensor.to(device, dtype) for tensor in tensors)
    return *moved, top, left, full_height, full_width


def _bytes_moved(*arguments: Any) -> int:
    tensors = tensors_of(arguments)
    # the result has the size of x
    return sum(tensor.numel() * tensor.element_size() for tensor in [tensors[0], *tensors])


def _flops(x: Tensor, squeezed: Tensor, *_: Any) -> int:
    inner, pixels = squeezed.shape[1], squeezed.numel() // max(squeezed.shape[1], 1)
    # two matrices; three interpolations and a sum over E features; a gate over C features
    return pixels * (2 * inner * (inner + x.shape[1]) + 10 * inner + 2 * x.shape[1])


OP = Op(esa_tail, reference, _launch, _example, _bytes_moved, _flops)
