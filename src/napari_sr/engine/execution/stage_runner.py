"""Run a chain on one plane, stage by stage and tile by tile.

Every kind of run uses this module: a plane that is one tile, tiles with a halo that the user chose,
and stages, whose tiles leave no seams; see `stage_plan`. The device's memory never contains more
than one tile and the small gathered values.

Symbols: C channels, H x W pixels of the image that enters the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.engine.execution.gathering import MomentsOfTiles, attend, gather_cells
from napari_sr.engine.execution.replaying import segments_of
from napari_sr.engine.execution.tile import compute_tile
from napari_sr.graph.chain import RESULT, ChunkedAttention, GlobalStats, PooledGrid, Step
from sr_kernels import use_kernels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_sr.engine.execution.tile import StageContext
    from napari_sr.engine.planning.stage_plan import Stage


def run_stages(context: StageContext) -> Iterator[float]:
    """Run all stages; yield the number of finished tiles, at least once per tile.

    The fractional part is the share of the current tile that is done.

    Raises
    ------
    UntrustedError
        If a feature plane has NaN or infinity, or a result has implausible values.
    """
    stages = context.stages
    last_stage = {name: number for number, stage in enumerate(stages.all) for name in stage.reads}
    done = 0
    for number, stage in enumerate(stages.all):
        for name in stage.keeps:
            if name != RESULT:
                plane = stages.profile.planes[name]
                context.features.make(name, plane.channels, plane.scale, plane.dtype)
        last_read = [name for name in stage.reads if last_stage[name] == number]
        for share in _run_stage(context, stage, last_read):
            done += share == 1
            yield done + share % 1
        for name in last_read:
            context.features.drop(name)
        for name in set(context.values) - _values_after(context, number):
            del context.values[name]


def _values_after(context: StageContext, number: int) -> set[str]:
    """Return the names of the gathered values that stages after stage `number` use."""
    later = context.stages.all[number + 1 :]
    steps = (context.chain[index] for stage in later for index, _ in stage.steps)
    return {name for step in steps if isinstance(step, Step) for name in step.uses}


def _run_stage(context: StageContext, stage: Stage, last_read: Sequence[str]) -> Iterator[float]:
    """Run one stage; yield the share of the current tile that is done, 1 at its end.

    The planes `last_read` are freed row by row, because no later stage reads them.
    """
    link = None if stage.gather is None else context.chain[stage.gather]
    tiles = context.stages.tiles(stage)
    if isinstance(link, PooledGrid):
        yield from gather_cells(context, link, tiles)
        return
    if isinstance(link, ChunkedAttention):
        yield from attend(context, link, tiles, last_read)
        return
    moments = MomentsOfTiles(len(tiles))
    segments = segments_of(context, stage)
    for tile in tiles:
        for name in last_read:
            context.features.drop_above(name, tile.read.rows.start)
        of_tile = yield from compute_tile(context, stage, tile, segments)
        if of_tile is not None:
            moments.add(*of_tile)
        yield 1.0
    if isinstance(link, GlobalStats):
        # the kept part of a tile may have no pixel of a coarser plane
        count, mean, deviations = moments.merged()
        with use_kernels(context.kernels):
            context.values[link.writes] = link.finish(mean, deviations, count)
