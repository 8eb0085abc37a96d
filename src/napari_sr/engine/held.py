"""The planes of one tile while a stage computes them, each as far as it is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.models._chain import Step, Window, compute
from sr_kernels.plane_moments import plane_moments

if TYPE_CHECKING:
    from fractions import Fraction

    from torch import Tensor

    from napari_sr.engine.work import Part, Work


class Held:
    """The planes of one tile, each as far as it is right.

    Parameters
    ----------
    work : Work
        Where other planes are read.
    part : Part
        What the tile reads.
    halo : int
        How much of it, at inner edges, lies around the core.
    """

    def __init__(self, work: Work, part: Part, halo: int) -> None:
        self._work = work
        self._part = part
        self._halo = halo
        self._planes: dict[str, tuple[Tensor, Part, int | Fraction]] = {}
        self._told: dict[str, tuple[Part, tuple[Tensor, Tensor]]] = {}

    def compute(self, step: Step, margin: int) -> None:
        """Compute a step as far around the core as its result is needed."""
        grid = self._work.plan.grid
        radius = -(-step.radius // grid.multiple) * grid.multiple
        part = self._part.without(self._halo - margin - radius, grid.height, grid.width)
        inputs = {name: self.part(name, part) for name in step.reads}
        inputs |= {name: self._work.values[name] for name in step.uses}
        place = part.rows.start, part.columns.start
        window = Window(*place, *part.size, grid.height, grid.width)
        written, told = compute(step, inputs, window)
        for name, plane in written.items():
            self._planes[name] = (plane, part, step.scale)
        if told is not None:
            self._told[step.writes[0]] = (part, told)

    def part(self, name: str, part: Part) -> Tensor:
        """Return a part of a plane, read from outside where the tile does not hold it."""
        known = self._planes.get(name)
        if known is None or not part.lies_in(known[1]):
            scale = self._work.plan.profile.planes[name].scale
            self._planes[name] = (self._work.part(name, part), part, scale)
        plane, held, scale = self._planes[name]
        rows, columns = part.within(held, scale)
        return plane[..., rows, columns]

    def moments(self, name: str, core: Part) -> tuple[int, Tensor, Tensor]:
        """Return number of pixels, mean and squared deviations of the core of a plane."""
        plane = self.part(name, core)
        count = plane.shape[2] * plane.shape[3]
        if not count:
            return 0, plane, plane
        part, told = self._told.get(name, (None, None))
        if told is not None and part == core:
            return count, *told
        return count, *plane_moments(plane)
