"""Apply a block's channel gate, and add the block's output to the fusion of all blocks' outputs.

y = gate * x + residual
fused = activation(weight . y + residual_weight . residual + bias + total)

where `residual` is the block's input, which is the output of the block before. The fusion is a 1x1
convolution over all blocks' outputs, and `total` is its sum over earlier blocks: BSRN, Li et al.,
2022, https://arxiv.org/abs/2205.05996. Bias and total are optional.

Bytes, for n values of e bytes each in a plane: the kernel reads x, residual and total and writes y
and fused, 5ne. `gated_residual` and `pointwise_sum` would move 3ne and 4ne, because `pointwise_sum`
reads planes again. Eager PyTorch moves 2ne to gate, 3ne to add, 2ne for each of two convolutions
and 3ne for each of two sums: at best, the kernel is 3 times as fast.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sr_kernels import gated_residual, pointwise_sum
from sr_kernels._activation import activate, check_activation
from sr_kernels._configuration import configuration
from sr_kernels._matrix import (
    channels_last,
    dot_type,
    in_rows,
    load_vector,
    load_weight,
    padded,
)
from sr_kernels._op import Op, check_shapes, register, tensors_of
from sr_kernels._triton import cdiv, kernel_jit, tl

BLOCK = 128
"""Pixels of a program, for up to 64 features."""
WARPS = 8


def reference(
    x: Tensor,
    gate: Tensor,
    residual: Tensor,
    weight: Tensor,
    residual_weight: Tensor,
    bias: Tensor | None,
    total: Tensor | None,
    activation: str,
    slope: float,
) -> tuple[Tensor, Tensor]:
    """Compute `gated_fusion` in plain PyTorch."""
    y = gated_residual.reference(x, gate, residual)
    fused = pointwise_sum.reference(
        residual, residual_weight, bias, None, y, weight, total, activation, slope
    )
    return y, fused


@kernel_jit
def _kernel(
    x_ptr, gate_ptr, residual_ptr, weight_ptr, residual_weight_ptr, bias_ptr, total_ptr, y_ptr,
    fused_ptr, pixels, slope, C: tl.constexpr, OUTPUTS: tl.constexpr, STRIDE: tl.constexpr,
    RESIDUAL_STRIDE: tl.constexpr, C2: tl.constexpr, OUTPUTS2: tl.constexpr,
    ACTIVATION: tl.constexpr, BLOCK: tl.constexpr, DOT: tl.constexpr,
):  # fmt: skip
    # one program: BLOCK pixels of one image, all channels
    blocks = tl.cdiv(pixels, BLOCK)
    image = (tl.program_id(0) // blocks).to(tl.int64)
    start = (tl.program_id(0) % blocks).to(tl.int64) * BLOCK
    offset = tl.arange(0, BLOCK)[:, None]
    within = offset < pixels - start
    start += image * pixels
    c, output = tl.arange(0, C2), tl.arange(0, OUTPUTS2)
    at, inside = start * C + (offset * C + c[None, :]), within & (c < C)[None, :]

    residual = tl.load(residual_ptr + at, mask=inside, other=0.0)
    y = tl.load(x_ptr + at, mask=inside, other=0.0).to(tl.float32)
    y = y * load_vector(gate_ptr + image * C, c, C) + residual.to(tl.float32)
    tl.store(y_ptr + at, y, mask=inside)

    weight = load_weight(residual_weight_ptr, c, output, C, OUTPUTS, RESIDUAL_STRIDE, DOT)
    fused = tl.dot(residual.to(DOT), weight)
    fused = tl.dot(y.to(DOT), load_weight(weight_ptr, c, output, C, OUTPUTS, STRIDE, DOT), fused)
    if bias_ptr is not None:
        fused += load_vector(bias_ptr, output, OUTPUTS)
    at = start * OUTPUTS + (offset * OUTPUTS + output[None, :])
    inside = within & (output < OUTPUTS)[None, :]
    if total_ptr is not None:
        fused += tl.load(total_ptr + at, mask=inside, other=0.0).to(tl.float32)
    tl.store(fused_ptr + at, activate(fused, ACTIVATION, slope), mask=inside)


def _launch(
    x: Tensor,
    gate: Tensor,
    residual: Tensor,
    weight: Tensor,
    residual_weight: Tensor,
    bias: Tensor | None,
    total: Tensor | None,
    activation: str,
    slope: float,
) -> tuple[Tensor, Tensor]:
    """Return y and fused in channels_last."""
    x, residual = channels_last(x), channels_last(residual)
    total = None if total is None else channels_last(total)
    weight, residual_weight = in_rows(weight), in_rows(residual_weight)
    (images, features, height, width), outputs = x.shape, weight.shape[0]
    y = torch.empty_like(x)
    fused = torch.empty(
        (images, outputs, height, width), dtype=x.dtype, device=x.device,
        memory_format=torch.channels_last,
    )  # fmt: skip
    wide, wide_outputs = padded(features), padded(outputs)
    # with more features, fewer registers remain for pixels
    block = max(16, BLOCK * 64 // max(wide, wide_outputs, 64))
    options = configuration("gated_fusion", x, BLOCK=block, num_warps=WARPS)
    with torch.cuda.device_of(x):
        _kernel[(images * cdiv(height * width, options["BLOCK"]),)](
            x, gate.contiguous(), residual, weight, residual_weight,
            None if bias is None else bias.contiguous(), total, y, fused, height * width, slope,
            C=features, OUTPUTS=outputs, STRIDE=weight.stride(0),
            RESIDUAL_STRIDE=residual_weight.stride(0), C2=wide, OUTPUTS2=wide_outputs,
            ACTIVATION=activation, DOT=dot_type(x.dtype), **options,
        )  # fmt: skip
    return y, fused


_compute = register("gated_fusion", reference, _launch)


def gated_fusion(
    x: Tensor,
    gate: Tensor,
    residual: Tensor,
    weight: Tensor,
    residual_weight: Tensor,
    bias: Tensor | None = None,
    total: Tensor | None = None,
    activation: str = "none",
    slope: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Gate channels of `x`, add `residual`, and add 1x1 convolutions of both planes to `total`.

    Parameters
    ----------
    x, residual : Tensor, (N, C, H, W)
        Read as channels_last; other layouts are copied.
    gate : Tensor, (N, C, 1, 1)
        Factor of every channel of `x`.
    weight, residual_weight : Tensor, (F, C, 1, 1)
        The 1x1 convolutions of y and of `residual`. A weight that is a part of a larger weight's
        inputs is not copied.
    bias : Tensor, (F,), optional
        Bias of the fusion.
    total : Tensor, (N, F, H, W), optional
        Added before the activation, in the layout of `x`.
    activation : str
        Activation of the fusion: "none", "gelu", "relu", "leaky_relu", "hard_swish" or "tanh".
    slope : float
        Factor of values below zero in "leaky_relu".

    Returns
    -------
    y, fused : Tensor, (N, C, H, W) and (N, F, H, W)
        gate * x + residual, and the fusion, in the dtype of `x`. The kernel computes in float32,
        but rounds both results, and y before the 1x1 (for the matrix unit).

    Raises
    ------
    ValueError
        If the shapes do not fit together, or the activation is unknown.
    """
    images, features, height, width = x.shape
    outputs = weight.shape[0]
    check_shapes(
        "gated_fusion",
        gate=(gate, (images, features, 1, 1)),
        residual=(residual, tuple(x.shape)),
        weight=(weight, (outputs, features, 1, 1)),
        residual_weight=(residual_weight, (outputs, features, 1, 1)),
        bias=(bias, (outputs,)),
        total=(total, (images, outputs, height, width)),
    )
    check_activation("gated_fusion", activation)
    y, fused = _compute(x, gate, residual, weight, residual_weight, bias, total, activation, slope)
    return y, fused


def _example(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> tuple[Any, ...]:
    images, channels = shape[:2]
    x, residual, total = torch.randn(3, *shape)
    weight, residual_weight = torch.randn(2, channels, channels, 1, 1) / channels**0.5
    gate, bias = torch.rand(images, channels, 1, 1), torch.randn(channels)
    tensors = (x, gate, residual, weight, residual_weight, bias, total)
    return *(tensor.to(device, dtype) for tensor in tensors), "gelu", 0.0


def _bytes_moved(x: Tensor, *rest: Any) -> int:
    read = sum(tensor.numel() for tensor in tensors_of((x, *rest)))
    # both results
    written = x.numel() + x[:, :1].numel() * rest[2].shape[0]
    return int((read + written) * x.element_size())


def _flops(x: Tensor, *rest: Any) -> int:
    # two operations for each multiply-add of both matrices; one each for gate and residual
    return int(2 * x[:, :1].numel() * 2 * rest[2].numel()) + 2 * x.numel()


OP = Op(gated_fusion, reference, _launch, _example, _bytes_moved, _flops)
