"""Segments of a stage: consecutive steps that do the same arithmetic for every tile.

An engine captures or compiles a segment once and repeats it for every tile. A step that depends on
the position of its tile cannot be repeated, because the position would be fixed. Such a step runs
alone and ends a segment, unless its values can be localised, that is, prepared for the tile
beforehand (`Step.localise`). Every other step does the same arithmetic for every tile, if it
computes all pixels that the tile reads, and wrong pixels at inner edges are cropped only at the
end. This wastes work in stages of many steps with large radii, so these stages run step by step.

Symbols: C channels, H x W pixels of the image that enters the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from napari_sr.graph.chain import IMAGE, RESULT, Step, inputs_of, outputs_of
from napari_sr.graph.run import planes_before, run, run_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from torch import Tensor

    from napari_sr.engine.planning.stage_plan import Stage
    from napari_sr.graph.chain import Chain, Link, Window


@dataclass(frozen=True)
class Segment:
    """Consecutive steps of a stage that are computed together on a tile."""

    indices: tuple[int, ...]
    """Indices of the steps in the chain."""
    repeatable: bool
    """Whether an engine can repeat the steps for every tile; otherwise the segment is a single
    step."""
    inputs: tuple[str, ...]
    """Names of planes and values that the segment reads."""
    outputs: tuple[str, ...]
    """Names of the segment's planes that are needed later in the stage or after it."""


def cut(chain: Chain, stage: Stage, *, localises: bool = False) -> tuple[Segment, ...]:
    """Cut a stage of a chain, in which each name has one writer, into segments.

    A stage that runs the whole chain at once is one segment, whatever its links are.

    Parameters
    ----------
    chain : Chain
        The chain.
    stage : Stage
        The stage to cut.
    localises : bool
        Whether segments may contain steps with `localise` and steps that return moments; the
        moments are then dropped.
    """
    if stage.at_once:
        return (Segment(tuple(range(len(chain))), True, (IMAGE, *given(chain)), (RESULT,)),)
    steps = [index for index, _ in stage.steps if isinstance(chain[index], Step)]
    groups: list[tuple[bool, tuple[int, ...]]] = []
    for repeatable, group in groupby(steps, lambda index: _is_repeatable(chain[index], localises)):
        indices = tuple(group)
        groups += [(True, indices)] if repeatable else [(False, (index,)) for index in indices]
    needed = set(stage.keeps)
    if stage.gather is not None:
        needed |= set(inputs_of(chain[stage.gather]))
    segments: list[Segment] = []
    for repeatable, indices in reversed(groups):
        # a dictionary keeps the order of names, and each name once
        written = {name: None for index in indices for name in outputs_of(chain[index])}
        read = {name: None for index in indices for name in inputs_of(chain[index])}
        outputs = tuple(name for name in written if name in needed)
        inputs = tuple(name for name in read if name not in written)
        segments.insert(0, Segment(indices, repeatable, inputs, outputs))
        needed |= set(inputs)
    return tuple(segments)


def given(chain: Sequence[Link]) -> tuple[str, ...]:
    """Return the names of the values that a chain uses but does not gather."""
    written = {name for link in chain for name in outputs_of(link)}
    uses = (name for link in chain if isinstance(link, Step) for name in link.uses)
    return tuple(dict.fromkeys(name for name in uses if name not in written))


def run_segment(
    steps: Sequence[Step], inputs: Sequence[str], outputs: Sequence[str], *tensors: Tensor
) -> tuple[Tensor, ...]:
    """Compute the outputs of a segment from its inputs, `tensors`."""
    return run_steps(steps, dict(zip(inputs, tensors, strict=True)), outputs)


def run_all(chain: Chain, image: Tensor, *values: Tensor) -> tuple[Tensor, ...]:
    """Compute the result of a whole chain; `values` are those of `given`, in order."""
    return (run(chain, image, dict(zip(given(chain), values, strict=True))),)


def in_steps(
    function: Callable[..., tuple[Tensor, ...]], tensors: Sequence[Tensor]
) -> Generator[float, None, tuple[Tensor, ...]]:
    """Call the function of a segment, to check an engine's result.

    If the segment is a whole chain, yield between its links, so that the run can be cancelled.

    Yields
    ------
    float
        0.99, the share of the work that is done: the engine has computed the segment already.
    """
    if not isinstance(function, partial) or function.func is not run_all:
        return function(*tensors)
    *_, chain = function.args
    found: Mapping[str, Tensor] = {}
    image, *values = tensors
    known = dict(zip(given(chain), values, strict=True))
    for place, held in planes_before(chain, image, known):
        found = held
        if 0 < place < len(chain):
            yield 0.99
    return (found[RESULT],)


def function_of(chain: Chain, segment: Segment) -> partial[tuple[Tensor, ...]]:
    """Return the function of a segment; not a closure, which a traceback would keep in memory."""
    if len(segment.indices) == len(chain):
        return partial(run_all, chain)
    links = (chain[index] for index in segment.indices)
    steps = [link for link in links if isinstance(link, Step)]
    return partial(run_segment, steps, segment.inputs, segment.outputs)


def localised(
    chain: Chain, segment: Segment, values: Mapping[str, Tensor], window: Window
) -> list[Tensor]:
    """Return the inputs of a repeatable segment for one tile.

    Parameters
    ----------
    chain, segment
        A segment of a chain.
    values : mapping of str to Tensor
        The tile's parts of the planes that the segment reads, and gathered values.
    window : Window
        Position and size of the tile.
    """
    links = (chain[index] for index in segment.indices)
    found = dict(values)
    if len(segment.indices) < len(chain):
        for link in links:
            if isinstance(link, Step) and link.localise is not None:
                found |= {name: link.localise(values[name], window) for name in link.uses}
    return [found[name] for name in segment.inputs]


def _is_repeatable(link: Link, localises: bool) -> bool:
    """Return whether a step does the same arithmetic for every tile."""
    if not isinstance(link, Step):
        return False
    if localises:
        return not link.placed or link.localise is not None
    return not link.placed and not link.moments
