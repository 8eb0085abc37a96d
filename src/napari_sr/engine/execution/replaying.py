"""Compute the segments of a stage by an engine that repeats captured or compiled functions."""

from __future__ import annotations

import math
from contextlib import closing
from typing import TYPE_CHECKING

from napari_sr.engine.backends.interface import SegmentKey
from napari_sr.engine.planning.segments import cut, function_of, localised
from napari_sr.graph.chain import IMAGE
from sr_kernels import use_kernels

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from torch import Tensor

    from napari_sr.engine.execution.tile import StageContext, TileBuffers
    from napari_sr.engine.planning.segments import Segment
    from napari_sr.engine.planning.stage_plan import Stage


def segments_of(context: StageContext, stage: Stage) -> tuple[Segment, ...] | None:
    """Return the segments of a stage, or None if the engine cannot run them or is not faster."""
    pixels = math.prod(context.stages.grid.size(stage.halo))
    if context.backend is None or not context.backend.accepts(context.device, pixels):
        return None
    if context.stages.extra(stage) > context.backend.max_extra:
        return None
    segments = cut(context.chain, stage, localises=context.backend.localises)
    return segments if any(segment.repeatable for segment in segments) else None


def replay(
    context: StageContext, buffers: TileBuffers, segments: Sequence[Segment]
) -> Generator[float, None, bool]:
    """Compute a tile, with the engine where possible.

    Parameters
    ----------
    context : StageContext
        State that the tiles share, including the engine.
    buffers : TileBuffers
        Planes of the tile.
    segments : sequence of Segment
        Segments of the stage, in order.

    Yields
    ------
    float
        Share of the tile that is done, 0..1; only for tiles that take long.

    Returns
    -------
    bool
        False if the whole chain is one segment that the engine does not compute yet. Then nothing
        has been computed, and the caller can compute the chain link by link.
    """
    chain = context.chain
    last = [segment for segment in segments if segment.repeatable][-1:]
    for number, segment in enumerate(segments):
        if not segment.repeatable or context.backend is None:
            with use_kernels(context.kernels):
                for index in segment.indices:
                    buffers.compute(chain[index], 0)
            continue
        key = SegmentKey(id(chain), segment.indices, segment.inputs, segment.outputs)
        read = {name: buffers.input(name) for name in segment.inputs}
        inputs = localised(chain, segment, read, buffers.window)
        if len(segment.indices) == len(chain):
            yield from context.backend.ready(key, inputs)
            with use_kernels(context.kernels):
                computes = context.backend.computes(key, inputs)
            if not computes:
                buffers.put(IMAGE, inputs[0])
                return False
        # the results of the last segment are read before any segment runs again
        steps = context.backend.steps(
            key,
            function_of(chain, segment),
            inputs,
            device=context.device,
            borrowed=segment in last,
        )
        planes = yield from _with_kernels(context.kernels, steps, number, len(segments))
        for name, plane in zip(segment.outputs, planes, strict=True):
            buffers.put(name, plane)
    return True


def _with_kernels(
    kernels: str, steps: Generator[float, None, tuple[Tensor, ...]], number: int, count: int
) -> Generator[float, None, tuple[Tensor, ...]]:
    """Run a generator with a choice of kernels, which is undone while the generator waits.

    The generator computes segment `number` of `count`, and yields the share of it that is done.
    Yield the share of all segments that is done.
    """
    with closing(steps):
        while True:
            with use_kernels(kernels):
                try:
                    share = next(steps)
                except StopIteration as end:
                    found: tuple[Tensor, ...] = end.value
                    return found
            yield (number + share) / count
