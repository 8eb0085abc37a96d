"""Blueprint separable convolution with residual and activation: 1x1, depthwise 3x3, add, GELU.

y = GELU(depthwise(pointwise . x + pointwise_bias) + bias + residual)

Haase and Amthor, 2020, https://arxiv.org/abs/2003.13549; with residual and GELU, this is the block
(BSRB) of BSRN, Li et al., 2022, https://arxiv.org/abs/2205.05996. The result of the 1x1 is padded
with zeros before the 3x3, so `pointwise_bias` is added only inside the image.

Bytes, for n values of e bytes each in the input and in the result: eager PyTorch reads 5ne and
writes 4ne, because each of the four steps goes through memory. If the residual is x itself, the
kernel reads ne and writes ne, and is at best 4.5 times as fast. Otherwise it reads 2ne, and is at
best 3 times as fast. In exchange, it computes the 1x1 twice (see `_mixed_rows.PHASES`), on matrix
units that are otherwise idle.

BSRN repeats its image along channels. The kernel reads the unrepeated image in NCHW, which saves
two copies: one that repeats the image, and one that converts it to channels_last.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from sr_kernels._activation import activated, check_activation
from sr_kernels._configuration import configuration
from sr_kernels._matrix import channels_last, dot_type, laid_out, padded
from sr_kernels._mixed_rows import PHASES, mix_around, part_of_outputs
from sr_kernels._op import Op, check_shapes, register
from sr_kernels._rows import (
    ACTIVATIONS,
    finish_row,
    load_bias,
    load_taps,
    part_of,
    rows_per_band,
    weigh,
)
from sr_kernels._triton import INTERPRETED, cdiv, kernel_jit, tl


def reference(
    x: Tensor,
    pointwise: Tensor,
    pointwise_bias: Tensor | None,
    depthwise: Tensor,
    bias: Tensor | None = None,
    residual: Tensor | None = None,
    activation: str = "gelu",
    replication: int = 1,
) -> Tensor:
    """Compute `bsconv` in plain PyTorch."""
    if replication > 1:
        x = x.repeat(1, replication, 1, 1)
    mixed = functional.conv2d(x, pointwise, pointwise_bias)
    y = functional.conv2d(mixed, depthwise, bias, padding=1, groups=depthwise.shape[0])
    if residual is not None:
        y = y + residual
    return activated(y, activation)


@kernel_jit
def _kernel(
    x_ptr, pointwise_ptr, pointwise_bias_ptr, depthwise_ptr, bias_ptr, residual_ptr, y_ptr,
    height, width, rows, INPUTS: tl.constexpr, PLANES: tl.constexpr, OUTPUTS: tl.constexpr,
    BLOCK: tl.constexpr, BLOCK_INPUTS: tl.constexpr, BLOCK_OUTPUTS: tl.constexpr,
    ACTIVATION: tl.constexpr, DOT: tl.constexpr,
):  # fmt: skip
    # one program: in a band of rows of one image, BLOCK pairs of columns and BLOCK_OUTPUTS channels
    channel, pair, first_row, image = part_of(
        tl.program_id(0), height, tl.cdiv(width, 2), rows, OUTPUTS, BLOCK, BLOCK_OUTPUTS
    )
    column = pair * 2
    last_row = tl.minimum(first_row + rows, height)
    top = image * height

    source = tl.arange(0, BLOCK_INPUTS)
    weight = tl.load(
        pointwise_ptr + channel[None, :] * INPUTS + source[:, None],
        mask=(channel < OUTPUTS)[None, :] & (source < INPUTS)[:, None],
        other=0.0,
    ).to(DOT)
    between = None
    if pointwise_bias_ptr is not None:
        between = load_bias(pointwise_bias_ptr, channel, OUTPUTS)
    bias = load_bias(bias_ptr, channel, OUTPUTS)
    above = load_taps(depthwise_ptr, 0, channel, OUTPUTS)
    level = load_taps(depthwise_ptr, 1, channel, OUTPUTS)
    below = load_taps(depthwise_ptr, 2, channel, OUTPUTS)
    known = (channel < OUTPUTS)[None, :]
    inside = (column < width)[:, None] & known
    beside = (column + 1 < width)[:, None] & known
    place = column[:, None] * OUTPUTS + channel[None, :]

    seen = (column, height, width, weight)
    one, two = mix_around(x_ptr, top, first_row - 1, *seen, between, INPUTS, PLANES)
    current, current_two = weigh(one, above, bias), weigh(two, above, bias)
    one, two = mix_around(x_ptr, top, first_row, *seen, between, INPUTS, PLANES)
    current, current_two = weigh(one, level, current), weigh(two, level, current_two)
    following, following_two = weigh(one, above, bias), weigh(two, above, bias)
    for row in range(first_row, last_row):
        one, two = mix_around(x_ptr, top, row + 1, *seen, between, INPUTS, PLANES)
        at = (top + row) * width * OUTPUTS + place
        current, current_two = weigh(one, below, current), weigh(two, below, current_two)
        finish_row(current, at, inside, residual_ptr, y_ptr, ACTIVATION)
        finish_row(current_two, at + OUTPUTS, beside, residual_ptr, y_ptr, ACTIVATION)
        current, current_two = weigh(one, level, following), weigh(two, level, following_two)
        following, following_two = weigh(one, above, bias), weigh(two, above, bias)


def choice(outputs: int) -> dict[str, int]:
    """Return the number of column pairs of a program, and Triton's options.

    They were chosen from the machine code for sm_90 (see `benchmarks/gpu/compile_gate.md`), not
    from measured times.
    """
    return {"BLOCK": 16, "num_warps": 4 if outputs > 16 else 1, "num_stages": 2}


def _launch(
    x: Tensor,
    pointwise: Tensor,
    pointwise_bias: Tensor | None,
    depthwise: Tensor,
    bias: Tensor | None,
    residual: Tensor | None,
    activation: str,
    replication: int = 1,
) -> Tensor:
    images, planes, height, width = x.shape
    inputs, outputs = planes * replication, depthwise.shape[0]
    x = x.contiguous() if replication > 1 else channels_last(x)
    if residual is not None:
        residual = channels_last(residual)
    y = torch.empty(
        (images, outputs, height, width), dtype=x.dtype, device=x.device,
        memory_format=torch.channels_last,
    )  # fmt: skip
    block_outputs = part_of_outputs(outputs)
    options = configuration("bsconv", x, outputs=outputs, **choice(block_outputs))
    across = cdiv(width, PHASES * options["BLOCK"])
    across *= cdiv(outputs, block_outputs) * images
    rows = rows_per_band(height, across, x.device)
    with torch.cuda.device_of(x):
        _kernel[(across * cdiv(height, rows),)](
            x, pointwise.contiguous(), laid_out(pointwise_bias), depthwise.contiguous(),
            laid_out(bias), residual, y, height, width, rows,
            INPUTS=inputs, PLANES=planes, OUTPUTS=outputs,
            BLOCK_INPUTS=padded(inputs), BLOCK_OUTPUTS=block_outputs, ACTIVATION=activation,
            # the interpreter takes minutes to multiply in half precision
            DOT=tl.float32 if INTERPRETED else dot_type(x.dtype), **options,
        )  # fmt: skip
    return y


_compute = register("bsconv", reference, _launch)


def bsconv(
    x: Tensor,
    pointwise: Tensor,
    pointwise_bias: Tensor | None,
    depthwise: Tensor,
    bias: Tensor | None = None,
    residual: Tensor | None = None,
    activation: str = "gelu",
    replication: int = 1,
) -> Tensor:
    """Convolve 1x1 over channels, then 3x3 in each channel; add a residual, and activate.

    Parameters
    ----------
    x : Tensor, (N, I, H, W)
        Read as channels_last; other layouts are copied.
    pointwise : Tensor, (C, replication * I, 1, 1)
        The weight of the 1x1.
    pointwise_bias : Tensor, (C,), or None
        Bias of the 1x1. It is not added to the padding of the 3x3, which is zero.
    depthwise : Tensor, (C, 1, 3, 3)
        The weight of each channel's 3x3.
    bias : Tensor, (C,), optional
        Bias of the 3x3.
    residual : Tensor, (N, C, H, W), optional
        Added before the activation.
    activation : str
        "gelu" or "none".
    replication : int
        Number of copies of `x` along channels. With more than one, `x` is read as NCHW.

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
    outputs = depthwise.shape[0]
    check_shapes(
        "bsconv",
        pointwise=(pointwise, (outputs, replication * x.shape[1], 1, 1)),
        pointwise_bias=(pointwise_bias, (outputs,)),
        depthwise=(depthwise, (outputs, 1, 3, 3)),
        bias=(bias, (outputs,)),
        residual=(residual, (x.shape[0], outputs, *x.shape[2:])),
    )
    check_activation("bsconv", activation, ACTIVATIONS)
    result: Tensor = _compute(
        x, pointwise, pointwise_bias, depthwise, bias, residual, activation, replication
    )
    return result


def _example(
    shape: tuple[int, ...], dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, str, int]:
    channels = shape[1]
    tensors = (
        torch.randn(shape),
        torch.randn(channels, channels, 1, 1) / channels**0.5,
        torch.randn(channels),
        torch.randn(channels, 1, 3, 3) / 3,
        torch.randn(channels),
    )
    x, pointwise, pointwise_bias, depthwise, bias = (each.to(device, dtype) for each in tensors)
    return x, pointwise, pointwise_bias, depthwise, bias, x, "gelu", 1


def _bytes_moved(x: Tensor, pointwise: Tensor, *rest: Tensor | str | int | None) -> int:
    residual = rest[3]
    read = x.numel()
    written = x[:, :1].numel() * pointwise.shape[0]
    # if the residual is x itself, it is read from the cache
    if residual is not None and residual is not x:
        read += written
    return (read + written) * x.element_size()


def _flops(x: Tensor, pointwise: Tensor, *_: Tensor | str | int | None) -> int:
    # two operations for each multiply-add of 1x1 and 3x3; other operations are negligible
    return x[:, :1].numel() * 2 * (pointwise.numel() + 9 * pointwise.shape[0])


OP = Op(bsconv, reference, _launch, _example, _bytes_moved, _flops)
