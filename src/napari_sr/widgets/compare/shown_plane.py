"""The plane of a layer that the viewer shows, as a plain record that a worker can read.

Symbols: H x W pixels, V vertices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.arrays import pixels_of
from napari_sr.layers.bt601 import TO_YCBCR
from napari_sr.widgets.common.layer_source import (
    current_plane,
    source_of,
    to_units_of,
    unit_ratios,
)
from napari_sr.widgets.common.value_range import DTYPE, usual_kind

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Image, Layer
    from numpy.typing import ArrayLike, NDArray

    from napari_sr.runs.source import Source

LUMA = np.array(TO_YCBCR[0]) / sum(TO_YCBCR[0])
"""Weights of red, green and blue in BT.601 luma; their sum is 1."""


@dataclass(frozen=True)
class ShownPlane:
    """One plane of a layer; only `read` reads its pixels."""

    source: Source
    """The layer's pixels, with the index of the plane."""
    value_range: tuple[float, float] | None
    """Black and white: the contrast limits, or None for the range of the data type."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        shape, colours = self.source.shape, 1 if self.source.rgb else 0
        height, width = shape[len(shape) - 2 - colours :][:2]
        return height, width

    def read(self, rows: slice = slice(None), columns: slice = slice(None)) -> NDArray[Any]:
        """Return a part of the plane, (H, W) or RGB (H, W, 3); alpha is left out."""
        plane = self.source.plane or ()
        pixels = pixels_of(self.source.data[(*plane, rows, columns)])
        return pixels[..., :3] if self.source.rgb else pixels


def shown_plane(layer: Image, dims: Dims) -> ShownPlane:
    """Return the plane of a layer that the sliders show; call it on the GUI thread."""
    low, high = layer.contrast_limits
    values = None if usual_kind(layer) == DTYPE else (float(low), float(high))
    return ShownPlane(source_of(layer, current_plane(layer, dims)), values)


def grey_of(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Return grey values unchanged, and colours as luma in the same units: 255 stays 255."""
    grey: NDArray[np.float32] = (
        pixels @ LUMA if pixels.ndim == 3 else pixels  # type: ignore[assignment]
    )
    return np.asarray(grey, np.float32)


def to_world(layer: Layer, dims: Dims, points: ArrayLike) -> NDArray[np.float64]:
    """Convert positions of a layer's data, (V, layer.ndim), to the viewer's world and units."""
    ratios = unit_ratios(layer, dims)
    mapped = [layer.data_to_world(point) for point in np.asarray(points, float)]
    world: NDArray[np.float64] = np.asarray(mapped, float) / ratios
    return world


def to_pixels(layer: Image, dims: Dims, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert positions in the viewer's world, (V, any axes), to rows and columns, (V, 2).

    Pixel centres are whole numbers.
    """
    place = np.tile(np.asarray(dims.point, float), (len(points), 1))
    count = min(points.shape[1], place.shape[1])
    place[:, -count:] = points[:, -count:]
    own = [to_units_of(layer, dims, point) for point in place]
    return np.array([layer.world_to_data(point)[-2:] for point in own], float)
