"""The sum of 1x1 convolutions of one or two planes, with gate, bias, residual and activation.

y = activation(weight . (gate * x) + other_weight . other + bias + residual)

where gate, other, bias and residual are optional. With a gate and a residual, this is the end of
IMDN's blocks: Hui et al., 2019, https://arxiv.org/abs/1909.11856. With two planes, it adds the
outputs of two blocks to a running 1x1 convolution over all blocks' outputs, so the outputs need not
be kept until the last block.

Bytes, for n values of e bytes each in a plane: eager PyTorch moves 2ne for each of two
convolutions, 3ne for each of two sums and 2ne for the activation; the kernel reads x, other and
residual and writes y, 4ne. At best, it is 3 times as fast. With a gate and a residual, eager
PyTorch moves 2ne to gate, 2ne to mix and 3ne to add, and the kernel 3ne: at best, it is 2.3 times
as fast.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from sr_kernels._activation import activate, activated, check_activation
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
from sr_kernels._triton import cdiv, kernel_jit, tl, triton

BLOCK = 128
"""Pixels of a program, for up to 64 inputs."""
MOST_OUTPUTS = 64
"""Largest number of output channels of a program."""
WARPS = 8


def reference(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    gate: Tensor | None,
    other: Tensor | None,
    other_weight: Tensor | None,
    residual: Tensor | None,
    activation: str,
    slope: float,
) -> Tensor:
    """Compute `pointwise_sum` in plain PyTorch."""
    y = functional.conv2d(x if gate is None else x * gate, weight, bias)
    if other is not None and other_weight is not None:
        y = y + functional.conv2d(other, other_weight)
    if residual is not None:
        y = y + residual
    return activated(y, activation, slope)


@triton.jit
def _mix(
    x_ptr, weight_ptr, gate_ptr, output, offset, within, INPUTS: tl.constexpr,
    OUTPUTS: tl.constexpr, STRIDE: tl.constexpr, WIDE: tl.constexpr, DOT: tl.constexpr,
):  # fmt: skip
    # returns (pixels, outputs): the inputs times their gates, if any, times the weights
    source = tl.arange(0, WIDE)
    inside = within & (source < INPUTS)[None, :]
    x = tl.load(x_ptr + offset * INPUTS + source[None, :], mask=inside, other=0.0)
    if gate_ptr is not None:
        x = x.to(tl.float32) * load_vector(gate_ptr, source, INPUTS)
    weight = load_weight(weight_ptr, source, output, INPUTS, OUTPUTS, STRIDE, DOT)
    return tl.dot(x.to(DOT), weight)


@kernel_jit
def _kernel(
    x_ptr, weight_ptr, bias_ptr, gate_ptr, other_ptr, other_weight_ptr, residual_ptr, y_ptr,
    pixels, slope, INPUTS: tl.constexpr, OTHERS: tl.constexpr, OUTPUTS: tl.constexpr,
    STRIDE: tl.constexpr, OTHER_STRIDE: tl.constexpr, WIDE: tl.constexpr,
    OTHER_WIDE: tl.constexpr, PART: tl.constexpr, ACTIVATION: tl.constexpr,
    BLOCK: tl.constexpr, DOT: tl.constexpr,
):  # fmt: skip
    # one program: BLOCK pixels of one image, PART of the outputs
    parts, blocks = tl.cdiv(OUTPUTS, PART), tl.cdiv(pixels, BLOCK)
    output = tl.program_id(0) % parts * PART + tl.arange(0, PART)
    block = tl.program_id(0) // parts
    image = (block // blocks).to(tl.int64)
    start = (block % blocks).to(tl.int64) * BLOCK
    offset = tl.arange(0, BLOCK)[:, None]
    within = offset < pixels - start
    start += image * pixels

    if gate_ptr is not None:
        gate_ptr += image * INPUTS
    y = _mix(
        x_ptr + start * INPUTS, weight_ptr, gate_ptr, output, offset, within,
        INPUTS, OUTPUTS, STRIDE, WIDE, DOT,
    )  # fmt: skip
    if other_ptr is not None:
        y += _mix(
            other_ptr + start * OTHERS, other_weight_ptr, None, output, offset, within,
            OTHERS, OUTPUTS, OTHER_STRIDE, OTHER_WIDE, DOT,
        )  # fmt: skip
    if bias_ptr is not None:
        y += load_vector(bias_ptr, output, OUTPUTS)
    inside = within & (output < OUTPUTS)[None, :]
    at = start * OUTPUTS + (offset * OUTPUTS + output[None, :])
    if residual_ptr is not None:
        y += tl.load(residual_ptr + at, mask=inside, other=0.0).to(tl.float32)
    tl.store(y_ptr + at, activate(y, ACTIVATION, slope), mask=inside)


def _launch(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    gate: Tensor | None,
    other: Tensor | None,
    other_weight: Tensor | None,
    residual: Tensor | None,
    activation: str,
    slope: float,
) -> Tensor:
    """Return y in channels_last."""
    x, weight = channels_last(x), in_rows(weight)
    if other is not None and other_weight is not None:
        other, other_weight = channels_last(other), in_rows(other_weight)
    residual = None if residual is None else channels_last(residual)
    bias, gate = (None if each is None else each.contiguous() for each in (bias, gate))
    (images, inputs, height, width), outputs = x.shape, weight.shape[0]
    others = 0 if other is None else other.shape[1]
    y = torch.empty(
        (images, outputs, height, width), dtype=x.dtype, device=x.device,
        memory_format=torch.channels_last,
    )  # fmt: skip
    wide, part = padded(max(inputs, others)), min(padded(outputs), MOST_OUTPUTS)
    # with more inputs, fewer registers remain for pixels
    block = max(16, BLOCK * 64 // max(wide, 64))
    options = configuration("pointwise_sum", x, outputs=outputs, BLOCK=block, num_warps=WARPS)
    grid = images * cdiv(height * width, options["BLOCK"]) * cdiv(outputs, part)
    with torch.cuda.device_of(x):
        _kernel[(grid,)](
            x, weight, bias, gate, other, other_weight, residual, y, height * width, slope,
            INPUTS=inputs, OTHERS=others, OUTPUTS=outputs, STRIDE=weight.stride(0),
            OTHER_STRIDE=other_weight.stride(0) if other_weight is not None else 0,
            WIDE=padded(inputs), OTHER_WIDE=padded(others), PART=part, ACTIVATION=activation,
            DOT=dot_type(x.dtype), **options,
        )  # fmt: skip
    return y


_compute = register("pointwise_sum", reference, _launch)


def pointwise_sum(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    gate: Tensor | None = None,
    other: Tensor | None = None,
    other_weight: Tensor | None = None,
    residual: Tensor | None = None,
    activation: str = "none",
    slope: float = 0.0,
) -> Tensor:
    """Mix the gated channels of `x` and the channels of `other`; add bias and residual; activate.

    Parameters
    ----------
    x : Tensor, (N, I, H, W)
        Read as channels_last; other layouts are copied.
    weight, bias : Tensor, (C, I, 1, 1) and (C,)
        The 1x1 convolution of `x`. A weight that is a part of a larger weight's inputs is not
        copied.
    gate : Tensor, (N, I, 1, 1), optional
        Factor of every channel of `x` before the 1x1 convolution.
    other, other_weight : Tensor, (N, J, H, W) and (C, J, 1, 1), optional
        A second plane, in the layout of `x`, and its 1x1 convolution.
    residual : Tensor, (N, C, H, W), optional
        Added before the activation, in the layout of `x`.
    activation : str
        "none", "gelu", "relu", "leaky_relu", "hard_swish" or "tanh".
    slope : float
        Factor of values below zero in "leaky_relu".

    Returns
    -------
    Tensor, (N, C, H, W)
        In the dtype of `x`; the kernel returns channels_last. It computes sums in float32, but
        rounds the gated values (for the matrix unit) and the result.

    Raises
    ------
    ValueError
        If the shapes do not fit together, only one of `other` and its weight is given, or the
        activation is unknown.
    """
    images, inputs, height, width = x.shape
    outputs, others = weight.shape[0], 0 if other_weight is None else other_weight.shape[1]
    if (other is None) != (other_weight is None):
        raise ValueError(
            "pointwise_sum needs both other and other_weight, or neither, got "
            f"{None if other is None else tuple(other.shape)} and "
            f"{None if other_weight is None else tuple(other_weight.shape)}"
        )
    check_shapes(
        "pointwise_sum",
        weight=(weight, (outputs, inputs, 1, 1)),
        bias=(bias, (outputs,)),
        gate=(gate, (images, inputs, 1, 1)),
        other=(other, (images, others, height, width)),
        other_weight=(other_weight, (outputs, others, 1, 1)),
        residual=(residual, (images, outputs, height, width)),
    )
    check_activation("pointwise_sum", activation)
    result: Tensor = _compute(
        x, weight, bias, gate, other, other_weight, residual, activation, slope
    )
    return result


def _example(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> tuple[Any, ...]:
    images, channels = shape[:2]
    x, other, residual = torch.randn(3, *shape)
    weight, other_weight = torch.randn(2, channels, channels, 1, 1) / channels**0.5
    bias, gate = torch.randn(channels), torch.rand(images, channels, 1, 1)
    tensors = (x, weight, bias, gate, other, other_weight, residual)
    return *(tensor.to(device, dtype) for tensor in tensors), "gelu", 0.0


def _bytes_moved(x: Tensor, weight: Tensor, *rest: Any) -> int:
    written = x[:, :1].numel() * weight.shape[0]
    read = sum(tensor.numel() for tensor in tensors_of((x, weight, *rest)))
    return (read + written) * x.element_size()


def _flops(x: Tensor, weight: Tensor, *rest: Any) -> int:
    # two operations for each multiply-add of the matrices; other operations are negligible
    other_weight = rest[3]
    terms = weight.numel() + (0 if other_weight is None else other_weight.numel())
    return int(2 * x[:, :1].numel() * terms)


OP = Op(pointwise_sum, reference, _launch, _example, _bytes_moved, _flops)
