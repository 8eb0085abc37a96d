"""Compute one tile of a stage: read its planes, run its steps, keep its core.

The core of a tile is the part that is kept; the halo around it is only read.

Symbols: C channels, H x W pixels of the image that enters the network.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_sr.engine.execution.context import Plane, UntrustedError
from napari_sr.engine.execution.gathering import moments_of
from napari_sr.engine.execution.replaying import replay
from napari_sr.graph.chain import IMAGE, RESULT, GlobalStats, Step, Window
from napari_sr.graph.run import compute, planes_before
from sr_kernels import use_kernels

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from fractions import Fraction

    from napari_sr.engine.backends.interface import Backend
    from napari_sr.engine.execution.feature_store import FeatureStore
    from napari_sr.engine.planning.segments import Segment
    from napari_sr.engine.planning.stage_plan import Stage, Stages
    from napari_sr.engine.planning.tiling import Region, Tile
    from napari_sr.graph.chain import Chain, Link

BREATH = 0.1
"""Least processor seconds between two yields in a tile of PyTorch; each wakes the window."""


@dataclass
class StageContext:
    """State that the stages of one plane share."""

    stages: Stages
    chain: Chain
    """The network's chain on the device, from which `stages` are cut."""
    plane: Plane
    device: torch.device
    features: FeatureStore
    """Planes stored between stages."""
    float32: bool
    """Whether `chain` computes in float32."""
    kernels: str = "auto"
    """Choice of kernels, as `use_kernels` takes it."""
    float32_chain: Callable[[], Chain] | None = None
    """Returns the chain in float32, for implausible tiles; None if whole planes are repeated."""
    backend: Backend | None = None
    """Computes segments; None if PyTorch runs all steps one by one."""
    values: dict[str, Tensor] = field(default_factory=dict)
    """Gathered values by name; of some, only the first rows may be known so far."""
    cells: dict[str, Tensor] = field(default_factory=dict)
    """Last rows of the cells of pooled grids that are not complete, by the names of the values."""

    def part(self, name: str, part: Region, *, until_next: bool = False) -> Tensor:
        """Return a part as `stored` does, on the device."""
        return self.stored(name, part, until_next=until_next).to(self.device)

    def stored(self, name: str, part: Region, *, until_next: bool = False) -> Tensor:
        """Return a part of the image or of a stored plane, in main memory; see `FeatureStore`."""
        if name == IMAGE:
            return self.plane.read(part.rows, part.columns)
        return self.features.read(name, part.rows, part.columns, until_next=until_next)

    def keep(self, name: str, part: Region, values: Tensor, *, float32: bool = False) -> None:
        """Write a part of the result, or of a plane that later stages read.

        Raises
        ------
        UntrustedError
            If a plane in half precision has NaN or infinity, or a result is implausible and not
            from `float32`. In float32, only the result is checked.
        """
        if name == RESULT:
            self.plane.write(part.rows, part.columns, values, float32)
            return
        # a finite sum proves that all values are finite; an infinite sum may be an overflow
        sure = self.float32 or values.sum(dtype=torch.float32).isfinite()
        if not sure and not values.isfinite().all():
            raise UntrustedError(f"{name} has NaN or infinity in {part.rows}, {part.columns}")
        self.features.write(name, part.rows, part.columns, values)


def compute_tile(
    context: StageContext, stage: Stage, tile: Tile, segments: Sequence[Segment] | None
) -> Generator[float, None, tuple[int, Tensor, Tensor] | None]:
    """Compute one tile and keep its core; if the result is implausible, compute it in float32.

    PyTorch computes the tile step by step, so that the run can be cancelled between two steps.

    Parameters
    ----------
    context, stage, tile
        The stage to compute, on which tile of which plane.
    segments : sequence of Segment, optional
        Segments of the stage; None to run step by step in PyTorch.

    Yields
    ------
    float
        Share of the tile that is done, less than 1.

    Returns
    -------
    tuple of int, Tensor and Tensor, or None
        Number of pixels, mean and sum of squared deviations of the core, if the stage gathers them.

    Raises
    ------
    UntrustedError
        If the tile is implausible and cannot be computed again separately.
    """
    buffers = TileBuffers(context, tile.read, stage.halo, uniform=segments is not None)
    try:
        repeated = segments is not None and (yield from replay(context, buffers, segments))
        if not repeated:
            yield from _compute(context, buffers, context.chain, stage, context.kernels)
        with use_kernels(context.kernels):
            return _keep(context, buffers, stage, tile, float32=context.float32)
    except UntrustedError:
        if context.float32_chain is None:
            raise
    buffers = TileBuffers(context, tile.read, stage.halo)
    yield from _compute(context, buffers, context.float32_chain(), stage, "reference")
    return _keep(context, buffers, stage, tile, float32=True)


