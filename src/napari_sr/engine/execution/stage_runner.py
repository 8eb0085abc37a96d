"""Run a chain on one plane, stage by stage and tile by tile, equal to running it whole.

Only a tile is ever on the device, with the small values that were gathered; see `stages`.

Letters: C channels, H x W pixels of the image that enters the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.engine.execution.attention import attend
from napari_sr.engine.execution.moments import MomentsOfTiles
from napari_sr.engine.execution.segments import segments_of
from napari_sr.engine.execution.stage_context import UntrustedError
from napari_sr.engine.execution.tile_buffers import TileBuffers
from napari_sr.engine.planning.tiling import Region
from napari_sr.graph.chain import RESULT, ChunkedAttention, GlobalStats, PooledGrid, Step
from sr_kernels import use_kernels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from napari_sr.engine.execution.segments import Segment
    from napari_sr.engine.execution.stage_context import StageContext
    from napari_sr.engine.planning.stage_plan import Stage
    from napari_sr.engine.planning.tiling import Tile
    from napari_sr.graph.chain import Chain, Link


def run_stages(context: StageContext) -> Iterator[int]:
    """Run all stages; yield, after every tile, how many are done.

    Raises
    ------
    UntrustedError
        If a feature plane holds NaN or infinity, or `write` says so.
    """
    last = {name: at for at, stage in enumerate(context.plan.all) for name in stage.reads}
    done = 0
    for at, stage in enumerate(context.plan.all):
        for name in stage.keeps:
            if name != RESULT:
                kind = context.plan.profile.planes[name]
                context.features.make(name, kind.channels, kind.scale, kind.dtype)
        dying = [name for name in stage.reads if last[name] == at]
        for _ in _run_stage(context, stage, dying):
            done += 1
            yield done
        for name in dying:
            context.features.drop(name)
        for name in set(context.values) - _values_after(context, at):
            del context.values[name]


def _values_after(context: StageContext, at: int) -> set[str]:
    """Return the names of gathered values that stages after this one use."""
    later = context.plan.all[at + 1 :]
    steps = (context.chain[place] for stage in later for place, _ in stage.steps)
    return {name for step in steps if isinstance(step, Step) for name in step.uses}


def _run_stage(context: StageContext, stage: Stage, dying: Sequence[str]) -> Iterator[None]:
    link = None if stage.gather is None else context.chain[stage.gather]
    tiles = context.plan.tiles(stage)
    if isinstance(link, PooledGrid):
        yield from _gather_cells(context, link, tiles)
        return
    if isinstance(link, ChunkedAttention):
        yield from attend(context, link, tiles, dying)
        return
    moments = MomentsOfTiles(len(tiles))
    segments = segments_of(context, stage)
    for tile in tiles:
        for name in dying:
            context.features.drop_above(name, tile.read.rows.start)
        with use_kernels(context.kernels):
            told = _run_tile(context, stage, tile, segments)
        if told is not None:
            moments.add(*told)
        yield
    if isinstance(link, GlobalStats):
        # of a coarser plane, a tile's core may hold no pixel
        count, mean, deviations = moments.merged()
        with use_kernels(context.kernels):
            context.values[link.writes] = link.finish(mean, deviations, count)


def _gather_cells(context: StageContext, link: PooledGrid, tiles: list[Tile]) -> Iterator[None]:
    """Compute a grid of cells, some together at a time."""
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


def _run_tile(
    context: StageContext, stage: Stage, tile: Tile, segments: Sequence[Segment] | None
) -> tuple[int, Tensor, Tensor] | None:
    """Compute one tile, again in float32 where that may help; see `_compute_tile`."""
    try:
        return _compute_tile(context, context.chain, stage, tile, segments)
    except UntrustedError:
        if context.careful is None:
            raise
    with use_kernels("reference"):
        return _compute_tile(context, context.careful, stage, tile, None)


def _compute_tile(
    context: StageContext,
    chain: Chain,
    stage: Stage,
    tile: Tile,
    segments: Sequence[Segment] | None,
) -> tuple[int, Tensor, Tensor] | None:
    """Compute one tile; return the moments of its core where the stage gathers some."""
    core, read = tile.keep, tile.read
    held = TileBuffers(context, read, stage.halo, alike=segments is not None)
    if segments is None:
        for place, margin in stage.steps:
            _compute_step(held, chain[place], margin)
    else:
        _replay(context, held, segments)
    for name in stage.keeps:
        values = held.part(name, core)
        if name == RESULT:
            context.write(
                core.rows, core.columns, values, context.float32 or chain is context.careful
            )
            continue
        context.keep(name, core, values)
    link = None if stage.gather is None else context.chain[stage.gather]
    if not isinstance(link, GlobalStats):
        return None
    return held.moments(link.reads, core)


def _replay(context: StageContext, held: TileBuffers, segments: Sequence[Segment]) -> None:
    """Compute a tile's planes by CUDA graphs, but for steps that need its place."""
    last = [segment for segment in segments if segment.repeatable][-1:]
    for segment in segments:
        if segment.repeatable and context.graphs is not None:
            held.replay(segment, context.graphs, last=segment in last)
            continue
        for place in segment.places:
            _compute_step(held, context.chain[place], 0)


def _compute_step(held: TileBuffers, step: Link, margin: int) -> None:
    if isinstance(step, Step):
        held.compute(step, margin)
