"""Smallest and largest values of a whole plane, for runs that read one block at a time.

Symbols: H x W pixels, C channels.
"""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_sr.engine.image.opacity import opacity_range

if TYPE_CHECKING:
    from napari_sr.engine.image.arrays import ArrayLike, Layout

BAND = (1024, 16384)
"""Rows and columns of the parts that are read one at a time: 32 MiB of uint16."""


class PlaneEnds(NamedTuple):
    """Smallest and largest values of a plane; NaN are ignored."""

    low: float
    high: float
    """Smallest and largest value of grey or of the three colours."""
    opacity: tuple[float, float] | None = None
    """The plane's `opacity_range`; None if it has no alpha."""


def ends_of_plane(image: ArrayLike, layout: Layout, plane: tuple[int, ...]) -> PlaneEnds:
    """Read a plane in parts, and return its smallest and largest values.

    Parameters
    ----------
    image : array
        A NumPy, dask or Zarr array, or any other object whose slices are pixels.
    layout : Layout
        The image's layout.
    plane : tuple of int
        Index of the plane along the looped axes.
    """
    low, high, opacities = math.inf, -math.inf, []
    pairs = zip((layout.height, layout.width), BAND, strict=True)
    starts = (range(0, size, step) for size, step in pairs)
    for row, column in product(*starts):
        part = layout.read(
            image, plane, slice(row, min(row + BAND[0], layout.height)),
            slice(column, min(column + BAND[1], layout.width)),
        )  # fmt: skip
        colours = part[..., :3] if layout.samples else part
        low = min(low, _number(np.fmin.reduce(colours, axis=None), math.inf))
        high = max(high, _number(np.fmax.reduce(colours, axis=None), -math.inf))
        if layout.channels == 4:
            opacities.append(opacity_range(part[..., 3]))
    if not opacities:
        return PlaneEnds(low, high)
    lows, highs = zip(*opacities, strict=True)
    return PlaneEnds(low, high, (min(lows), max(highs)))


def _number(value: float, otherwise: float) -> float:
    return otherwise if np.isnan(value) else float(value)
