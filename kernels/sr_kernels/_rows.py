"""A depthwise 3x3 convolution, computed row by row, for all kernels that contain one.

A program computes a band of rows of channels_last planes from top to bottom. It loads each row as
three matrices (pixels, channels): the row, and the row shifted by one pixel to the left and to the
right. It adds their weighted sums to the three output rows that need this row. Then the uppermost
output row is complete, so only two rows of sums stay in registers.
"""

from __future__ import annotations

from functools import cache

import torch

from sr_kernels._activation import activate
from sr_kernels._triton import tl, triton

ACTIVATIONS = ("gelu", "none")
"""The activations that may follow the sums."""
LEAST_TURNS = 2
"""Smallest number of programs on the busiest multiprocessor, if the image has enough rows. A single
program would leave the multiprocessor idle while it waits for memory."""
LEAST_ROWS, MOST_ROWS = 4, 32
"""Smallest and largest number of rows of a band. A band reads two additional rows: 50 % more for 4
rows, 6 % more for 32 rows."""


@triton.jit
def part_of(
    program, height, width, rows, CHANNELS: tl.constexpr, BLOCK: tl.constexpr, PART: tl.constexpr
):
    """Return a program's channels, columns, first row and image."""
    # channels vary fastest, so that neighbouring programs read the same or adjacent pixels
    parts = tl.cdiv(CHANNELS, PART)
    channel = program % parts * PART + tl.arange(0, PART)
    program //= parts
    blocks = tl.cdiv(width, BLOCK)
    column = program % blocks * BLOCK + tl.arange(0, BLOCK)
    program //= blocks
    bands = tl.cdiv(height, rows)
    return channel, column, program % bands * rows, (program // bands).to(tl.int64)


@triton.jit
def load_taps(weight_ptr, row: tl.constexpr, channel, CHANNELS: tl.constexpr):
    """Return the three taps of one row of the 3x3 convolution, each (1, channels) in float32."""
    at = weight_ptr + channel * 9 + row * 3
    inside = channel < CHANNELS
    left = tl.load(at, mask=inside, other=0.0).to(tl.float32)
    centre = tl.load(at + 1, mask=inside, other=0.0).to(tl.float32)
    right = tl.load(at + 2, mask=inside, other=0.0).to(tl.float32)
    return left[None, :], centre[None, :], right[None, :]


@triton.jit
def load_bias(bias_ptr, channel, CHANNELS: tl.constexpr):
    """Return the bias, (1, channels) in float32, or zeros if there is none."""
    if bias_ptr is None:
        return tl.zeros_like(channel).to(tl.float32)[None, :]
    else:
        return tl.load(bias_ptr + channel, mask=channel < CHANNELS, other=0.0).to(tl.float32)[
            None, :
        ]


@triton.jit
def weigh(row, taps, onto):
    """Add an input row at the left, centre and right tap, weighted, to an output row."""
    return onto + row[0] * taps[0] + row[1] * taps[1] + row[2] * taps[2]


@triton.jit
def is_inside(row, column, height, width):
    """Return a mask of the columns of a row that are inside the image."""
    # rows outside get an empty range of columns, because a scalar cannot be combined with a mask
    end = tl.where((row >= 0) & (row < height), width, 0)
    return (column >= 0) & (column < end)


@triton.jit
def finish_row(y, at, inside, residual_ptr, y_ptr, ACTIVATION: tl.constexpr):
    """Add the residual to a row of sums, activate and store it."""
    if residual_ptr is not None:
        y += tl.load(residual_ptr + at, mask=inside, other=0.0).to(tl.float32)
    # none of these activations has a slope
    tl.store(y_ptr + at, activate(y, ACTIVATION, 0.0), mask=inside)


def rows_per_band(
    height: int,
    beside: int,
    device: torch.device,
    choices: range = range(LEAST_ROWS, MOST_ROWS + 1),
    more: float = 2,
) -> int:
    """Return the number of rows per program that gives the busiest multiprocessor the least work.

    Parameters
    ----------
    height : int
        Rows of an image.
    beside : int
        Number of programs for one band, over all images and blocks of columns and channels.
    device : torch.device
        The device. With few multiprocessors, bands are fewer and longer.
    choices : range
        Allowed numbers of rows.
    more : float
        Number of additional rows that a band reads.
    """
    return _rows_for(height, beside, _processors(device), choices, more)


@cache
def _rows_for(height: int, beside: int, processors: int, choices: range, more: float) -> int:
    def cost(rows: int) -> tuple[bool, float]:
        # the programs of a multiprocessor run one after the other
        turns = -(-beside * -(-height // rows) // processors)
        return turns < LEAST_TURNS, turns * (rows + more)

    return min(choices, key=cost)


@cache
def _processors(device: torch.device) -> int:
    if device.type != "cuda":
        return 1
    return torch.cuda.get_device_properties(device).multi_processor_count
