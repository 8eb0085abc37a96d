"""Links that need a whole plane, computed tile by tile: moments, pooled grids and attention.

Attention reads runs of pixels in row-major order of the whole plane; a run covers up to three
rectangles.

Symbols: N images, C channels, n pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_sr.engine.planning.tiling import Region
from sr_kernels import use_kernels
from sr_kernels.plane_moments import merged, plane_moments

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from napari_sr.engine.execution.tile import StageContext
    from napari_sr.engine.planning.tiling import Tile
    from napari_sr.graph.chain import ChunkedAttention, PooledGrid


def moments_of(
    plane: Tensor, known: tuple[Tensor, ...] | None = None
) -> tuple[int, Tensor, Tensor]:
    """Return number of pixels, mean and sum of squared deviations of a plane, (N, C, H, W).

    Parameters
    ----------
    plane : Tensor, (N, C, H, W)
        The plane.
    known : tuple of Tensor, optional
        Mean and sum of squared deviations, if the step that wrote the plane returned them.
    """
    count = plane.shape[2] * plane.shape[3]
    if not count:
        return 0, plane, plane
    mean, deviations, *_ = plane_moments(plane) if known is None else known
    return count, mean, deviations


class MomentsOfTiles:
    """Means and sums of squared deviations of all tiles, in one tensor.

    If each tile had its own small tensors, they would be in memory between the large tensors of
    tiles. The C library could then not reuse the memory of freed large tensors: hundreds of
    megabytes in one stage.

    Parameters
    ----------
    max_tiles : int
        Largest number of tiles.
    """

    def __init__(self, max_tiles: int) -> None:
        self._max_tiles = max_tiles
        self._counts: list[int] = []
        self._moments: Tensor | None = None

    def add(self, count: int, mean: Tensor, deviations: Tensor) -> None:
        """Add the moments of a tile, each (N, C, 1, 1).

        Parameters
        ----------
        count : int
            Pixels of the tile; a tile without pixels is skipped.
        mean, deviations : Tensor, (N, C, 1, 1)
            Mean, and sum of squared deviations from it.
        """
        if not count:
            return
        if self._moments is None:
            self._moments = mean.new_empty((self._max_tiles, 2, *mean.shape))
        number = len(self._counts)
        self._moments[number, 0] = mean
        self._moments[number, 1] = deviations
        self._counts.append(count)

    def merged(self) -> tuple[int, Tensor, Tensor]:
        """Return the number of pixels and the moments of all tiles together.

        Raises
        ------
        ValueError
            If no tile had a pixel.
        """
        moments = () if self._moments is None else self._moments
        tiles = zip(self._counts, moments, strict=False)
        return merged((count, mean, deviations) for count, (mean, deviations) in tiles)


def gather_cells(context: StageContext, link: PooledGrid, tiles: Sequence[Tile]) -> Iterator[float]:
    """Compute rows of a pooled grid, several cells at a time; yield 1 after each tile.

    If they are not all rows of the grid, the first call is for the first rows, and every other call
    continues where the one before it ended.

    Parameters
    ----------
    context : StageContext
        Reads the plane, and stores the value.
    link : PooledGrid
        The link to compute.
    tiles : sequence of Tile
        Tiles in units of cells, as `Stages.tiles` returns them.
    """
    first, stop = tiles[0].keep.rows.start, tiles[-1].keep.rows.stop
    columns = tiles[-1].keep.columns.stop
    cells: Tensor | None = None
    for tile in tiles:
        region = Region(
            _pixels_of_cells(tile.read.rows, link), _pixels_of_cells(tile.read.columns, link)
        )
        with use_kernels(context.kernels):
            part = link.compute(context.part(link.reads, region, until_next=True))
        if cells is None:
            cells = part.new_empty((*part.shape[:2], stop - first, columns))
        rows = slice(tile.read.rows.start - first, tile.read.rows.stop - first)
        cells[..., rows, tile.read.columns] = part
        yield 1.0
    if cells is not None:
        with use_kernels(context.kernels):
            _finish(context, link, cells, first)


def _finish(context: StageContext, link: PooledGrid, cells: Tensor, first: int) -> None:
    """Compute the rows of a pooled grid's value that its cells, from row `first` on, complete."""
    rows, stop = link.cells(context.stages.grid.height), first + cells.shape[2]
    if link.radius is None or stop - first == rows:
        context.values[link.writes] = link.finish(cells)
        return
    if first:
        cells = torch.cat((context.cells.pop(link.writes), cells), dim=2)
    top = stop - cells.shape[2]  # the first row of cells that is still needed
    begin = top + link.radius if top else 0
    end = rows if stop == rows else max(stop - link.radius, begin)
    if link.writes not in context.values:
        context.values[link.writes] = cells.new_empty((*cells.shape[:2], rows, cells.shape[3]))
    if begin < end:
        found = link.finish(cells)
        context.values[link.writes][..., begin:end, :] = found[..., begin - top : end - top, :]
    if stop < rows:
        # a copy, so that the other rows are freed
        context.cells[link.writes] = cells[..., max(end - link.radius, 0) - top :, :].clone()


