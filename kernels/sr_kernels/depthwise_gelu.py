"""Depthwise 3x3 convolution with the usual next steps: bias, residual, GELU.

y = GELU(depthwise(x) + bias + residual)

Without an activation, it is the first half of a depthwise separable convolution: BSRN's variant
with DSConv (Li et al., 2022, https://arxiv.org/abs/2205.05996) calls it before `pointwise_sum`.
With an activation, it is the second half of a blueprint separable convolution (`bsconv`).

Bytes, for n values of e bytes each: eager PyTorch reads 4ne and writes 3ne, because each of the
three steps goes through memory. The kernel writes ne and reads 2ne, or only ne if the residual is x
itself or missing. At best, it is 2.3 times as fast, or 3.5 times if the residual is x.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from sr_kernels._activation import activated, check_activation
from sr_kernels._configuration import configuration
from sr_kernels._op import Op, check_shapes, register
from sr_kernels._rows import (
    ACTIVATIONS,
    finish_row,
    is_inside,
    load_bias,
    load_taps,
    part_of,
    rows_per_band,
    weigh,
)
from sr_kernels._triton import cdiv, kernel_jit, next_power_of_2, tl, triton

DEFAULTS = {"BLOCK": 16, "num_warps": 4, "num_stages": 3}
"""Columns of a program, and Triton's options: 157 registers on sm_90, with two rows loaded
ahead."""
MOST_CHANNELS = 64
"""Largest number of channels of a program."""


def reference(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    residual: Tensor | None = None,
    activation: str = "gelu",
) -> Tensor:
    """Compute `depthwise_gelu` in plain PyTorch."""
    y = functional.conv2d(x, weight, bias, padding=1, groups=weight.shape[0])
    if residual is not None:
        y = y + residual
    return activated(y, activation)


@triton.jit
def _load(x_ptr, top, row, column, channel, height, width, CHANNELS: tl.constexpr):
    # a row, (columns, channels); zero outside the image
    mask = is_inside(row, column, height, width)[:, None] & (channel < CHANNELS)[None, :]
    at = (top + row) * width * CHANNELS + (column[:, None] * CHANNELS + channel[None, :])
    return tl.load(x_ptr + at, mask=mask, other=0.0).to(tl.float32)


@triton.jit
def _load_around(x_ptr, top, row, column, channel, height, width, CHANNELS: tl.constexpr):
    left = _load(x_ptr, top, row, column - 1, channel, height, width, CHANNELS)
    centre = _load(x_ptr, top, row, column, channel, height, width, CHANNELS)
    right = _load(x_ptr, top, row, column + 1, channel, height, width, CHANNELS)
    return left, centre, right


@kernel_jit
def _kernel(
    x_ptr,
    weight_ptr,
    bias_ptr,
    residual_ptr,
    y_ptr,
    height,
    width,
    rows,
    CHANNELS: tl.constexpr,
    BLOCK: tl.constexpr,
    BLOCK_CHANNELS: tl.constexpr,
    ACTIVATION: tl.constexpr,
    STAGES: tl.constexpr,
):
    # one program: in a band of rows of one image, BLOCK columns and BLOCK_CHANNELS channels
    channel, column, first, image = part_of(
        tl.program_id(0), height, width, rows, CHANNELS, BLOCK, BLOCK_CHANNELS
    )
    last = tl.minimum(first + rows, height)
    top = image * height

    bias = load_bias(bias_ptr, channel, CHANNELS)
    above = load_taps(weight_ptr, 0, channel, CHANNELS)
    level = load_taps(weight_ptr, 1, channel, CHANNELS)
    below = load_taps(weight_ptr, 2, channel, CHANNELS)
    inside = (column < width)[:, None] & (channel < CHANNELS)[None, :]
    place = column[:, None] * CHANNELS + channel[None, :]

    x = _load_around(x_ptr, top, first - 1, column, channel, height, width, CHANNELS)
    current = weigh(x, above, bias)
    x = _load_around(x_ptr, top, first, column, channel, height, width, CHANNELS)
    current = weigh(x, level, current)
    following = weigh(x, above, bias)
    # prefetching is explicit, because Triton prefetches by default only for matrix products
    for row in tl.range(first, last, num_stages=STAGES):
        x = _load_around(x_ptr, top, row + 1, column, channel, height, width, CHANNELS)
        current = weigh(x, below, current)
        at = (top + row) * width * CHANNELS + place
        finish_row(current, at, inside, residual_ptr, y_ptr, ACTIVATION)
        current = weigh(x, level, following)
        following = weigh(x, above, bias)


def _launch(
    x: Tensor, weight: Tensor, bias: Tensor | None, residual: Tensor | None, activation: str
) -> Tensor:
    images, channels, height, width = x.shape
    x = x.contiguous(memory_format=torch.channels_last)
    if residual is not None:
        residual = residual.contiguous(memory_format=torch.channels_last)
    y = torch.empty_like(x, memory_format=torch.channels_last)
    block_channels = min(next_power_of_2(channels), MOST_CHANNELS)
    parts = cdiv(channels, block_channels)
    options = configuration("depthwise_gelu", x, **DEFAULTS)
    across = cdiv(width, options["BLOCK"]) * parts * images
    rows = rows_per_band(height, across, x.device)
    with torch.cuda.device_of(x):
        _kernel[(across * cdiv(height, rows),)](
            x,
            weight.contiguous(),
            None if bias is None else bias.contiguous(),
            residual,
            y,
            height,
            width,
            rows,
            CHANNELS=channels,
            BLOCK_CHANNELS=block_channels,
            ACTIVATION=activation,
            STAGES=options["num_stages"],
            **options,
        )
    return y


_compute = register("depthwise_gelu", reference, _launch)


def depthwise_gelu(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    residual: Tensor | None = None,
    activation: str = "gelu",
) -> Tensor:
    """Convolve each channel with a separate 3x3, add a residual, and activate.

    Parameters
    ----------
    x : Tensor, (N, C, H, W)
        Read as channels_last; other layouts are copied. It is padded with zeros.
    weight : Tensor, (C, 1, 3, 3)
        Each channel's 3x3.
    bias : Tensor, (C,), optional
        Added to each channel.
    residual : Tensor, (N, C, H, W), optional
        Added before the activation.
    activation : str
        "gelu" or "none".

    Returns
    -------
    Tensor, (N, C, H, W)
        In the dtype of `x`; the kernel returns channels_last. Sums are computed in float32 and
        rounded once.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or the activation is unknown.
    """
    channels = x.shape[1]
    check_shapes(
        "depthwise_gelu",
        weight=(weight, (channels, 1, 3, 3)),
        bias=(bias, (channels,)),
        residual=(residual, x.shape),
    )
    check_activation("depthwise_gelu", activation, ACTIVATIONS)
    result: Tensor = _compute(x, weight, bias, residual, activation)
    return result


def _example(
    shape: tuple[int, ...], dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor, Tensor, Tensor, str]:
    x = torch.randn(shape)
    weight = torch.randn(shape[1], 1, 3, 3) / 3
    bias = torch.randn(shape[1])
    residual = torch.randn(shape)
    x, weight, bias, residual = (tensor.to(device, dtype) for tensor in (x, weight, bias, residual))
    return x, weight, bias, residual, "gelu"


def _bytes_moved(x: Tensor, *rest: Tensor | str | None) -> int:
    residual = rest[2]
    # if the residual is x itself, it is read from the cache
    times = 2 if residual is None or residual is x else 3
    return times * x.numel() * x.element_size()


def _flops(x: Tensor, *_: Tensor | str | None) -> int:
    # two operations for each of nine multiply-adds
    return 18 * x.numel()


OP = Op(depthwise_gelu, reference, _launch, _example, _bytes_moved, _flops)
