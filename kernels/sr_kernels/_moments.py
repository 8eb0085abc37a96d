"""Moments of a plane (mean and sum of squared deviations), merged from the moments of its parts.

A program stores the mean of its part of a plane, and the sum of squared deviations (m2). A second
kernel merges the parts by their numbers of pixels, as in Chan, Golub and LeVeque, "Updating
Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979. Means are stored relative
to a nearby value, the pivot, so that a large offset costs no digits. There are no atomic
operations, and the parts depend only on the shape, so repeated runs give bit-equal results.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sr_kernels._triton import kernel_jit, tl, triton

MOST = 1024
"""Number of parts merged at once."""
WARPS = 4


@triton.jit
def column_sum(x):
    """Sum over axis 0 in two steps, first within each thread, because shorter sums round less."""
    return tl.sum(tl.sum(tl.reshape(x, (x.shape[0] // 16, 16, x.shape[1])), axis=0), axis=0)


@triton.jit
def moments(first, total, squares, inside, rows, columns):
    """Return the pivot, the mean relative to the pivot, and m2 of a part of several rows.

    Parameters
    ----------
    first, total, squares : (BLOCK, C)
        The part's first row; the sum over rows of the differences from the first row; and the sum
        of the squared differences. The first row is near the mean, so few digits cancel.
    inside : (BLOCK, C)
        Mask of the valid values.
    rows, columns : float32
        Number of rows and of columns.
    """
    pivot = column_sum(tl.where(inside, first, 0.0)) / columns
    mean = total / rows
    apart = tl.where(inside, first - pivot[None, :] + mean, 0.0)
    within = tl.where(inside, squares - total * mean, 0.0)
    shift = column_sum(apart) / columns
    m2 = column_sum(within + rows * apart * apart) - rows * columns * shift * shift
    # rounding may give negative values; this comparison keeps NaN
    return pivot, shift, tl.where(m2 < 0.0, 0.0, m2)


@triton.jit
def store_part(parts_ptr, place, planes, parts, pivot, mean, m2, wanted):
    """Store one part for `merge`: pivot, mean relative to the pivot, and m2."""
    every = tl.cast(planes, tl.int64) * parts
    tl.store(parts_ptr + place, pivot, mask=wanted)
    tl.store(parts_ptr + every + place, mean, mask=wanted)
    tl.store(parts_ptr + 2 * every + place, m2, mask=wanted)


@kernel_jit
def _merge_kernel(
    parts_ptr, mean_ptr, m2_ptr, height, width, rows, columns, parts, PARTS: tl.constexpr
):  # fmt: skip
    # one program: all parts of one plane, PARTS at a time
    plane, every = tl.program_id(0).to(tl.int64), tl.num_programs(0).to(tl.int64) * parts
    parts_ptr += plane * parts
    across = tl.cdiv(width, columns)
    origin = tl.load(parts_ptr)
    mean, m2, before = 0.0, 0.0, 0.0
    for begin in range(0, parts, PARTS):
        part = begin + tl.arange(0, PARTS)
        inside = part < parts
        pivot = tl.load(parts_ptr + part, mask=inside, other=0.0)
        means = tl.load(parts_ptr + every + part, mask=inside, other=0.0) + (pivot - origin)
        m2s = tl.load(parts_ptr + 2 * every + part, mask=inside, other=0.0)
        # parts at the right and lower ends have fewer pixels
        high = tl.minimum(height - (part // across).to(tl.int64) * rows, rows)
        wide = tl.minimum(width - (part % across).to(tl.int64) * columns, columns)
        counts = tl.where(inside, high * wide, 0).to(tl.float32)

        count = tl.sum(counts, axis=0)
        average = tl.sum(counts * means, axis=0) / count
        apart = tl.where(inside, means - average, 0.0)
        share = count / (before + count)
        step = average - mean
        m2 += tl.sum(m2s + counts * apart * apart, axis=0) + step * step * before * share
        mean += step * share
        before += count
    tl.store(mean_ptr + plane, origin + mean)
    tl.store(m2_ptr + plane, m2)


def new_parts(images: int, channels: int, parts: int, device: torch.device) -> Tensor:
    """Return memory for `store_part`, (3, N, C, parts) in float32."""
    return torch.empty((3, images, channels, parts), dtype=torch.float32, device=device)


def merge(parts: Tensor, plane: tuple[int, int], part: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Merge the moments of a plane's parts.

    Parameters
    ----------
    parts : Tensor, (3, N, C, parts)
        See `store_part`. A plane's parts are in row-major order.
    plane, part : (int, int)
        Height and width of a plane, and of a part; parts at the lower or right end may be smaller.

    Returns
    -------
    mean, m2 : Tensor, (N, C, 1, 1)
        In float32.
    """
    _, images, channels, count = parts.shape
    mean, m2 = (parts.new_empty((images, channels, 1, 1)) for _ in range(2))
    with torch.cuda.device_of(parts):
        _merge_kernel[(images * channels,)](
            parts, mean, m2, *plane, *part, count, PARTS=MOST, num_warps=WARPS
        )
    return mean, m2
