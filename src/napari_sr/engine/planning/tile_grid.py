"""The tiles of a plane, and the work that their overlap adds."""

from __future__ import annotations

from napari_sr.engine.planning import tiling
from napari_sr.graph.chain import Window


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
    strip : int
        If given, the number of rows that a tile keeps when stages take turns, strip by strip; a
        multiple of `multiple`.
    """

    def __init__(
        self, height: int, width: int, tile: int, multiple: int, least: int = 1, *, strip: int = 0
    ) -> None:
        self.height = height
        self.width = width
        self.tile = tile
        self.multiple = multiple
        self.least = least
        self.strip = strip

    def tiles(self, halo: int) -> list[tiling.Tile]:
        """Return the tiles of a stage with this halo that goes over the whole plane."""
        how = self.tile, halo, self.multiple, self.least
        return list(tiling.tiles(self.height, self.width, *how))

    def columns(self, halo: int) -> list[tiling.Span]:
        """Return the columns of the tiles of a stage with this halo."""
        return tiling.spans(self.width, self.tile, halo, self.multiple, self.least)

    def count(self, halo: int) -> int:
        """Return the number of tiles of a stage with this halo."""
        (_, rows), (_, columns) = self._fitted(halo)
        return rows * columns

    def size(self, halo: int) -> tuple[int, int]:
        """Return height and width of the tiles of a stage with this halo."""
        (height, _), (width, _) = self._fitted(halo)
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
        fitted = self._fitted(halo)
        for size, (length, count) in zip((self.height, self.width), fitted, strict=True):
            side = length - (2 * consumed if count > 1 else 0)
            factor *= max(count * side / size, 1.0)
        return factor

    def _fitted(self, halo: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return length and number of tiles along the rows and along the columns."""
        how = halo, self.multiple, self.least
        columns = tiling.fitted(self.width, self.tile, *how)
        if self.strip:
            # the first and the last strip overlap their neighbours: about one tile more
            rows = min(self.strip + 2 * halo, self.height), self.height // self.strip + 2
            return rows, columns
        return tiling.fitted(self.height, self.tile, *how), columns
