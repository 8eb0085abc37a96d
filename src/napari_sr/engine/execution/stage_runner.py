"""Run a chain on one plane, stage by stage and tile by tile.

Every way of running goes through here: a plane that is one tile, tiles with a halo of the user's
own, and stages, whose tiles leave no trace; see `stage_plan`. Only a tile is ever on the device,
with the small values that were gathered.

Letters: C channels, H x W pixels of the image that enters the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.engine.execution.gathering import MomentsOfTiles, attend, gather_cells
from napari_sr.engine.execution.segments import segments_of
from napari_sr.engine.execution.tile import compute_tile
from napari_sr.graph.chain import RESULT, ChunkedAttention, GlobalStats, PooledGrid, Step
from sr_kernels import use_kernels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_sr.engine.execution.tile import StageContext
    from napari_sr.engine.planning.stage_plan import Stage


def run_stages(context: StageContext) -> Iterator[int]:
    """Run all stages; yield, after every tile, how many are done.

    Raises
    ------
    UntrustedError
        If a feature plane holds NaN or infinity, or the plane does not trust a result.
    """
    stages = context.stages
    last = {name: at for at, stage in enumerate(stages.all) for name in stage.reads}
    done = 0
    for at, stage in enumerate(stages.all):
        for name in stage.keeps:
            if name != RESULT:
                kind = stages.profile.planes[name]
                context.features.make(name, kind.channels, kind.scale, kind.dtype)
        ending = [name for name in stage.reads if last[name] == at]
        for _ in _run_stage(context, stage, ending):
            done += 1
            yield done
        for name in ending:
            context.features.drop(name)
        for name in set(context.values) - _values_after(context, at):
            del context.values[name]


def _values_after(context: StageContext, at: int) -> set[str]:
    """Return the names of gathered values that stages after this one use."""
    later = context.stages.all[at + 1 :]
    steps = (context.chain[place] for stage in later for place, _ in stage.steps)
    return {name for step in steps if isinstance(step, Step) for name in step.uses}


def _run_stage(context: StageContext, stage: Stage, ending: Sequence[str]) -> Iterator[None]:
    """Run one stage; yield after every tile. No later stage reads the planes of `ending`."""
    link = None if stage.gather is None else context.chain[stage.gather]
    tiles = context.stages.tiles(stage)
    if isinstance(link, PooledGrid):
        yield from gather_cells(context, link, tiles)
        return
    if isinstance(link, ChunkedAttention):
        yield from attend(context, link, tiles, ending)
        return
    moments = MomentsOfTiles(len(tiles))
    segments = segments_of(context, stage)
    for tile in tiles:
        for name in ending:
            context.features.drop_above(name, tile.read.rows.start)
        found = compute_tile(context, stage, tile, segments)
        if found is not None:
            moments.add(*found)
        yield
    if isinstance(link, GlobalStats):
        # of a coarser plane, a tile's core may hold no pixel
        count, mean, deviations = moments.merged()
        with use_kernels(context.kernels):
            context.values[link.writes] = link.finish(mean, deviations, count)
