"""The map of differences between a source and its result: whole, lazy, or as an overview.

Symbols: H x W pixels of the source, C colours, K x K pixels of a square of an overview.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_sr.consistency.pair import Pair
    from napari_sr.consistency.sampling import Window
    from napari_sr.engine.image.arrays import Layout
    from napari_sr.engine.image.noise import Noise

SIDE = 512
"""A plane is compared in parts of this side, a power of two, in pixels of the source."""
SHOWN = 2**22
"""Largest number of pixels in a plane of an overview; a viewer loads the plane at once."""


def parts_of(pair: Pair) -> list[Window]:
    """Return plane, rows and columns of each part that is compared."""
    sides = _spans(pair.layout.height), _spans(pair.layout.width)
    return list(itertools.product(pair.layout.planes(), *sides))


@dataclass(frozen=True)
class Overview:
    """A map in memory that is filled part by part.

    In a coarse map, a pixel has the value furthest from 0 of a square.
    """

    pixels: NDArray[np.float32]
    layout: Layout
    """Layout of `pixels`."""
    step: int
    """Side K of the square that a pixel represents; 1 for a whole map."""

    def add(self, place: Window, values: NDArray[np.float32]) -> None:
        """Add the values of a part, one of `parts_of`: (H, W) or (H, W, C)."""
        plane, *spans = place
        rows, columns = (
            slice(span.start // self.step, -(-span.stop // self.step)) for span in spans
        )
        self.layout.write(self.pixels, plane, rows, columns, _furthest(values, self.step))


def overview_of(layout: Layout, most: int) -> Overview | None:
    """Return an empty map with the smallest step that fits into memory.

    Parameters
    ----------
    layout : Layout
        The source.
    most : int
        Largest size in bytes; 0 for no map.

    Returns
    -------
    Overview or None
        None if no map fits, or if the whole map does not fit but its planes are small enough to be
        shown without an overview.
    """
    for step in (2**k for k in range(SIDE.bit_length())):
        size = -(-layout.height // step), -(-layout.width // step)
        found = layout.resized(size)
        fits = 4 * math.prod(found.shape) <= most
        if fits and (step == 1 or math.prod(size) <= SHOWN):
            return Overview(np.empty(found.shape, np.float32), found, step)
        if not fits and step == 1 and layout.height * layout.width <= SHOWN:
            return None
    return None


def _furthest(values: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """Return the value furthest from 0 of each square of pixels; NaN if all pixels are NaN."""
    if step == 1:
        return values
    widths = [(0, -size % step) for size in values.shape[:2]] + [(0, 0)] * (values.ndim - 2)
    filled = np.pad(values, widths, constant_values=np.nan)
    height, width = (size // step for size in filled.shape[:2])
    squares = filled.reshape(height, step, width, step, *values.shape[2:])
    high, low = (
        reduce(reduce(squares, axis=3), axis=1) for reduce in (np.fmax.reduce, np.fmin.reduce)
    )
    found: NDArray[np.float32] = np.where(high >= -low, high, low)
    return found


def in_unit(
    found: NDArray[np.float64], seen: NDArray[np.float64], unit: Noise | None
) -> NDArray[np.float32]:
    """Return differences in values, or in units of the noise at the values of the shrunk result.

    The source's own values would not do: where noise made a pixel darker, photon noise would be
    taken for weaker than it is, so that noise alone exceeded 3.
    """
    return (found if unit is None else found / unit.at(seen + found)).astype(np.float32)


def lazy_map(pair: Pair, unit: Noise | None) -> Any:
    """Return the map as a dask array, where a chunk is a part of one plane."""
    import dask.array

    layout = pair.layout
    chunks: dict[str, tuple[int, ...]] = {
        letter: tuple(span.stop - span.start for span in _spans(size))
        for letter, size in (("Y", layout.height), ("X", layout.width))
    }
    if layout.samples:
        chunks[layout.axes[-1]] = (layout.channels,)
    pairs = zip(layout.axes, layout.shape, strict=True)
    sizes = tuple(chunks.get(letter, (1,) * size) for letter, size in pairs)
    return dask.array.map_blocks(  # type: ignore[no-untyped-call]
        _block, pair, unit, chunks=sizes, dtype=np.float32, meta=np.empty((0,) * len(sizes), "f4")
    )


def _block(pair: Pair, unit: Noise | None, block_info: Any = None) -> NDArray[np.float32]:
    """Return one chunk of the map."""
    layout, place = pair.layout, block_info[None]["array-location"]
    looped = [
        start
        for letter, (start, _) in zip(layout.axes, place, strict=True)
        if letter not in "YX" and not (layout.samples and letter == layout.axes[-1])
    ]
    rows = slice(*place[layout.axes.index("Y")])
    columns = slice(*place[layout.axes.index("X")])
    plane = tuple(looped)
    values = in_unit(*pair.difference(plane, rows, columns), unit)
    chunk = np.empty(tuple(stop - start for start, stop in place), np.float32)
    layout.write(chunk, (0,) * len(plane), slice(None), slice(None), values)
    return chunk


def _spans(size: int) -> list[slice]:
    """Divide an axis into the parts that are compared."""
    return [slice(first, min(first + SIDE, size)) for first in range(0, size, SIDE)]
