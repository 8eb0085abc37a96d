"""Choose the windows of an image in which a result is compared with its source.

The windows are few and evenly spread, and the same for every image of equal shape.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_sr.engine.image.arrays import Layout

SIDE = 64
"""Side of a window in pixels of the source. Windows of this size stay in a core's cache: larger
ones take six times longer per pixel."""
MOST_PLANES = 16
"""Largest number of planes that are read, evenly spread over the stack."""
_STEPS = 0.7548776662466927, 0.5698402909980532
"""Steps of Roberts' R2 sequence, which spreads points evenly over a square."""

Window = tuple[tuple[int, ...], slice, slice]
"""Index of a plane, rows and columns."""


def windows(layout: Layout, most: int) -> Iterator[Window]:
    """Yield at most about `most` windows of an image; together, they cover all of a small image.

    A plane is divided into equal cells, and each cell has one window. Its position in the cell
    varies, so that borders of the image are neither left out nor preferred.

    Parameters
    ----------
    layout : Layout
        The image.
    most : int
        Largest number of windows.
    """
    planes = _planes(layout, min(most, MOST_PLANES))
    across = max(math.isqrt(most // len(planes)), 1)
    number = 0
    for plane in planes:
        for top, bottom in _cells(layout.height, across):
            for left, right in _cells(layout.width, across):
                number += 1
                down, aside = (number * step % 1 for step in _STEPS)
                yield plane, _inside(top, bottom, down), _inside(left, right, aside)


def _planes(layout: Layout, most: int) -> list[tuple[int, ...]]:
    """Return the indices of some planes, evenly spread."""
    count = layout.count
    wanted = {(2 * k + 1) * count // (2 * most) for k in range(most)} if count > most else None
    return [one for k, one in enumerate(layout.planes()) if wanted is None or k in wanted]


def _cells(size: int, most: int) -> list[tuple[int, int]]:
    """Return start and end of equal cells along an axis; a short axis has fewer than `most`."""
    count = min(most, -(-size // SIDE))
    ends = [size * k // count for k in range(count + 1)]
    return list(pairwise(ends))


def _inside(start: int, stop: int, share: float) -> slice:
    """Return a window in a cell; its middle is at `share` of the cell if the window fits there."""
    middle = start + round(share * (stop - start))
    first = min(max(middle - SIDE // 2, start), max(stop - SIDE, start))
    return slice(first, min(first + SIDE, stop))
