"""Compute planes whose pixels look at chunks of another plane, some pixels at a time.

Pixels count in row-major order of the whole plane: a run of them is up to three rectangles.

Letters: C channels, n pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_sr.engine.planning.tiling import Region
from sr_kernels import use_kernels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from napari_sr.engine.execution.stage_context import StageContext
    from napari_sr.engine.planning.tiling import Tile
    from napari_sr.graph.chain import ChunkedAttention


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
    width = context.plan.grid.width
    most = context.plan.grid.tile**2
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
    pieces = [context.part(name, part).flatten(2) for part in parts(run, context.plan.grid.width)]
    return torch.cat(pieces, dim=2)


def _write_run(context: StageContext, name: str, run: slice, values: Tensor) -> None:
    """Keep pixels in row-major order, (1, C, n)."""
    done = 0
    for part in parts(run, context.plan.grid.width):
        height, width = part.size
        piece = values[..., done : done + height * width]
        context.keep(name, part, piece.reshape(*piece.shape[:2], height, width))
        done += height * width
