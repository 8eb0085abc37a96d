"""Segments of a stage: steps in a row that a CUDA graph repeats for every tile.

A step that must know where its tile lies takes that as numbers, which a graph would fix: such a
step is launched plainly, and ends a segment. All other steps compute the same for every tile, if
each computes all that the tile read, and what is wrong at inner edges is cut off at the end only.
A chain's deep stages would compute much for nothing by that; they run without graphs.

Letters: C channels, H x W pixels of the image that enters the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from napari_sr.graph.chain import IMAGE, RESULT, Step, inputs_of, outputs_of
from napari_sr.graph.run import run, run_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_sr.engine.execution.tile import StageContext, TileBuffers
    from napari_sr.engine.planning.stage_plan import Stage
    from napari_sr.graph.chain import Chain, Link

MOST_EXTRA = 1.1
"""Times the arithmetic of a stage that it may take to compute all that tiles read."""


@dataclass(frozen=True)
class Segment:
    """Steps of a stage in a row, computed together on a tile."""

    places: tuple[int, ...]
    """Of the steps in the chain."""
    repeatable: bool
    """Whether they compute the same for every tile; else there is one step."""
    takes: tuple[str, ...]
    """Names of planes and values that were made before."""
    gives: tuple[str, ...]
    """Names of planes made here that are needed later in the stage or after it."""


def segments_of(context: StageContext, stage: Stage) -> tuple[Segment, ...] | None:
    """Return the segments of a stage, or None where graphs cannot run or would gain nothing."""
    grid = context.stages.grid
    pixels = min(grid.tile, grid.height) * min(grid.tile, grid.width)
    if context.graphs is None or not context.graphs.takes(context.device, pixels):
        return None
    if context.stages.extra(stage) > MOST_EXTRA:
        return None
    found = cut(context.chain, stage)
    return found if any(segment.repeatable for segment in found) else None


def cut(chain: Chain, stage: Stage) -> tuple[Segment, ...]:
    """Cut a stage of a chain, whose names have one writer each, into segments.

    A stage that runs the whole chain at once is one segment, whatever its links.
    """
    if stage.at_once:
        return (Segment(tuple(range(len(chain))), True, (IMAGE,), (RESULT,)),)
    places = [place for place, _ in stage.steps if isinstance(chain[place], Step)]
    groups: list[tuple[bool, tuple[int, ...]]] = []
    for repeatable, group in groupby(places, lambda place: _is_repeatable(chain[place])):
        together = tuple(group)
        groups += [(True, together)] if repeatable else [(False, (one,)) for one in together]
    needed = set(stage.keeps)
    if stage.gather is not None:
        needed |= set(inputs_of(chain[stage.gather]))
    found: list[Segment] = []
    for repeatable, together in reversed(groups):
        # dictionaries keep the order, and each name once
        made = {name: None for place in together for name in outputs_of(chain[place])}
        read = {name: None for place in together for name in inputs_of(chain[place])}
        gives = tuple(name for name in made if name in needed)
        takes = tuple(name for name in read if name not in made)
        found.insert(0, Segment(together, repeatable, takes, gives))
        needed |= set(takes)
    return tuple(found)


def replay(context: StageContext, held: TileBuffers, segments: Sequence[Segment]) -> None:
    """Compute a tile by CUDA graphs where that is possible.

    Parameters
    ----------
    context : StageContext
        What the tiles have in common, and the graphs.
    held : TileBuffers
        The tile's planes.
    segments : sequence of Segment
        Those of the stage, in order.
    """
    chain = context.chain
    last = [segment for segment in segments if segment.repeatable][-1:]
    for segment in segments:
        if not segment.repeatable or context.graphs is None:
            for place in segment.places:
                held.compute(chain[place], 0)
            continue
        key = ("segment", id(chain), segment.places, segment.gives)
        inputs = [held.input(name) for name in segment.takes]
        # the results of the last one are read before anything is replayed again
        made = context.graphs.run(
            key,
            function_of(chain, segment),
            inputs,
            device=context.device,
            borrowed=segment in last,
        )
        for name, plane in zip(segment.gives, made, strict=True):
            held.hold(name, plane)


def run_segment(
    steps: Sequence[Step], takes: Sequence[str], gives: Sequence[str], *tensors: Tensor
) -> tuple[Tensor, ...]:
    """Compute the planes that a segment gives from the planes and values that it takes."""
    return run_steps(steps, dict(zip(takes, tensors, strict=True)), gives)


def run_all(chain: Chain, image: Tensor) -> tuple[Tensor, ...]:
    """Compute the result of a whole chain."""
    return (run(chain, image),)


def function_of(chain: Chain, segment: Segment) -> partial[tuple[Tensor, ...]]:
    """Return what computes a segment; no closure, which an error's traceback would keep."""
    if len(segment.places) == len(chain):
        return partial(run_all, chain)
    steps = [link for link in (chain[place] for place in segment.places) if isinstance(link, Step)]
    return partial(run_segment, steps, segment.takes, segment.gives)


def _is_repeatable(link: Link) -> bool:
    """Say whether a step gives planes only, and needs no place."""
    return isinstance(link, Step) and not link.placed and not link.moments
