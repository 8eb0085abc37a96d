"""The tiles of a plane, and the work that their overlap adds."""

from __future__ import annotations

from napari_sr.engine.planning import tiling
from napari_sr.graph.chain import Window

BANDS_WORTH = 1.05
"""Bands over the whole width replace square tiles if they read at most this many times the pixels.
Bands are faster because they are read without copies: OpenVINO takes 0.92 times the processor time
with BSRN-S x4 on 512 x 512 px in tiles of 425 px."""


class TileGrid:
    """The tiles of a plane, for any halo.

    Parameters
    ----------
    height, width : int
        Size of the plane in pixels.
    tile : int
        Largest side of a tile in pixels, halo included.
    multiple : int
        Tiles begin at multiples of this.
    least : int
        Smallest number of pixels that a tile reads along each side.
    bands : bool
        Whether tiles are bands over the whole width instead of squares, if bands read at most
        `BANDS_WORTH` times as many pixels. There are about as many bands as squares.
    """

    def __init__(
        self,
        height: int,
        width: int,
        tile: int,
        multiple: int,
        least: int = 1,
        *,
        bands: bool = False,
    ) -> None:
        self.height = height
        self.width = width
        self.tile = tile
        self.multiple = multiple
        self.least = least
        self.bands = bands

    def tiles(self, halo: int) -> list[tiling.Tile]:
        """Return the tiles of a stage with this halo."""
        how = self.limits(halo), halo, self.multiple, self.least
        return list(tiling.tiles(self.height, self.width, *how))

    def limits(self, halo: int) -> tuple[int, int]:
        """Return the largest height and width of tiles of a stage with this halo."""
        square = self.tile, self.tile
        if not self.bands or self.tile >= self.width:
            return square
        (height, rows), (width, columns) = self._fitted(square, halo)
        count = rows * columns
        band = -(-(self.height + 2 * halo * (count - 1)) // count)
        band = -(-band // self.multiple) * self.multiple
        if band < max(tiling.least_tile(halo, self.multiple), self.least):
            return square
        length, count = tiling.fitted(self.height, band, halo, self.multiple, self.least)
        worth = BANDS_WORTH * height * rows * width * columns
        return (band, self.width) if length * count * self.width <= worth else square

    def count(self, halo: int) -> int:
        """Return the number of tiles of a stage with this halo."""
        (_, rows), (_, columns) = self._fitted(self.limits(halo), halo)
        return rows * columns

    def size(self, halo: int) -> tuple[int, int]:
        """Return height and width of the tiles of a stage with this halo."""
        (height, _), (width, _) = self._fitted(self.limits(halo), halo)
        return height, width

    def window(self, part: tiling.Region) -> Window:
        """Return a region of the plane as the window that a step of the network gets."""
        return Window(part.rows.start, part.columns.start, *part.size, self.height, self.width)

    def fits(self, halo: int) -> bool:
        """Return whether a tile has pixels inside this halo."""
        one = self.tile >= max(self.height, self.width)
        return one or self.tile >= tiling.least_tile(halo, self.multiple)

    def overlap_factor(self, halo: int, consumed: int) -> float:
        """Return how many times a pixel is computed on average, because tiles overlap.

        Parameters
        ----------
        halo : int
            Pixels that tiles read around the part that they keep.
        consumed : int
            Width of the outer part of the halo that is no longer computed, in pixels.
        """
        factor = 1.0
        fitted = self._fitted(self.limits(halo), halo)
        for size, (length, count) in zip((self.height, self.width), fitted, strict=True):
            side = length - (2 * consumed if count > 1 else 0)
            factor *= max(count * side / size, 1.0)
        return factor

    def _fitted(
        self, limits: tuple[int, int], halo: int
    ) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return length and number of tiles along the rows and along the columns."""
        how = halo, self.multiple, self.least
        rows, columns = limits
        return tiling.fitted(self.height, rows, *how), tiling.fitted(self.width, columns, *how)
