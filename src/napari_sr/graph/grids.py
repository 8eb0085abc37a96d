"""Chains of operations on grids finer than the image's.

A step's radius counts whole LR pixels, so ten convolutions on a grid that is twice as fine reach
5 pixels in one step and 10 in ten. Here a network says its operations one by one, with what each
reads of its own grid; they become a chain that is cut only where cuts add nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache, partial
from typing import TYPE_CHECKING, TypeAlias

from napari_sr.graph.chain import IMAGE, RESULT, Chain, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

Span: TypeAlias = tuple[int, int]
"""First and last pixel along one axis."""


@dataclass(frozen=True)
class Reach:
    """What of its input an operation reads along one axis.

    For pixel j of its result those pixels i that fulfil
    (j - before) / ratio < i < (j + after) / ratio.
    """

    before: Fraction | int
    after: Fraction | int
    ratio: Fraction | int = 1
    """How many times finer the grid of the result is."""

    def of(self, span: Span) -> Span:
        """Return what is read for the pixels of a span."""
        # rounded down, and rounded up
        return (span[0] - self.before) // self.ratio + 1, -(
            -(span[1] + self.after) // self.ratio
        ) - 1


def same(radius: int = 0) -> Reach:
    """Return the reach of a convolution that looks `radius` pixels around."""
    return Reach(radius + 1, radius + 1)


def transposed(kernel: int, stride: int, padding: int) -> Reach:
    """Return the reach of a transposed convolution."""
    return Reach(kernel - padding, padding + 1, stride)


def resized(ratio: Fraction | int) -> Reach:
    """Return the reach of bicubic resizing to `ratio` times as many pixels."""
    if ratio == 1:
        return same()
    shift = Fraction(ratio - 1) / 2
    width = 2 * max(Fraction(ratio), Fraction(1))
    return Reach(width + shift, width - shift, ratio)


@dataclass(frozen=True)
class Place:
    """What an operation reads and writes, without the computation."""

    reads: tuple[tuple[str, Reach], ...]
    """Names of planes, and how far it looks in them."""
    writes: str
    """Name of a plane that no other operation writes."""
    scale: int
    """How many times larger that plane is than the image that enters the network."""


@dataclass(frozen=True)
class Operation:
    """One computation of a network, on planes of any grids."""

    compute: Callable[..., Tensor]
    """Takes the planes that are read, each (N, C, H, W) of its grid; returns the one written."""
    place: Place


def operation(
    compute: Callable[..., Tensor], reads: Mapping[str, Reach], writes: str, scale: int
) -> Operation:
    """Return an operation that takes planes of these names, in this order."""
    return Operation(compute, Place(tuple(reads.items()), writes, scale))


def chain_of(operations: Sequence[Operation]) -> Chain:
    """Return operations as steps: as many as there can be without adding to their radii.

    Parameters
    ----------
    operations : sequence of Operation
        The first reads `IMAGE`, the last writes `RESULT`; in the order in which they run.

    Raises
    ------
    ValueError
        If planes of several grids would have to leave one step.
    """
    steps = []
    for part in _parts(tuple(operation.place for operation in operations)):
        computations = [operation.compute for operation in operations[part.start : part.stop]]
        # no closure: an error's traceback would keep it, and with it the network
        run = partial(_run, part, computations)
        steps.append(Step(run, part.reads, part.writes, part.radius, scale=part.scale))
    return tuple(steps)


@dataclass(frozen=True)
class _Part:
    """Which operations make a step, and how they hand planes to each other."""

    start: int
    stop: int
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    radius: int
    scale: int
    takes: tuple[tuple[str, ...], ...]
    """The names of the planes that each operation takes."""
    makes: tuple[str, ...]
    """The name of the plane that each makes."""
    dead: tuple[frozenset[str], ...]
    """Names that no operation after each needs."""


def _run(
    part: _Part, computations: Sequence[Callable[..., Tensor]], *planes: Tensor
) -> tuple[Tensor, ...]:
    """Run operations one after another, and drop every plane when it is no longer read."""
    held = dict(zip(part.reads, planes, strict=True))
    del planes
    links = zip(computations, part.takes, part.makes, part.dead, strict=True)
    for compute, takes, makes, dead in links:
        held[makes] = compute(*(held[name] for name in takes))
        for name in dead:
            del held[name]
    return tuple(held[name] for name in part.writes)


@cache
def _parts(places: tuple[Place, ...]) -> tuple[_Part, ...]:
    return tuple(_part(places, start, stop) for start, stop in _cuts(places))


def _part(places: tuple[Place, ...], start: int, stop: int) -> _Part:
    reads, writes = _borders(places, start, stop)
    takes = tuple(tuple(name for name, _ in place.reads) for place in places[start:stop])
    wanted = set(writes)
    dead: list[frozenset[str]] = []
    for names in reversed(takes):
        dead.insert(0, frozenset(names) - wanted)
        wanted |= set(names)
    makes = tuple(place.writes for place in places[start:stop])
    radius, scale = _radius(places, start, stop), places[stop - 1].scale
    return _Part(start, stop, reads, writes, radius, scale, takes, makes, tuple(dead))


def _borders(
    places: tuple[Place, ...], start: int, stop: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the planes that a part of the operations takes, and those that it hands on."""
    written = {place.writes for place in places[start:stop]}
    read = {name: None for place in places[start:stop] for name, _ in place.reads}
    wanted = {RESULT} | {name for place in places[stop:] for name, _ in place.reads}
    writes = tuple(place.writes for place in places[start:stop] if place.writes in wanted)
    return tuple(name for name in read if name not in written), writes


def _cuts(places: tuple[Place, ...]) -> tuple[Span, ...]:
    """Return start and stop of as many steps as there can be without adding to their radii."""
    whole = [0, *(_radius(places, 0, stop) for stop in range(1, len(places) + 1))]
    # for every beginning of the operations its cuts, or None where it cannot be made of steps
    known: list[tuple[Span, ...] | None] = [()]
    for stop in range(1, len(places) + 1):
        cuts = None
        for start in range(stop - 1, -1, -1):
            before = known[start]
            free = whole[start] + _radius(places, start, stop) == whole[stop]
            if before is not None and free and _is_step(places, start, stop):
                cuts = (*before, (start, stop))
                break
        known.append(cuts)
    result = known[-1]
    if result is None:
        raise ValueError(f"these operations cannot be made of steps: {places}")
    return result


def _is_step(places: tuple[Place, ...], start: int, stop: int) -> bool:
    """Say whether all planes that leave are of one grid, which a step's are."""
    _, writes = _borders(places, start, stop)
    return len({place.scale for place in places[start:stop] if place.writes in writes}) == 1


def _radius(places: tuple[Place, ...], start: int, stop: int) -> int:
    """Return how many LR pixels around some operations look together."""
    reads, writes = _borders(places, start, stop)
    scales = {IMAGE: 1} | {place.writes: place.scale for place in places}
    # all that the planes that leave need, of one LR pixel
    spans: dict[str, Span] = {name: (0, scales[name] - 1) for name in writes}
    for place in reversed(places[start:stop]):
        if place.writes not in spans:
            continue
        for name, reach in place.reads:
            first, last = reach.of(spans[place.writes])
            before = spans.get(name, (first, last))
            spans[name] = (min(first, before[0]), max(last, before[1]))
    return max(
        max(-(spans[name][0] // scales[name]), spans[name][1] // scales[name]) for name in reads
    )
