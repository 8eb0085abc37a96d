"""Read the blocks of an image, and fill NaN of floats.

Symbols: H x W pixels, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.conversion import Filled, fill_missing
from napari_sr.engine.image.plane_ends import ends_of_plane

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_sr.engine.image.arrays import ArrayLike
    from napari_sr.engine.image.plane_ends import PlaneEnds
    from napari_sr.engine.planning.blocks import Block, BlockGrid


@dataclass(frozen=True)
class BlockReader:
    """Reads the windows of blocks from an image, and only the pixels that they need."""

    image: ArrayLike
    """A NumPy, dask or Zarr array, or any other object whose slices are pixels."""
    grid: BlockGrid
    reach: int | None
    """Receptive field of the network in pixels; None if it is the whole image."""
    _ends: dict[tuple[int, ...], PlaneEnds] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """Smallest and largest values of the planes that were read as a whole."""

    def read(self, block: Block) -> Filled:
        """Return the window of a block, (H, W, C), with NaN filled from neighbouring pixels.

        Raises
        ------
        ValueError
            If the window has infinite values.
        """
        window, layout = block.window, self.grid.layout
        channel = layout.channel_of(block.plane)
        is_part = window.size != (layout.height, layout.width)
        whole = partial(self.ends, block.plane) if is_part else None
        kept, origin = block.core.slices_in(window, 1), (window.rows.start, window.columns.start)
        if layout.dtype.kind != "f":
            pixels = self._pixels(block.plane, window.rows, window.columns)
            return Filled(pixels, None, kept, origin, whole, block.extension, channel)
        # a NaN at the edge of the window may be filled from pixels beyond this edge
        rows = _grown(window.rows, self.reach, layout.height)
        columns = _grown(window.columns, self.reach, layout.width)
        pixels = self._pixels(block.plane, rows, columns)
        inner = (
            slice(window.rows.start - rows.start, window.rows.stop - rows.start),
            slice(window.columns.start - columns.start, window.columns.stop - columns.start),
        )
        filled = fill_missing(pixels, self.reach)
        missing = None if filled.missing is None else filled.missing[inner]
        return Filled(filled.pixels[inner], missing, kept, origin, whole, block.extension, channel)

    def ends(self, plane: tuple[int, ...]) -> PlaneEnds:
        """Return the smallest and largest values of a plane; the whole plane is read only once."""
        if plane not in self._ends:
            self._ends[plane] = ends_of_plane(self.image, self.grid.layout, plane)
        return self._ends[plane]

    def core(self, block: Block) -> NDArray[Any]:
        """Return the core of a block, (H, W) or (H, W, C), with its NaN.

        Raises
        ------
        ValueError
            If the core has infinite values.
        """
        pixels = self._pixels(block.plane, block.core.rows, block.core.columns)
        return pixels if self.grid.layout.samples else pixels[..., 0]

    def _pixels(self, plane: tuple[int, ...], rows: slice, columns: slice) -> NDArray[Any]:
        layout = self.grid.layout
        pixels = layout.read(self.image, plane, rows, columns)
        if pixels.dtype.kind == "f":
            _refuse_infinite(pixels, plane, rows.start, columns.start)
        return pixels if layout.samples else pixels[..., None]


def _grown(span: slice, reach: int | None, length: int) -> slice:
    if reach is None:
        return slice(0, length)
    return slice(max(span.start - reach, 0), min(span.stop + reach, length))


def _refuse_infinite(pixels: NDArray[Any], plane: tuple[int, ...], top: int, left: int) -> None:
    infinite = np.isinf(pixels)
    if infinite.any():
        row, column = (int(place) for place in np.argwhere(infinite)[0][:2])
        of_plane = f" of plane {plane}" if plane else ""
        raise ValueError(
            f"the image has infinite values, the first at y={top + row}, x={left + column}"
            f"{of_plane}"
        )
