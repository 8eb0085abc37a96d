"""The pointwise half of a blueprint separable convolution, row by row, inside a kernel.

Haase and Amthor, 2020, https://arxiv.org/abs/2003.13549. A 1x1 is computed for the columns that a
3x3 looks at, and never written: `_rows` has the 3x3 in each channel that follows.
"""

from __future__ import annotations

from sr_kernels._rows import is_inside
from sr_kernels._triton import cdiv, tl, triton

PHASES = 2
"""Neighbouring columns that one row of a matrix product stands for: of their four products, each
output needs three, so that two outputs cost four products instead of six."""
MOST_OUTPUTS = 64
"""Output channels of a program, at most."""
IDLE = 1.34
"""Channels computed for each that is there, beyond which programs take fewer. 48 are one program of
64, which takes 46 instructions and 6 bytes of L2 for each element that is there. Three programs of
16 take 40 instructions and 18 bytes, as each reads the pixels again: twice as long on an H100, as
forecast."""


@triton.jit
def _mix(
    x_ptr, top, row, column, height, width, weight, bias, INPUTS: tl.constexpr,
    PLANES: tl.constexpr,
):  # fmt: skip
    """Return the 1x1 of a row, (columns, channels); zero outside, where its bias ends too."""
    inside = is_inside(row, column, height, width)
    channel = tl.arange(0, weight.shape[0])
    if PLANES < INPUTS:  # repeated planes, NCHW
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
    """Return what PHASES neighbouring columns see of a row, from left, centre and right."""
    left = _mix(x_ptr, top, row, column - 1, height, width, weight, bias, INPUTS, PLANES)
    first = _mix(x_ptr, top, row, column, height, width, weight, bias, INPUTS, PLANES)
    second = _mix(x_ptr, top, row, column + 1, height, width, weight, bias, INPUTS, PLANES)
    right = _mix(x_ptr, top, row, column + 2, height, width, weight, bias, INPUTS, PLANES)
    return (left, first, second), (first, second, right)


def part_of_outputs(outputs: int) -> int:
    """Return how many output channels a program takes: as many as leave few of them idle."""
    computed = {part: cdiv(outputs, part) * part for part in (MOST_OUTPUTS, 32, 16)}
    allowed = IDLE * min(computed.values())
    return next(part for part, size in computed.items() if size <= allowed)
