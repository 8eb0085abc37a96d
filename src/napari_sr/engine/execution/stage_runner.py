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
from napari_sr.engine.planning.turns import rows_needed_later
from napari_sr.graph.chain import RESULT, ChunkedAttention, GlobalStats, PooledGrid, Step
from sr_kernels import use_kernels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from napari_sr.engine.execution.tile import StageContext
    from napari_sr.engine.planning.turns import Turn


def run_stages(context: StageContext) -> Iterator[float]:
    """Run all stages; yield the number of finished tiles, at least once per tile.

    The fractional part is the share of the current tile that is done.

    Raises
    ------
    UntrustedError
        If a feature plane has NaN or infinity, or a result has implausible values.
    """
    stages = context.stages
    needed = rows_needed_later(stages.turns, stages.all, stages.chain)
    last_uses, done = _last_uses(context), 0
    for place, (turn, later) in enumerate(zip(stages.turns, needed, strict=True)):
        stage = stages.all[turn.stage]
        for name in stage.keeps:
            if name not in (RESULT, *context.features.names):
                plane = stages.profile.planes[name]
                context.features.make(name, plane.channels, plane.scale, plane.dtype)
        for share in _run_turn(context, turn, later):
            done += share == 1
            yield done + share % 1
        for name in stage.reads:
            if name in later:
                context.features.drop_above(name, later[name])
            else:
                context.features.drop(name)
        for name in [one for one in context.values if last_uses.get(one, -1) <= place]:
            del context.values[name]


def _last_uses(context: StageContext) -> dict[str, int]:
    """Return the place of the last turn that uses each gathered value, by name."""
    stages = context.stages
    found: dict[str, int] = {}
    for place, turn in enumerate(stages.turns):
        for index, _ in stages.all[turn.stage].steps:
            step = context.chain[index]
            found |= dict.fromkeys(step.uses if isinstance(step, Step) else (), place)
    return found


def _run_turn(context: StageContext, turn: Turn, later: Mapping[str, int]) -> Iterator[float]:
    """Run the tiles of a turn; yield the share of the current tile that is done, 1 at its end.

    Rows of planes are freed as soon as neither the next tiles nor later turns, which read from the
    rows `later` on, need them.
    """
    stage = context.stages.all[turn.stage]
    link = None if stage.gather is None else context.chain[stage.gather]
    tiles = context.stages.tiles(turn)
    if isinstance(link, PooledGrid):
        yield from gather_cells(context, link, tiles)
        return
    if isinstance(link, ChunkedAttention):
        yield from attend(context, link, tiles, [name for name in stage.reads if name not in later])
        return
    moments = MomentsOfTiles(len(tiles))
    segments = segments_of(context, stage)
    for tile in tiles:
        top = tile.read.rows.start
        for name in stage.reads:
            context.features.drop_above(name, min(top, later.get(name, top)))
        of_tile = yield from compute_tile(context, stage, tile, segments)
        if of_tile is not None:
            moments.add(*of_tile)
        yield 1.0
    if isinstance(link, GlobalStats):
        # the kept part of a tile may have no pixel of a coarser plane
        count, mean, deviations = moments.merged()
        with use_kernels(context.kernels):
            context.values[link.writes] = link.finish(mean, deviations, count)