def _pixels_of_cells(cells: slice, link: PooledGrid) -> slice:
    """Return the pixels that some cells depend on, along one axis."""
    return slice(cells.start * link.pitch, (cells.stop - 1) * link.pitch + link.reach)


def attend(
    context: StageContext, link: ChunkedAttention, runs: list[Tile], last_read: Sequence[str]
) -> Iterator[float]:
    """Compute attention over chunks of pixels, one run of query pixels at a time; yield after each.

    Parameters
    ----------
    context : StageContext
        Reads and stores planes.
    link : ChunkedAttention
        The link to compute.
    runs : list of Tile
        Runs of query pixels with their chunks, as columns; see `Stages.tiles`.
    last_read : sequence of str
        Planes that no later stage reads.

    Raises
    ------
    UntrustedError
        If the plane holds NaN or infinity.
    """
    width = context.stages.grid.width
    most = context.stages.grid.tile**2
    for run in runs:
        chunk, queries = run.read.columns, run.keep.columns
        for name, first in zip(link.reads, (queries, chunk), strict=True):
            if name in last_read:
                context.features.drop_above(name, first.start // width)
        pieces = (
            slice(start, min(start + most, chunk.stop))
            for start in range(chunk.start, chunk.stop, most)
        )
        with use_kernels(context.kernels):
            keys = (_read_run(context, link.reads[1], piece) for piece in pieces)
            result = link.compute(_read_run(context, link.reads[0], queries), keys)
        _write_run(context, link.writes, queries, result)
        yield 1.0


def parts(run: slice, width: int) -> Iterator[Region]:
    """Yield the rectangles, at most three, that a run of pixels in row-major order fills."""
    start = run.start
    while start < run.stop:
        row, column = divmod(start, width)
        rows = 1 if column else max((run.stop - start) // width, 1)
        stop = min(run.stop, (row + rows) * width)
        columns = slice(column, column + (stop - start) // rows)
        yield Region(slice(row, row + rows), columns)
        start = stop


def _read_run(context: StageContext, name: str, run: slice) -> Tensor:
    """Read a run of pixels in row-major order, (1, C, n)."""
    pieces = [context.part(name, part).flatten(2) for part in parts(run, context.stages.grid.width)]
    return torch.cat(pieces, dim=2)


def _write_run(context: StageContext, name: str, run: slice, values: Tensor) -> None:
    """Store a run of pixels in row-major order, (1, C, n)."""
    done = 0
    for part in parts(run, context.stages.grid.width):
        height, width = part.size
        piece = values[..., done : done + height * width]
        context.keep(name, part, piece.reshape(*piece.shape[:2], height, width))
        done += height * width
