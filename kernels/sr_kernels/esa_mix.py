"""Gate pixels like `esa_tail`, mix weighted channels, add a residual: the end of BSRN-S's blocks.

y = mix(scale * esa_tail(x, squeezed, low)) + residual

where mix is a 1x1 convolution, and scale has one weight for each channel: Li et al., 2022,
https://arxiv.org/abs/2205.05996

Bytes, for p pixels, C features, E features inside the attention, and e bytes per value: eager
PyTorch moves p(6C + 7E)e to gate, 2pCe to weight, 2pCe to mix and 3pCe to add; the kernel moves
p(3C + E)e. With E = C / 4, it is at best 4.5 times as fast.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from sr_kernels import esa_tail
from sr_kernels._esa import check, run_kernel
from sr_kernels._op import Op, check_shapes, register, tensors_of


def reference(x: Tensor, squeezed: Tensor, low: Tensor, residual: Tensor, *rest: Any) -> Tensor:
    """Compute `esa_mix` in plain PyTorch."""
    weights, (scale, mix_weight, mix_bias), window = rest[:4], rest[4:7], rest[7:]
    gated = esa_tail.reference(x, squeezed, low, *weights, *window)
    return functional.conv2d(gated * scale[:, None, None], mix_weight, mix_bias) + residual


def _launch(
    x: Tensor,
    squeezed: Tensor,
    low: Tensor,
    residual: Tensor,
    skip_weight: Tensor,
    skip_bias: Tensor,
    excite_weight: Tensor,
    excite_bias: Tensor,
    scale: Tensor,
    mix_weight: Tensor,
    mix_bias: Tensor,
    top: int,
    left: int,
    full_height: int,
    full_width: int,
) -> Tensor:
    """Return y in channels_last."""
    weights = (skip_weight, skip_bias, excite_weight, excite_bias)
    window = (top, left, full_height, full_width)
    mix = (scale, mix_weight, mix_bias, residual)
    return run_kernel("esa_mix", (x, squeezed, low), weights, window, mix)


_compute = register("esa_mix", reference, _launch)


def esa_mix(
    x: Tensor,
    squeezed: Tensor,
    low: Tensor,
    residual: Tensor,
    skip_weight: Tensor,
    skip_bias: Tensor,
    excite_weight: Tensor,
    excite_bias: Tensor,
    scale: Tensor,
    mix_weight: Tensor,
    mix_bias: Tensor,
    top: int,
    left: int,
    full_height: int,
    full_width: int,
) -> Tensor:
    """Gate a piece of an image by ESA, mix its weighted channels, and add a residual.

    Parameters
    ----------
    x, residual : Tensor, (N, C, H, W)
        The piece, and the residual.
    squeezed, low, skip_weight, skip_bias, excite_weight, excite_bias : Tensor
        As in `esa_tail`.
    scale : Tensor, (C,)
        The weight of each channel after the gate.
    mix_weight, mix_bias : Tensor, (C, C, 1, 1) and (C,)
        The 1x1 convolution of the weighted channels.
    top, left, full_height, full_width : int
        Position of the piece in the whole image, and size of the whole image, in pixels.

    Returns
    -------
    Tensor, (N, C, H, W)
        In the dtype of `x`. The kernel computes in float32, but rounds the inputs of matrix
        products and the result.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or the piece exceeds the image.
    """
    features = x.shape[1]
    weights = (skip_weight, skip_bias, excite_weight, excite_bias)
    window = (top, left, full_height, full_width)
    check("esa_mix", (x, squeezed, low), weights, window)
    check_shapes(
        "esa_mix",
        residual=(residual, x.shape),
        scale=(scale, (features,)),
        mix_weight=(mix_weight, (features, features, 1, 1)),
        mix_bias=(mix_bias, (features,)),
    )
    mix = (scale, mix_weight, mix_bias)
    result: Tensor = _compute(x, squeezed, low, residual, *weights, *mix, *window)
    return result


def _example(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> tuple[Any, ...]:
    features = shape[1]
    x, squeezed, low, *rest = esa_tail.OP.example(shape, dtype, device)
    weights, window = rest[:4], rest[4:]
    mixing = (
        torch.randn(features),
        torch.randn(features, features, 1, 1) * features**-0.5,
        torch.randn(features),
    )
    residual, *moved = (tensor.to(device, dtype) for tensor in (torch.randn(shape), *mixing))
    return x, squeezed, low, residual, *weights, *moved, *window


def _bytes_moved(*arguments: Any) -> int:
    tensors = tensors_of(arguments)
    # the result has the size of x
    return sum(tensor.numel() * tensor.element_size() for tensor in [tensors[0], *tensors])


def _flops(x: Tensor, squeezed: Tensor, *rest: Any) -> int:
    # in addition to the gate: matrix, weights and residual
    return esa_tail.OP.flops(x, squeezed) + x.numel() * (2 * x.shape[1] + 2)


OP = Op(esa_mix, reference, _launch, _example, _bytes_moved, _flops)
