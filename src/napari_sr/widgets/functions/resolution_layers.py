"""Measure the resolution of layers in the plane that a viewer shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image  # noqa: TC002  # magicgui reads the functions' types

from napari_sr.evaluation.resolution_figures import (
    Resolution,  # noqa: TC001  # magicgui reads the functions' types
)
from napari_sr.evaluation.resolution_images import Camera, Images, enlarged, middle
from napari_sr.runs.job import Step
from napari_sr.runs.record import RecordError
from napari_sr.runs.run import drive, translate
from napari_sr.widgets.common.layer_source import METADATA_KEY
from napari_sr.widgets.compare.figures import placed_on
from napari_sr.widgets.compare.profile import Profile, unit_symbol
from napari_sr.widgets.compare.shown_plane import ShownPlane, shown_plane, to_world

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from napari.components import Dims
    from numpy.typing import NDArray

THRESHOLD_NAME = "1/7"
"""Name of the dashed line in the plot."""
WORLD = "world units"
"""Unit of layers that have a scale but no unit of length; one such unit is not one pixel."""
SQUARE = 1e-3
"""Largest relative difference between the sides of a pixel that counts as square."""


class ResolutionError(ValueError):
    """The resolution of layers cannot be measured; the message says why."""


def resolution_of_layers(
    source: Image,
    result: Image | None = None,
    second: Image | None = None,
    second_result: Image | None = None,
    gain: float = 0.0,
    offset: float = 0.0,
    read_noise: float = 0.0,
) -> Resolution:
    """Measure the resolution of a source and its result, in the plane that napari shows.

    Parameters
    ----------
    source : Image
        The layer before upscaling.
    result : Image, optional
        The upscaled layer.
    second : Image, optional
        A second exposure of the same field of view.
    second_result : Image, optional
        The second exposure, upscaled.
    gain : float
        Pixel values per photon, to split one exposure into two: 1 if pixels count photons, 0 if
        it is unknown.
    offset : float
        Pixel value of the camera without light.
    read_noise : float
        Standard deviation of the camera's noise without light, in photons.

    Returns
    -------
    Resolution
        Figures of both layers, and sentences on figures that cannot be measured.

    Raises
    ------
    ValueError
        If the layers do not fit, or cannot be measured.
    """
    from napari import current_viewer

    viewer = current_viewer()
    if viewer is None:
        raise ResolutionError(
            "resolution_of_layers needs a viewer that shows the layers, but there is none"
        )
    layers = {"source": source, "result": result, "second": second, "second_result": second_result}
    return drive(task_of(layers, Camera(gain or None, offset, read_noise), viewer.dims).steps())


@dataclass(frozen=True)
class Task:
    """The input of a measurement, which a worker can run."""

    planes: Mapping[str, ShownPlane]
    """The planes of "source" and, if chosen, of "result", "second" and "second_result"."""
    camera: Camera
    record: Mapping[str, Any]
    """The record of the result, or {}."""
    pixel_size: float
    unit: str

    def steps(self) -> Generator[Step, None, Resolution]:
        """Measure in a worker."""
        from napari_sr.evaluation._resolution import resolution_steps  # late: imports scipy

        yield Step(0, 0, "Reading …")
        height, width = self.planes["source"].size
        larger = self.planes.get("result")
        scale = 1 if larger is None else max(larger.size[0] // max(height, 1), 1)
        spans = middle(height, width, scale)
        pixels: dict[str, NDArray[Any]] = {}
        for name, plane in self.planes.items():
            factor = scale if "result" in name else 1
            pixels[name] = plane.read(*(enlarged(span, factor) for span in spans))
        images = Images.of(**pixels)
        steps = resolution_steps(images, self.camera, self._again(), self.pixel_size, self.unit)
        found = yield from translate(steps, lambda doing: Step(0, 0, doing))
        if images.source.shape != (height, width):
            rows, columns = images.source.shape
            found.notes.append(f"measured in the middle, {rows} x {columns} px of the source")
        if self.unit == WORLD:
            found.notes.append(
                f"the source's scale has no unit of length: one of its pixels is "
                f"{self.pixel_size:g} {WORLD}"
            )
        return found

    def _again(self) -> Any:
        """Return a function that upscales with the result's model and settings.

        Return None if they are unknown, or if no gain is given, because nothing is upscaled then.
        """
        if not self.record or self.camera.gain is None:
            return None
        from napari_sr.runs.again import again

        try:
            return again(self.record)
        except RecordError:
            return None

    @property
    def columns(self) -> dict[str, str]:
        """Columns of the CSV that name the layers and their planes."""
        return {
            f"{name.replace('_', ' ')} layer": " ".join(
                (plane.source.name, *map(str, plane.source.plane or ()))
            )
            for name, plane in self.planes.items()
        }


def task_of(layers: Mapping[str, Image | None], camera: Camera, dims: Dims) -> Task:
    """Return the input of a measurement; call this in the GUI thread.

    Parameters
    ----------
    layers : mapping
        The layers by the names of `resolution_of_layers`.
    camera : Camera
        Properties of the camera.
    dims : Dims
        The viewer's axes and sliders.

    Raises
    ------
    ResolutionError
        If there is no source, or its pixels are not square.
    """
    chosen = {name: layer for name, layer in layers.items() if layer is not None}
    source = chosen.get("source")
    if source is None:
        raise ResolutionError("choose a source")
    planes = {name: shown_plane(layer, dims) for name, layer in chosen.items()}
    leading = planes["source"].source.plane or ()
    points = [(*leading, row, column) for row, column in ((0, 0), (1, 0), (0, 1))]
    world = to_world(source, dims, points)
    down, across = (float(np.linalg.norm(world[at] - world[0])) for at in (1, 2))
    if abs(down - across) > SQUARE * across:
        raise ResolutionError(
            f"resolution needs square pixels, got {down:g} by {across:g} in {source.name}: correct "
            "the layer's scale"
        )
    record = chosen["result"].metadata.get(METADATA_KEY, {}) if "result" in chosen else {}
    unit = unit_symbol(dims, {"source": source}) or "units"
    if unit == "px" and abs(across - 1) > SQUARE:
        unit = WORLD
    return Task(planes, camera, record, across, unit)


def profile_of_curves(found: Resolution) -> Profile:
    """Return the curves of a measurement, with the threshold, for a plot."""
    most = max(curve.frequencies[-1] for curve in found.curves.values())
    count = max(len(curve.frequencies) for curve in found.curves.values())
    across = np.linspace(0, most, count + 1)
    values = {
        name: np.interp(across, curve.frequencies, curve.correlation, right=np.nan).astype(
            np.float32
        )
        for name, curve in found.curves.items()
    }
    values[THRESHOLD_NAME] = np.full(len(across), 1 / 7, np.float32)
    return Profile(across, values, f"cycles/{found.unit}")


def map_arguments(layer: Image, plane: ShownPlane, size: tuple[int, int]) -> dict[str, Any]:
    """Return keyword arguments of `add_image` that put a map on the middle of a layer's plane.

    Parameters
    ----------
    layer : Image
        The layer on which to put the map.
    plane : ShownPlane
        The plane of the layer.
    size : (H, W)
        Size of the map in pixels of the layer.
    """
    starts = [(whole - part) // 2 for whole, part in zip(plane.size, size, strict=True)]
    first = np.array([*(plane.source.plane or ()), *starts], float)
    moved = np.subtract(layer.data_to_world(first), layer.data_to_world(np.zeros(len(first))))
    # napari applies the affine after the translation
    inside = np.linalg.solve(layer.affine.linear_matrix, moved)
    placed = placed_on(layer)
    return {**placed, "translate": np.asarray(placed["translate"], float) + inside}
