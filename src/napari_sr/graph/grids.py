"""Chains of operations on grids finer than the image's.

A step's radius is a whole number of LR pixels. So on a grid that is twice as fine, ten 3x3
convolutions reach 5 LR pixels if they form one step, but 10 if each forms its own step. Here a
network lists its operations, each with its reach on its own grid. `chain_of` combines them into
steps without enlarging the sum of radii.
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
"""The first and the last pixel along one axis."""


@dataclass(frozen=True)
class Reach:
    """The input pixels that an operation reads along one axis.

    For pixel j of its result it reads all pixels i with
    (j - before) / ratio < i < (j + after) / ratio.
    """

    before: Fraction | int
    after: Fraction | int
    ratio: Fraction | int = 1
    """Number of result pixels per input pixel."""

    def of(self, span: Span) -> Span:
        """Return the input pixels for a span of the result."""
        # the smallest and the largest input pixel i between the two bounds
        return (span[0] - self.before) // self.ratio + 1, -(
            -(span[1] + self.after) // self.ratio
        ) - 1


def same(radius: int = 0) -> Reach:
    """Return the reach of a convolution with this radius."""
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
class Signature:
    """The planes that an operation reads and writes, without the computation."""

    reads: tuple[tuple[str, Reach], ...]
    """Names of planes, and the reach in each."""
    writes: str
    """Name of a plane that no other operation writes."""
    scale: int
    """Size of that plane, relative to the image that enters the network."""


@dataclass(frozen=True)
class Operation:
    """One computation of a network, on planes of any grids."""

    compute: Callable[..., Tensor]
    """Takes the planes of `reads`, each (N, C, H, W) on its grid; returns the plane of `writes`."""
    signature: Signature


def operation(
    compute: Callable[..., Tensor], reads: Mapping[str, Reach], writes: str, scale: int
) -> Operation:
    """Return an operation that takes the named planes in this order."""
    return Operation(compute, Signature(tuple(reads.items()), writes, scale))


def chain_of(operations: Sequence[Operation]) -> Chain:
    """Turn operations into steps: as many steps as possible without enlarging the sum of radii.

    Parameters
    ----------
    operations : sequence of Operation
        The first reads `IMAGE`, the last writes `RESULT`; in the order in which they run.

    Raises
    ------
    ValueError
        If every way to combine the operations has a step that writes planes on different grids.
    """
    steps = []
    for part in _parts(tuple(operation.signature for operation in operations)):
        computations = [operation.compute for operation in operations[part.start : part.stop]]
        # not a closure: an error's traceback would keep a closure, and so the network, in memory
        run = partial(_run, part, computations)
        steps.append(Step(run, part.reads, part.writes, part.radius, scale=part.scale))
    return tuple(steps)


@dataclass(frozen=True)
class _Part:
    """The operations of a step, and the planes that pass between them."""

    start: int
    stop: int
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    radius: int
    scale: int
    takes: tuple[tuple[str, ...], ...]
    """Names of the planes that each operation reads."""
    makes: tuple[str, ...]
    """Name of the plane that each operation writes."""
    dead: tuple[frozenset[str], ...]
    """Names that no later operation needs, for each operation."""


def _run(
    part: _Part, computations: Sequence[Callable[..., Tensor]], *planes: Tensor
) -> tuple[Tensor, ...]:
    """Run operations in order, and drop every plane after its last use."""
    held = dict(zip(part.reads, planes, strict=True))
    del planes
    links = zip(computations, part.takes, part.makes, part.dead, strict=True)
    for compute, takes, makes, dead in links:
        held[makes] = compute(*(held[name] for name in takes))
        for name in dead:
            del held[name]
    return tuple(held[name] for name in part.writes)


@cache
def _parts(signatures: tuple[Signature, ...]) -> tuple[_Part, ...]:
    return tuple(_part(signatures, start, stop) for start, stop in _cuts(signatures))


def _part(signatures: tuple[Signature, ...], start: int, stop: int) -> _Part:
    reads, writes = _borders(signatures, start, stop)
    takes = tuple(tuple(name for name, _ in each.reads) for each in signatures[start:stop])
    wanted = set(writes)
    dead: list[frozenset[str]] = []
    for names in reversed(takes):
        dead.insert(0, frozenset(names) - wanted)
        wanted |= set(names)
    makes = tuple(each.writes for each in signatures[start:stop])
    radius, scale = _radius(signatures, start, stop), signatures[stop - 1].scale
    return _Part(start, stop, reads, writes, radius, scale, takes, makes, tuple(dead))


def _borders(
    signatures: tuple[Signature, ...], start: int, stop: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the planes that a range of operations reads, and those that later operations need."""
    written = {each.writes for each in signatures[start:stop]}
    read = {name: None for each in signatures[start:stop] for name, _ in each.reads}
    wanted = {RESULT} | {name for each in signatures[stop:] for name, _ in each.reads}
    writes = tuple(each.writes for each in signatures[start:stop] if each.writes in wanted)
    return tuple(name for name in read if name not in written), writes


def _cuts(signatures: tuple[Signature, ...]) -> tuple[Span, ...]:
    """Return start and stop of each step; as many as possible without a larger sum of radii."""
    whole = [0, *(_radius(signatures, 0, stop) for stop in range(1, len(signatures) + 1))]
    # the best cuts of the first n operations, for every n; None if steps cannot cover them
    known: list[tuple[Span, ...] | None] = [()]
    for stop in range(1, len(signatures) + 1):
        cuts = None
        for start in range(stop - 1, -1, -1):
            before = known[start]
            free = whole[start] + _radius(signatures, start, stop) == whole[stop]
            if before is not None and free and _is_step(signatures, start, stop):
                cuts = (*before, (start, stop))
                break
        known.append(cuts)
    result = known[-1]
    if result is None:
        raise ValueError(f"steps cannot cover these operations: {signatures}")
    return result


def _is_step(signatures: tuple[Signature, ...], start: int, stop: int) -> bool:
    """Return whether all planes that later operations need are on one grid, as a step requires."""
    _, writes = _borders(signatures, start, stop)
    return len({each.scale for each in signatures[start:stop] if each.writes in writes}) == 1


def _radius(signatures: tuple[Signature, ...], start: int, stop: int) -> int:
    """Return the radius, in LR pixels, of a step that consists of these operations."""
    reads, writes = _borders(signatures, start, stop)
    scales = {IMAGE: 1} | {each.writes: each.scale for each in signatures}
    # the span of each plane that one LR pixel of the written planes depends on
    spans: dict[str, Span] = {name: (0, scales[name] - 1) for name in writes}
    for each in reversed(signatures[start:stop]):
        if each.writes not in spans:
            continue
        for name, reach in each.reads:
            first, last = reach.of(spans[each.writes])
            before = spans.get(name, (first, last))
            spans[name] = (min(first, before[0]), max(last, before[1]))
    return max(
        max(-(spans[name][0] // scales[name]), spans[name][1] // scales[name]) for name in reads
    )
