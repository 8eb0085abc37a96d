"""Compute one tile of a stage: read its planes, run its steps, keep its core.

Letters: C channels, H x W pixels of the image that enters the network.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from napari_sr.engine.execution.segments import replay
from napari_sr.graph.chain import IMAGE, RESULT, GlobalStats, Step, Window
from napari_sr.graph.run import compute, run
from sr_kernels import use_kernels
from sr_kernels.plane_moments import plane_moments

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from fractions import Fraction

    from napari_sr.engine.execution.feature_store import Features
    from napari_sr.engine.execution.graphs import Graphs
    from napari_sr.engine.execution.segments import Segment
    from napari_sr.engine.planning.stage_plan import Stage, Stages
    from napari_sr.engine.planning.tiling import Region, Tile
    from napari_sr.graph.chain import Chain, Link


class UntrustedError(Exception):
    """A tile has NaN, infinity, or values that no input explains."""


class Plane(Protocol):
    """Where the pixels come from and go to: one plane of the image and of the result."""

    def read(self, rows: slice, columns: slice) -> Tensor:
        """Return a part of the image, (1, C, rows, columns), in float32."""
        ...

    def write(self, rows: slice, columns: slice, values: Tensor, float32: bool) -> None:
        """Take a part of the result, which is `scale` times larger.

        Raises `UntrustedError` where it cannot be trusted, unless it was computed in float32.
        """
        ...


@dataclass
class StageContext:
    """What the stages of one plane have in common."""

    stages: Stages
    chain: Chain
    """The same chain as that of `stages`, of a network on the device."""
    plane: Plane
    device: torch.device
    features: Features
    """The planes that wait between stages."""
    float32: bool
    """Whether `chain` computes in it."""
    kernels: str = "auto"
    """As `use_kernels` takes it."""
    careful: Callable[[], Chain] | None = None
    """Returns the same chain in float32, for tiles that cannot be trusted; None where planes wait
    between stages, as features that are infinite may have been handed on."""
    graphs: Graphs | None = None
    """Replays steps that compute the same for every tile; None to launch all plainly."""
    values: dict[str, Tensor] = field(default_factory=dict)
    """What was gathered, by name."""

    def part(self, name: str, part: Region) -> Tensor:
        """Return a part of the image or of a plane that waits, on the device."""
        return self.waiting(name, part).to(self.device)

    def waiting(self, name: str, part: Region) -> Tensor:
        """Return a part of the image or of a plane that waits, where it waits."""
        if name == IMAGE:
            return self.plane.read(part.rows, part.columns)
        return self.features.read(name, part.rows, part.columns)

    def keep(self, name: str, part: Region, values: Tensor, *, float32: bool = False) -> None:
        """Write a part of the result, or of a plane that later stages read.

        Raises
        ------
        UntrustedError
            If a plane holds NaN or infinity, or a result that was not computed in `float32` is
            implausible.
        """
        if name == RESULT:
            self.plane.write(part.rows, part.columns, values, float32)
            return
        if not torch.isfinite(values).all():
            raise UntrustedError(f"{name} has NaN or infinity in {part.rows}, {part.columns}")
        self.features.write(name, part.rows, part.columns, values)


def compute_tile(
    context: StageContext, stage: Stage, tile: Tile, segments: Sequence[Segment] | None
) -> tuple[int, Tensor, Tensor] | None:
    """Compute one tile and keep its core, again in float32 where that may help.

    Parameters
    ----------
    context : StageContext
        Where planes are read and kept.
    stage : Stage
        What to compute.
    tile : Tile
        What to read and what to keep.
    segments : sequence of Segment, optional
        Those of the stage, where graphs replay them.

    Returns
    -------
    tuple of int, Tensor and Tensor, or None
        Number of pixels, mean and squared deviations of the core, where the stage gathers them.

    Raises
    ------
    UntrustedError
        If what the tile computes cannot be trusted, and float32 is no help.
    """
    try:
        with use_kernels(context.kernels):
            return _compute(context, context.chain, stage, tile, segments, context.float32)
    except UntrustedError:
        if context.careful is None:
            raise
    with use_kernels("reference"):
        return _compute(context, context.careful(), stage, tile, None, True)


def _compute(
    context: StageContext,
    chain: Chain,
    stage: Stage,
    tile: Tile,
    segments: Sequence[Segment] | None,
    float32: bool,
) -> tuple[int, Tensor, Tensor] | None:
    held = TileBuffers(context, tile.read, stage.halo, alike=segments is not None)
    if segments is not None:
        replay(context, held, segments)
    elif stage.at_once:
        held.compute_at_once(chain)
    else:
        for place, margin in stage.steps:
            held.compute(chain[place], margin)
    for name in stage.keeps:
        context.keep(name, tile.keep, held.part(name, tile.keep), float32=float32)
    link = None if stage.gather is None else chain[stage.gather]
    return held.moments(link.reads, tile.keep) if isinstance(link, GlobalStats) else None


class TileBuffers:
    """The planes of one tile, each as far as it is right.

    Parameters
    ----------
    context : StageContext
        Where other planes are read.
    part : Region
        What the tile reads.
    halo : int
        How much of it, at inner edges, lies around the core.
    alike : bool
        Whether steps compute all that the tile reads, so that all tiles are computed alike; what is
        wrong at inner edges is then cut off with the halo.
    """

    def __init__(
        self, context: StageContext, part: Region, halo: int, *, alike: bool = False
    ) -> None:
        self._context = context
        self._part = part
        self._halo = halo
        self._alike = alike
        self._planes: dict[str, tuple[Tensor, Region, int | Fraction]] = {}
        self._told: dict[str, tuple[Region, tuple[Tensor, ...]]] = {}

    def compute_at_once(self, chain: Chain) -> None:
        """Compute the whole chain on what the tile reads, as if that were the image."""
        self.hold(RESULT, run(chain, self.part(IMAGE, self._part)))

    def compute(self, step: Link, margin: int) -> None:
        """Compute a step as far around the core as its result is needed."""
        if not isinstance(step, Step):
            raise TypeError(f"tiles compute steps, got {type(step).__name__}")
        grid = self._context.stages.grid
        radius = -(-step.radius // grid.multiple) * grid.multiple
        wrong = 0 if self._alike else self._halo - margin - radius
        part = self._part.without(wrong, grid.height, grid.width)
        inputs = {name: self.part(name, part) for name in step.reads}
        inputs |= {name: self._context.values[name] for name in step.uses}
        place = part.rows.start, part.columns.start
        window = Window(*place, *part.size, grid.height, grid.width)
        written, told = compute(step, inputs, window)
        for name, plane in written.items():
            self._planes[name] = (plane, part, step.scale)
        if told is not None:
            self._told[step.writes[0]] = (part, told)

    def hold(self, name: str, plane: Tensor) -> None:
        """Take a plane that was computed on all that the tile reads."""
        self._planes[name] = (plane, self._part, self._scale(name))

    def input(self, name: str) -> Tensor:
        """Return a value, or what the tile reads of a plane, on the device or where it waits."""
        if name in self._context.values:
            return self._context.values[name]
        if name in self._planes:
            return self.part(name, self._part)
        return self._context.waiting(name, self._part)

    def part(self, name: str, part: Region) -> Tensor:
        """Return a part of a plane, read from outside where the tile does not hold it."""
        known = self._planes.get(name)
        if known is None or not part.lies_in(known[1]):
            scale = self._scale(name)
            self._planes[name] = (self._context.part(name, part), part, scale)
        plane, held, scale = self._planes[name]
        rows, columns = part.within(held, scale)
        return plane[..., rows, columns]

    def _scale(self, name: str) -> int | Fraction:
        return self._context.stages.profile.planes[name].scale

    def moments(self, name: str, core: Region) -> tuple[int, Tensor, Tensor]:
        """Return number of pixels, mean and squared deviations of the core of a plane."""
        plane = self.part(name, core)
        count = plane.shape[2] * plane.shape[3]
        if not count:
            return 0, plane, plane
        part, told = self._told.get(name, (None, None))
        if told is not None and part == core:
            mean, deviations, *_ = told
            return count, mean, deviations
        return count, *plane_moments(plane)
