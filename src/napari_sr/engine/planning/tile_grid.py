"""How a plane is cut into tiles, and what tiles read twice."""

from __future__ import annotations

import math

from napari_sr.engine.planning import tiling


class TileGrid:
    """How a plane is cut into tiles.

    Parameters
    ----------
    height, width : int
        Of the plane in pixels.
    tile : int
        Pixels along each side that a tile reads, halo included.
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
        """Say whether a tile keeps anything inside this halo."""
        one = self.tile >= max(self.height, self.width)
        return one or self.tile >= tiling.least_tile(halo, self.multiple)

    def share(self, halo: int, consumed: int) -> float:
        """Return how often a pixel is computed, once `consumed` pixels of the halo are gone."""
        share = 1.0
        for size in (self.height, self.width):
            inner = max(size - 2 * halo, 1)
            count = 1 if self.tile >= size else math.ceil(inner / (self.tile - 2 * halo))
            side = min(self.tile, size) - (2 * consumed if count > 1 else 0)
            share *= max(count * side / size, 1.0)
        return share
