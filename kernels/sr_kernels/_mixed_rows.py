"""The 1x1 convolution of a blueprint separable convolution, row by row, inside a kernel.

Haase and Amthor, 2020, https://arxiv.org/abs/2003.13549. The 1x1 is computed for the columns that
the depthwise 3x3 reads next (see `_rows`), and is not written to memory.
"""

from __future__ import annotations

from sr_kernels._rows import is_inside
from sr_kernels._triton import cdiv, tl, triton

PHASES = 2
"""Number of neighbouring output columns that are computed together. Each needs the 1x1 in three
columns, but two of them share columns and need only four instead of six products."""
MOST_OUTPUTS = 64
"""Largest number of output channels of a program."""
IDLE = 1.34
"""Largest ratio of computed to needed channels; beyond it, programs compute fewer channels. So 48
channels are computed by one program of 64, with 46 instructions and 6 bytes from L2 for each needed
element. Three programs of 16 channels would take 40 instructions but 18 bytes, because each reads
the pixels again; by the forecast, they would take twice the time on an H100."""


@triton.jit
def _mix(
    x_ptr, top, row, column, height, width, weight, bias, INPUTS: tl.constexpr,
    PLANES: tl.constexpr,
):  # fmt: skip
    """Return the 1x1 convolution of a row, (columns, channels), with 0 outside the image."""
    inside = is_inside(row, column, height, width)
    channel = tl.arange(0, weight.shape[0])
    if PLANES < INPUTS:  # the same planes are read repeatedly, in NCHW
        line = (top * PLANES + row) + (channel % PLANES) * height
        at = line[None, :] * width + column[:, None]
    else:
        at = (top + row) * width * INPUTS + (column[:, None] * INPUTS + channel[None, :])
    x = tl.load(x_ptr + at, mask=inside[:, None] & (channel < INPUTS)[None, :], other=0.0)
    start = tl.zeros((column.shape[0], weight.shape[1]), dtype=tl.float32)
    if bias is not None:
        start += tl.where(inside[:, None], bias, 0.0)
    return tl.dot(x.to(weight.dtype), weight, start, input_precision="ieee")


@triton.jit
def mix_around(
    x_ptr, top, row, column, height, width, weight, bias, INPUTS: tl.constexpr,
    PLANES: tl.constexpr,
):  # fmt: skip
    """Return the 1x1 of a row at the left, centre and right tap, for two neighbouring columns."""
    left = _mix(x_ptr, top, row, column - 1, height, width, weight, bias, INPUTS, PLANES)
    first = _mix(x_ptr, top, row, column, height, width, weight, bias, INPUTS, PLANES)
    second = _mix(x_ptr, top, row, column + 1, height, width, weight, bias, INPUTS, PLANES)
    right = _mix(x_ptr, top, row, column + 2, height, width, weight, bias, INPUTS, PLANES)
    return (left, first, second), (first, second, right)


def part_of_outputs(outputs: int) -> int:
    """Return the largest number of output channels of a program that wastes few channels."""
    computed = {part: cdiv(outputs, part) * part for part in (MOST_OUTPUTS, 32, 16)}
    allowed = IDLE * min(computed.values())
    return next(part for part, size in computed.items() if size <= allowed)
