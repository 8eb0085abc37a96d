"""Measure two layers in the plane that a viewer shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image, Shapes  # noqa: TC002  # magicgui reads the functions' types

from napari_sr.evaluation import measure as measuring
from napari_sr.evaluation.measurements import (
    Measurements,  # noqa: TC001  # magicgui reads the functions' types
)
from napari_sr.runs.job import Step
from napari_sr.widgets.compare.figures import ends_of
from napari_sr.widgets.compare.shown_plane import ShownPlane, shown_plane, to_pixels, to_world

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari.components import Dims

    from napari_sr.evaluation.measure import Rectangle

NEAR = 1e-3
"""Largest deviation of a side from the direction of an axis, as a share of the side's length."""


class MeasureError(ValueError):
    """Two layers or a shape cannot be measured; the message says why."""


def measure_layers(
    result: Image, reference: Image, rectangles: Shapes | None = None
) -> Measurements:
    """Measure a result and its source or reference, in the plane that napari shows.

    Parameters
    ----------
    result : Image
        The layer to measure.
    reference : Image
        The layer to compare with: the source, or the ground truth. Pixels may differ in size.
    rectangles : Shapes, optional
        Measure only inside the selected rectangles of this layer, or inside all rectangles if none
        is selected. Without such a layer, measure the area that both images cover.

    Returns
    -------
    Measurements
        Sums, means and other numbers of both layers, their differences, and PSNR and SSIM if both
        layers have the same pixels.

    Raises
    ------
    MeasureError
        If one layer is rotated relative to the other, or a shape is not a rectangle along the axes.
    """
    from napari import current_viewer

    viewer = current_viewer()
    if viewer is None:
        raise MeasureError("measure_layers needs a viewer that shows the layers, but there is none")
    return task_of(result, reference, rectangles, viewer.dims).measure()


@dataclass(frozen=True)
class Task:
    """The input of a measurement, which a worker can run."""

    result: ShownPlane
    reference: ShownPlane
    rectangles: dict[str, Rectangle] | None
    """Rectangles in pixels of the reference; None for the area that both planes cover."""
    placement: measuring.Placement

    def measure(self) -> Measurements:
        """Read both planes, and measure."""
        return measuring.measure(
            self.result.read(),
            self.reference.read(),
            self.rectangles,
            placement=self.placement,
            value_range=ends_of(self.reference),
        )

    def steps(self) -> Generator[Step, None, Measurements]:
        """Measure in a worker."""
        yield Step(0, 0, "Measuring …")
        return self.measure()

    @property
    def columns(self) -> dict[str, str]:
        """Columns of the CSV that name the layers and their planes."""
        planes = {
            "layer": self.result.source,
            "reference layer": self.reference.source,
        }
        return {
            heading: " ".join((source.name, *map(str, source.plane or ())))
            for heading, source in planes.items()
        }


def task_of(result: Image, reference: Image, rectangles: Shapes | None, dims: Dims) -> Task:
    """Return the input of a measurement; call this in the GUI thread.

    Parameters
    ----------
    result, reference, rectangles
        As for `measure_layers`.
    dims : Dims
        The viewer's axes and sliders.

    Raises
    ------
    MeasureError
        As for `measure_layers`.
    """
    planes = shown_plane(result, dims), shown_plane(reference, dims)
    chosen = None if rectangles is None else rectangles_of(rectangles, reference, dims)
    return Task(*planes, chosen, placement_of(result, planes[1], reference, dims))


def placement_of(
    result: Image, plane: ShownPlane, reference: Image, dims: Dims
) -> measuring.Placement:
    """Return size and position of a reference's pixels, in pixels of a result.

    Raises
    ------
    MeasureError
        If one layer is rotated relative to the other.
    """
    leading = plane.source.plane or ()
    points = [(*leading, row, column) for row, column in ((0, 0), (1, 0), (0, 1))]
    first, below, right = to_pixels(result, dims, to_world(reference, dims, points))
    steps = np.array([below - first, right - first])
    if np.abs(steps - np.diag(np.diag(steps))).max() > NEAR * np.abs(np.diag(steps)).min():
        raise MeasureError(
            f"{result.name} is rotated relative to {reference.name}: measure layers whose rows are "
            "parallel"
        )
    rows, columns = np.diag(steps)
    return measuring.Placement((float(rows), float(columns)), (float(first[0]), float(first[1])))


def rectangles_of(shapes: Shapes, reference: Image, dims: Dims) -> dict[str, Rectangle]:
    """Return the selected rectangles, or all if none is selected, in pixels of the reference.

    Raises
    ------
    MeasureError
        If there is no shape, or a shape is not a rectangle along the reference's rows.
    """
    chosen = sorted(shapes.selected_data) or range(len(shapes.data))
    found: dict[str, Rectangle] = {}
    for index in chosen:
        corners = to_pixels(reference, dims, to_world(shapes, dims, shapes.data[index]))
        low, high = corners.min(axis=0), corners.max(axis=0)
        aside = np.minimum(corners - low, high - corners)
        if str(shapes.shape_type[index]) != "rectangle" or (aside > NEAR * (high - low)).any():
            raise MeasureError(
                f"shape {index + 1} in {shapes.name} is not a rectangle along the rows of "
                f"{reference.name}: select rectangles, or draw one"
            )
        name = f"rectangle {index + 1}"
        found[name] = ((float(low[0]), float(high[0])), (float(low[1]), float(high[1])))
    if not found:
        raise MeasureError(f"{shapes.name} is empty: draw a rectangle in it")
    return found
