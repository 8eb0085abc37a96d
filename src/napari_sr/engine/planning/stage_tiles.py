"""The tiles of each stage: squares of pixels, squares of cells, or runs of pixels.

Tiles of a `PooledGrid` are measured in cells. Tiles of a `ChunkedAttention` are runs of pixels in
row-major order, given as columns of one row. Such a tile keeps some query pixels, and reads their
whole chunk.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_sr.engine.planning import tiling
from napari_sr.engine.planning.tiling import Region, Tile
from napari_sr.graph.chain import ChunkedAttention, PooledGrid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_sr.engine.planning.tile_grid import TileGrid
    from napari_sr.graph.chain import Link


def tiles_of(
    grid: TileGrid, link: Link | None, halo: int, rows: Sequence[tiling.Span] = ()
) -> list[Tile]:
    """Return tiles of a stage, row by row.

    Parameters
    ----------
    grid : TileGrid
        Tiles of a plane.
    link : Link, optional
        The link that the stage gathers, if any.
    halo : int
        Pixels that a tile reads around the part that it keeps.
    rows : sequence of Span, optional
        Rows of tiles, or of tiles of cells; by default, those of the whole plane.
    """
    if isinstance(link, ChunkedAttention):
        return list(_runs(grid, link))
    if isinstance(link, PooledGrid):
        down, across = (link.cells(size) for size in (grid.height, grid.width))
        together = _together(grid, link)
        rows = rows or tiling.spans(down, together, 0)
        columns = tiling.spans(across, together, 0)
    elif not rows:
        return grid.tiles(halo)
    else:
        columns = grid.columns(halo)
    return [
        Tile(Region(row.read, column.read), Region(row.keep, column.keep))
        for row in rows
        for column in columns
    ]


def count_of(grid: TileGrid, link: Link | None, halo: int, rows: int = 0) -> int:
    """Return the number of tiles of a stage; tiles of an image are counted, not created.

    Parameters
    ----------
    grid, link, halo
        As for `tiles_of`.
    rows : int
        Number of rows of tiles; 0 for those of the whole plane.
    """
    if isinstance(link, ChunkedAttention):
        return sum(1 for _ in _runs(grid, link))
    if isinstance(link, PooledGrid):
        counts = [
            tiling.fitted(link.cells(size), _together(grid, link), 0)[1]
            for size in (grid.height, grid.width)
        ]
        return (rows or counts[0]) * counts[1]
    return rows * len(grid.columns(halo)) if rows else grid.count(halo)


def _together(grid: TileGrid, link: PooledGrid) -> int:
    """Return the largest number of rows or columns of cells in a tile."""
    return max(link.cells(grid.tile), 1)


def _runs(grid: TileGrid, link: ChunkedAttention) -> Iterator[Tile]:
    """Yield runs of pixels; none has more pixels than a tile."""
    most, row = grid.tile**2, slice(0, 1)
    for chunk in link.chunks(math.prod((grid.height, grid.width))):
        for start in range(chunk.start, chunk.stop, most):
            kept = slice(start, min(start + most, chunk.stop))
            yield Tile(Region(row, chunk), Region(row, kept))
