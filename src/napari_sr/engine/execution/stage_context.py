"""What one tiled run of a chain holds, and the parts of planes that its tiles read.

Letters: C channels, H x W pixels of the image that enters the network.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_sr.engine.execution.feature_store import scaled
from napari_sr.graph.chain import IMAGE

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from napari_sr.engine.execution.feature_store import Features
    from napari_sr.engine.execution.graphs import Graphs
    from napari_sr.engine.planning.stage_plan import Stages
    from napari_sr.graph.chain import Chain


class UntrustedError(Exception):
    """A tile has NaN, infinity, or values that no input explains."""


@dataclass(frozen=True)
class Part:
    """A rectangle of a plane, in pixels of the image."""

    rows: slice
    columns: slice

    def without(self, radius: int, height: int, width: int) -> Part:
        """Return what is left inside a border, which is wrong at inner edges only."""
        return Part(_inner(self.rows, radius, height), _inner(self.columns, radius, width))

    def within(self, outer: Part, scale: int | Fraction) -> tuple[slice, slice]:
        """Return the rows and columns of a plane of `outer` that are this part."""
        return _from(self.rows, outer.rows, scale), _from(self.columns, outer.columns, scale)

    def lies_in(self, other: Part) -> bool:
        """Say whether all of it is part of another."""
        spans = ((self.rows, other.rows), (self.columns, other.columns))
        return all(a.start >= b.start and a.stop <= b.stop for a, b in spans)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start


def _inner(span: slice, radius: int, size: int) -> slice:
    start = span.start + radius if span.start > 0 else 0
    return slice(start, span.stop - radius if span.stop < size else size)


def _from(inner: slice, outer: slice, scale: int | Fraction) -> slice:
    return scaled(slice(inner.start - outer.start, inner.stop - outer.start), scale)


@dataclass
class StageContext:
    """What one run of a chain holds."""

    plan: Stages
    """What to run, and how it is cut."""
    chain: Chain
    """The same chain as the plan's, of a network on the device."""
    device: torch.device
    read: Callable[[slice, slice], Tensor]
    """Takes rows and columns; returns that part of the image, (1, C, rows, columns)."""
    write: Callable[[slice, slice, Tensor, bool], None]
    """Takes rows and columns, that part of the result, so many times larger, and whether it was
    computed in float32; raises `UntrustedError` where it was not and should be."""
    features: Features
    float32: bool
    """Whether `chain` computes in it."""
    kernels: str = "auto"
    """As `use_kernels` takes it."""
    careful: Chain | None = None
    """The same chain in float32 for tiles that cannot be trusted; only where nothing waits between
    stages, as features of theirs may not fit into half precision either."""
    graphs: Graphs | None = None
    """What replays steps that compute the same for every tile; None to launch all plainly."""
    values: dict[str, Tensor] = field(default_factory=dict)
    """What was gathered, by name."""

    def part(self, name: str, part: Part) -> Tensor:
        """Return a part of the image or of a plane that waits, on the device."""
        return self.waiting(name, part).to(self.device)

    def waiting(self, name: str, part: Part) -> Tensor:
        """Return a part of the image or of a plane that waits, where it waits."""
        if name == IMAGE:
            return self.read(part.rows, part.columns)
        return self.features.read(name, part.rows, part.columns)

    def keep(self, name: str, part: Part, values: Tensor) -> None:
        """Let a part of a plane wait for later stages.

        Raises
        ------
        UntrustedError
            If it holds NaN or infinity.
        """
        if not torch.isfinite(values).all():
            raise UntrustedError(f"{name} has NaN or infinity in {part.rows}, {part.columns}")
        self.features.write(name, part.rows, part.columns, values)
