"""The tiles of a plane, and how much work their overlap adds."""

from __future__ import annotations

import math

from napari_sr.engine.planning import tiling


class TileGrid:
    """The tiles of a plane.

    Parameters
    ----------
    height, width : int
        Size of the plane in pixels.
    tile : int
        Side of a tile in pixels, halo included.
    multiple : int
        Tiles begin at multiples of this.
    """

    def __init__(self, height: int, width: int, tile: int, multiple: int) -> None:
        self.height = height
        self.width = width
        self.tile = tile
        self.multiple = multiple

    def tiles(self, halo: int) -> list[tiling.Tile]:
        """Return the tiles of a stage with this halo."""
        return list(tiling.tiles(self.height, self.width, self.tile, halo, self.multiple))

    def fits(self, halo: int) -> bool:
        """Return whether a tile keeps anything inside this halo."""
        one = self.tile >= max(self.height, self.width)
        return one or self.tile >= tiling.least_tile(halo, self.multiple)

    def overlap_factor(self, halo: int, consumed: int) -> float:
        """Return how often a pixel is computed on average, because tiles overlap.

        Parameters
        ----------
        halo : int
            Pixels that tiles read around the part that they keep.
        consumed : int
            Pixels of the halo that are no longer computed.
        """
        factor = 1.0
        for size in (self.height, self.width):
            inner = max(size - 2 * halo, 1)
            count = 1 if self.tile >= size else math.ceil(inner / (self.tile - 2 * halo))
            side = min(self.tile, size) - (2 * consumed if count > 1 else 0)
            factor *= max(count * side / size, 1.0)
        return factor
