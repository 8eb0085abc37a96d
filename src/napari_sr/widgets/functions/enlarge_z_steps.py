"""Enlarge the pixels of a layer along Z, in a worker of the form *Enlarge Z*."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.job import Step, loaded, named_errors
from napari_sr.runs.model import ModelReference
from napari_sr.runs.model_list import known_models
from napari_sr.runs.run import translate
from napari_sr.runs.source import read_pixels
from napari_sr.widgets.common.layer_source import source_of
from napari_sr.widgets.common.pixel_size import pixel_size
from napari_sr.widgets.common.preferences import preference

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari.layers import Image
    from numpy.typing import NDArray

    from napari_sr.engine.execution.context import Progress
    from napari_sr.runs.source import Source

INTERPOLATION, NETWORK = "interpolation", "network"
"""Ways to enlarge Z."""


@dataclass(frozen=True)
class Way:
    """The network that enlarges Z, and its settings."""

    model: ModelReference
    settings: Settings


def way_of(layer: Image, by: str, model: str) -> Way | None:
    """Return how a network enlarges a layer; None for interpolation.

    The layer's contrast limits are black and white, except for 8 bits and colours.

    Raises
    ------
    ValueError
        If there is no such way.
    """
    if by not in (INTERPOLATION, NETWORK):
        raise ValueError(f"by must be {INTERPOLATION} or {NETWORK}, got {by!r}")
    if by == INTERPOLATION:
        return None
    scales = next((one.scales for one in known_models() if one.name == model), ())
    limits = None
    if not layer.rgb and layer.dtype != np.uint8:
        limits = (float(layer.contrast_limits[0]), float(layer.contrast_limits[1]))
    device = preference("upscaling", "device", "auto")
    return Way(
        ModelReference(model, min(scales, default=None)),
        Settings(device=device, value_range=limits),
    )


def enlarge_steps(
    source: Source, enlargement: float, way: Way | None = None
) -> Generator[Step, None, NDArray[Any]]:
    """Enlarge the pixels of a layer in a worker; arguments and errors as for `enlarge_z_of`."""
    return (yield from named_errors(_enlarged(source, enlargement, way), source.name))


def _enlarged(
    source: Source, enlargement: float, way: Way | None
) -> Generator[Step, None, NDArray[Any]]:
    # late: imports torch
    from napari_sr.engine.image.axial import checked_axial, enlarge_z
    from napari_sr.runs.axial import bytes_of, check_room
    from napari_sr.runs.axial_network import along_z, of_stack

    layout = layout_of(source.shape, source.dtype, source.axes)
    factor = checked_axial(enlargement, layout)
    network = None if way is None else (yield from loaded(way.model))
    in_memory = type(source.data) is np.ndarray and source.plane is None
    more = 0 if in_memory else bytes_of(layout)
    if network is not None:
        more += 2 * network.scale * bytes_of(layout.as_floats)
    check_room(layout, factor, more)

    def words(planes: tuple[int, int]) -> Step:
        return Step(*planes, f"Reading plane {planes[0]} of {planes[1]}")

    def told(step: Progress) -> Step:
        return Step(step.done, step.total, f"Planes XZ and YZ: {step.done} %")

    pixels = yield from translate(read_pixels(source), words)
    if network is not None and way is not None:
        stack = of_stack(pixels, layout, network, way.settings)
        pixels = yield from translate(along_z(stack), told)
        factor /= network.scale
    yield Step(0, 0, "Interpolating")
    return enlarge_z(np.asarray(pixels), source.axes.index("Z"), factor, layout.dtype)


def distance_of_planes(layer: Image) -> float:
    """Return the distance of a stack's planes in pixels, by the layer's units or its scale."""
    axis = source_of(layer).axes.index("Z")
    sizes = pixel_size(layer, axis - layer.ndim), pixel_size(layer)
    step, pixel = sizes if None not in sizes else (layer.scale[axis], layer.scale[-1])
    return abs(float(step or 1) / float(pixel or 1))
