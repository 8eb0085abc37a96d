"""What a stage takes from a whole plane, tile by tile: moments, a grid of cells, or attention.

Attention counts pixels in row-major order of the whole plane: a run of them is up to three
rectangles.

Letters: N images, C channels, n pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_sr.engine.planning.tiling import Region
from sr_kernels import use_kernels
from sr_kernels.plane_moments import merged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from napari_sr.engine.execution.tile import StageContext
    from napari_sr.engine.planning.tiling import Tile
    from napari_sr.graph.chain import ChunkedAttention, PooledGrid


class MomentsOfTiles:
    """Collects means and sums of squared deviations tile by tile.

    A small tensor for each tile would lie between the tiles' large ones, and keep the C library
    from using that memory again: over a stage, hundreds of megabytes.

    Parameters
    ----------
    most : int
        How many tiles there may be.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: list[int] = []
        self._kept: Tensor | None = None

    def add(self, count: int, mean: Tensor, deviations: Tensor) -> None:
        """Add a tile of so many pixels: its moments, (N, C, 1, 1). One without pixels has none."""
        if not count:
            return
        if self._kept is None:
            self._kept = mean.new_empty((self._most, 2, *mean.shape))
        place = len(self._counts)
        self._kept[place, 0] = mean
        self._kept[place, 1] = deviations
        self._counts.append(count)

    def merged(self) -> tuple[int, Tensor, Tensor]:
        """Return the number of pixels and the moments of all tiles together.

        Raises
        ------
        ValueError
            If no tile had a pixel.
        """
        kept = () if self._kept is None else self._kept
        parts = zip(self._counts, kept, strict=False)
        return merged((count, mean, deviations) for count, (mean, deviations) in parts)


def gather_cells(context: StageContext, link: PooledGrid, tiles: Sequence[Tile]) -> Iterator[None]:
    """Compute a grid of cells, some together at a time; yield after each of `tiles`.

    Parameters
    ----------
    context : StageContext
        Where the plane is read, and the value is kept.
    link : PooledGrid
        What to compute.
    tiles : sequence of Tile
        As `Stages.tiles` returns them: counted in cells.
    """
    rows, columns = tiles[-1].keep.rows.stop, tiles[-1].keep.columns.stop
    cells: Tensor | None = None
    for tile in tiles:
        part = Region(_under(tile.read.rows, link), _under(tile.read.columns, link))
        with use_kernels(context.kernels):
            found = link.compute(context.part(link.reads, part))
        if cells is None:
            cells = found.new_empty((*found.shape[:2], rows, columns))
        cells[..., tile.read.rows, tile.read.columns] = found
        yield
    if cells is not None:
        with use_kernels(context.kernels):
            context.values[link.writes] = link.finish(cells)


def _under(cells: slice, link: PooledGrid) -> slice:
    """Return which pixels some cells look at."""
    return slice(cells.start * link.pitch, (cells.stop - 1) * link.pitch + link.reach)


def attend(
    context: StageContext, link: ChunkedAttention, runs: list[Tile], dying: Sequence[str]
) -> Iterator[None]:
    """Compute a plane whose pixels look at chunks, some pixels at a time.

    Parameters
    ----------
    context : StageContext
        Where planes are read and kept.
    link : ChunkedAttention
        What to compute.
    runs : list of Tile
        As `Stages.tiles` returns them: the pixels of each, and their chunk, as columns.
    dying : sequence of str
        Planes that nothing reads later.

    Yields
    ------
    None
        After every run.

    Raises
    ------
    UntrustedError
        If the plane holds NaN or infinity.
    """
    width = context.stages.grid.width
    most = context.stages.grid.tile**2
    for run in runs:
        chunk, looking = run.read.columns, run.keep.columns
        for name, first in zip(link.reads, (looking, chunk), strict=True):
            if name in dying:
                context.features.drop_above(name, first.start // width)
        pieces = (
            slice(start, min(start + most, chunk.stop))
            for start in range(chunk.start, chunk.stop, most)
        )
        with use_kernels(context.kernels):
            seen = (_read_run(context, link.reads[1], piece) for piece in pieces)
            found = link.compute(_read_run(context, link.reads[0], looking), seen)
        _write_run(context, link.writes, looking, found)
        yield


def parts(run: slice, width: int) -> Iterator[Region]:
    """Yield the rectangles that pixels in row-major order fill: at most three."""
    start = run.start
    while start < run.stop:
        row, column = divmod(start, width)
        rows = 1 if column else max((run.stop - start) // width, 1)
        stop = min(run.stop, (row + rows) * width)
        columns = slice(column, column + (stop - start) // rows)
        yield Region(slice(row, row + rows), columns)
        start = stop


def _read_run(context: StageContext, name: str, run: slice) -> Tensor:
    """Return pixels in row-major order, (1, C, n)."""
    pieces = [context.part(name, part).flatten(2) for part in parts(run, context.stages.grid.width)]
    return torch.cat(pieces, dim=2)


def _write_run(context: StageContext, name: str, run: slice, values: Tensor) -> None:
    """Keep pixels in row-major order, (1, C, n)."""
    done = 0
    for part in parts(run, context.stages.grid.width):
        height, width = part.size
        piece = values[..., done : done + height * width]
        context.keep(name, part, piece.reshape(*piece.shape[:2], height, width))
        done += height * width
