"""Bilinear enlargement of a small plane, computed for a window of the large image."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from sr_kernels._triton import tl, triton


def sample_bilinear(low: Tensor, height: int, width: int, window: tuple[int, ...]) -> Tensor:
    """Enlarge `low`, (N, E, h, w), bilinearly to the whole image, and return a piece of it.

    The result equals `interpolate(low, (full_height, full_width), mode="bilinear")`, cropped to the
    piece. Only the piece is computed.

    Parameters
    ----------
    low : Tensor, (N, E, h, w)
        The low-resolution plane of the whole image.
    height, width : int
        Size of the piece.
    window : tuple of int
        The piece's top and left, and the full height and width, in pixels.

    Returns
    -------
    Tensor, (N, E, height, width)
        In the dtype of `low`; a part of the whole image has channels last in memory.
    """
    top, left, full_height, full_width = window
    if (height, width) == (full_height, full_width):
        # an engine would interpolate between each pixel and itself; where sizes are symbols, as in
        # an export, comparing them would fix them
        if not torch.compiler.is_compiling() and low.shape[2:] == (height, width):
            return low
        size = (height, width)
        return functional.interpolate(low, size, mode="bilinear", align_corners=False)
    # half precision cannot distinguish the positions of a large image's pixels
    wide = low if low.dtype == torch.float64 else low.float()
    above, rows = _places(low.shape[2], full_height, top, height, wide)
    beside, columns = _places(low.shape[3], full_width, left, width, wide)
    cells = wide[..., above, beside].permute(0, 2, 3, 1)
    part = _between(_between(cells, rows, 1), columns, 2)
    return part.permute(0, 3, 1, 2).to(low.dtype)


def _places(size: int, full: int, start: int, length: int, like: Tensor) -> tuple[slice, Tensor]:
    """Return the cells around a piece along one axis, and the place of each pixel between them.

    Places, (length,), are counted from the first of these cells, in integers where possible,
    because float32 would lose digits far from the origin of a large image.
    """
    first = max(((2 * start + 1) * size - full) // (2 * full), 0)
    end = ((2 * (start + length) - 1) * size - full) // (2 * full) + 2
    cells = slice(min(first, size - 1), min(max(end, 1), size))
    offset = (2 * start + 1) * size - (2 * cells.start + 1) * full
    place = torch.arange(length, device=like.device, dtype=like.dtype)
    place = place * (size / full) + offset / (2 * full)
    return cells, place.clamp(-cells.start, size - 1 - cells.start)


def _between(cells: Tensor, places: Tensor, axis: int) -> Tensor:
    """Return the values at some places between cells along an axis of (N, h, w, E).

    Two neighbours are picked for each pixel. A product with a matrix of their shares would take ten
    times as long for a piece of 2048 columns, because nearly all of its values are 0.
    """
    one = places.floor().long().clamp(0, cells.shape[axis] - 1)
    other = (one + 1).clamp(max=cells.shape[axis] - 1)
    share = (places - one).reshape([-1 if each == axis else 1 for each in range(4)])
    return torch.lerp(cells.index_select(axis, one), cells.index_select(axis, other), share)


@triton.jit
def neighbours(start, offset, size, full):
    """Return the two of `size` cells around a pixel, and its distance from the first one.

    The pixel is number `start + offset` of `full` pixels. The position of pixel `start` is computed
    in integers, because float32 would lose digits in a large image.
    """
    twice = tl.cast(full, tl.int64) * 2
    # the position is (2 * start + 1) * size / twice - 1 / 2; 1 is added to make it positive
    first = (2 * start.to(tl.int64) + 1) * size + full
    place = (first % twice + 2 * size * offset).to(tl.float32) / twice.to(tl.float32)
    cell = tl.floor(place)
    share = place - cell
    cell = first // twice - 1 + cell.to(tl.int64)
    share = tl.where(cell < 0, 0.0, share)
    cell = tl.minimum(tl.maximum(cell, 0), size - 1)
    return cell, tl.minimum(cell + 1, size - 1), share


@triton.jit
def between(one_ptr, other_ptr, offsets, inside, share):
    """Interpolate features between two rows or columns, in float32; `share` weighs the second."""
    one = tl.load(one_ptr + offsets, mask=inside, other=0.0).to(tl.float32)
    other = tl.load(other_ptr + offsets, mask=inside, other=0.0).to(tl.float32)
    return one + share * (other - one)
