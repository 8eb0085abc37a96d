"""The planes of one tile while a stage computes them, each as far as it is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.engine.execution.segments import function_of
from napari_sr.graph.chain import Step, Window
from napari_sr.graph.run import compute
from sr_kernels.plane_moments import plane_moments

if TYPE_CHECKING:
    from fractions import Fraction

    from torch import Tensor

    from napari_sr.engine.execution.graphs import Graphs
    from napari_sr.engine.execution.segments import Segment
    from napari_sr.engine.execution.stage_context import StageContext
    from napari_sr.engine.planning.tiling import Region


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

    def compute(self, step: Step, margin: int) -> None:
        """Compute a step as far around the core as its result is needed."""
        grid = self._context.plan.grid
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

    def replay(self, segment: Segment, graphs: Graphs, *, last: bool) -> None:
        """Compute a segment by a CUDA graph where that is possible.

        Parameters
        ----------
        segment : Segment
            One that is repeatable.
        graphs : Graphs
            What replays.
        last : bool
            Whether no other segment is replayed before the planes are read.
        """
        context = self._context
        key = ("segment", id(context.chain), segment.places, segment.gives)
        given = [self._given(name) for name in segment.takes]
        made = graphs.run(
            key, function_of(context.chain, segment), given, device=context.device, borrowed=last
        )
        for name, plane in zip(segment.gives, made, strict=True):
            self._planes[name] = (plane, self._part, context.plan.profile.planes[name].scale)

    def _given(self, name: str) -> Tensor:
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
            scale = self._context.plan.profile.planes[name].scale
            self._planes[name] = (self._context.part(name, part), part, scale)
        plane, held, scale = self._planes[name]
        rows, columns = part.within(held, scale)
        return plane[..., rows, columns]

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