def _compute(
    context: StageContext, buffers: TileBuffers, chain: Chain, stage: Stage, kernels: str
) -> Generator[float, None, None]:
    """Compute a tile by PyTorch, step by step; yield between steps, if it takes long."""
    if stage.at_once:
        yield from buffers.compute_at_once(chain, kernels)
        return
    last, costs = time.thread_time(), context.stages.step_costs(stage)
    for number, (index, margin) in enumerate(stage.steps):
        now = time.thread_time()
        if now - last >= BREATH:
            last = now
            yield min(sum(costs[:number]) / sum(costs), 0.99)
        with use_kernels(kernels):
            buffers.compute(chain[index], margin)


def _keep(
    context: StageContext, buffers: TileBuffers, stage: Stage, tile: Tile, *, float32: bool
) -> tuple[int, Tensor, Tensor] | None:
    """Keep the core of a computed tile; return its moments if the stage gathers them."""
    for name in stage.keeps:
        context.keep(name, tile.keep, buffers.part(name, tile.keep), float32=float32)
    link = None if stage.gather is None else context.chain[stage.gather]
    return buffers.moments(link.reads, tile.keep) if isinstance(link, GlobalStats) else None


class TileBuffers:
    """The planes of one tile, each without the pixels that are wrong near edges inside the image.

    Parameters
    ----------
    context : StageContext
        Source of other planes.
    part : Region
        Region that the tile reads.
    halo : int
        Width of the halo around the core, at edges inside the image, in pixels.
    uniform : bool
        Whether every step computes all pixels that the tile reads, so that all tiles have the same
        operations. Wrong pixels near edges are then cropped only with the halo.
    """

    def __init__(
        self, context: StageContext, part: Region, halo: int, *, uniform: bool = False
    ) -> None:
        self._context = context
        self._part = part
        self._halo = halo
        self._uniform = uniform
        self._planes: dict[str, tuple[Tensor, Region, int | Fraction]] = {}
        self._moments: dict[str, tuple[Region, tuple[Tensor, ...]]] = {}

    def compute_at_once(self, chain: Chain, kernels: str) -> Generator[float, None, None]:
        """Run the whole chain on all that the tile reads; between links, yield the share done."""
        flops, last = self._context.stages.profile.flops, time.thread_time()
        links = planes_before(chain, self.part(IMAGE, self._part), self._context.values)
        place, held = next(links)
        while place < len(chain):
            if (now := time.thread_time()) - last >= BREATH:
                last = now
                yield min(sum(flops[:place]) / sum(flops), 0.99)
            with use_kernels(kernels):
                place, held = next(links)
        self.put(RESULT, held[RESULT])

    def compute(self, step: Link, margin: int) -> None:
        """Compute a step on the core and `margin` pixels around it."""
        if not isinstance(step, Step):
            raise TypeError(f"a tile needs a Step to compute, got {type(step).__name__}")
        grid = self._context.stages.grid
        radius = -(-step.radius // grid.multiple) * grid.multiple
        unneeded = 0 if self._uniform else self._halo - margin - radius
        part = self._part.shrunk(unneeded, grid.height, grid.width)
        inputs = {name: self.part(name, part) for name in step.reads}
        inputs |= {name: self._context.values[name] for name in step.uses}
        written, moments = compute(step, inputs, grid.window(part))
        for name, plane in written.items():
            self._planes[name] = (plane, part, step.scale)
        if moments is not None:
            self._moments[step.writes[0]] = (part, moments)

    @property
    def window(self) -> Window:
        """The region that the tile reads, as a window of the plane."""
        return self._context.stages.grid.window(self._part)

    def put(self, name: str, plane: Tensor) -> None:
        """Store a plane that was computed on the whole region that the tile reads."""
        self._planes[name] = (plane, self._part, self._scale(name))

    def input(self, name: str) -> Tensor:
        """Return a gathered value, or the part of a plane that the tile reads, on any device."""
        if name in self._context.values:
            return self._context.values[name]
        if name in self._planes:
            return self.part(name, self._part)
        return self._context.stored(name, self._part, until_next=True)

    def part(self, name: str, part: Region) -> Tensor:
        """Return a part of a plane; read it from the context if the tile does not have it."""
        known = self._planes.get(name)
        if known is None or not part.is_inside(known[1]):
            self._planes[name] = self._context.part(name, part), part, self._scale(name)
        plane, region, scale = self._planes[name]
        rows, columns = part.slices_in(region, scale)
        return plane[..., rows, columns]

    def _scale(self, name: str) -> int | Fraction:
        return self._context.stages.profile.planes[name].scale

    def moments(self, name: str, core: Region) -> tuple[int, Tensor, Tensor]:
        """Return number of pixels, mean and sum of squared deviations of the core of a plane."""
        part, known = self._moments.get(name, (None, None))
        return moments_of(self.part(name, core), known if part == core else None)
