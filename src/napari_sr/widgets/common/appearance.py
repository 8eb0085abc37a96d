"""Copy the appearance of a layer to the layer of its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Image

    from napari_sr.graph.factor import Factor
    from napari_sr.runs.source import Source

CARRIED = (
    "attenuation", "auto_contrast", "blending", "colormap", "contrast_limits",
    "custom_interpolation_kernel_2d", "depiction", "gamma", "interpolation2d", "interpolation3d",
    "iso_threshold", "opacity", "projection_mode", "rendering",
)  # fmt: skip
"""Attributes of an image layer that are copied to its result, if this version of napari has
them. Visibility is not among them: the result of a hidden layer is visible."""
SET_AFTERWARDS = ("contrast_limits_range", "auto_contrast")
"""Attributes to set once the layer exists, because its constructor does not take them, or changes
other attributes with them."""


def appearance(
    layer: Image,
    source: Source,
    factor: Factor,
    order: Sequence[int] | None = None,
    origin: tuple[float, ...] | None = None,
) -> dict[str, Any]:
    """Return keyword arguments of `add_image` that make a result look like its source.

    Parameters
    ----------
    layer : Image
        The source layer.
    source : Source
        The pixels that are read from the layer.
    factor : int or Fraction
        How many times larger Y and X become.
    order : sequence of int, optional
        The viewer's `dims.order`. napari defines rendering planes along its last three axes; by
        default, along the last three axes of the layer.
    origin : tuple of int, optional
        Index of the first pixel that is enlarged; by default, the source's first pixel.
    """
    carried = (name for name in CARRIED if hasattr(layer, name) and name not in SET_AFTERWARDS)
    factors, first = _displayed(source, factor, order, origin or source.origin)
    plane, clipping = layer.plane, layer.experimental_clipping_planes
    return {
        **{name: getattr(layer, name) for name in carried},
        "plane": {
            **enlarged_plane(plane.position, plane.normal, factors, first),
            "thickness": float(plane.thickness * _stretch(plane.normal, factors)),
        },
        # napari's docs say that these are in the layer's pixels, but napari 0.9.2 draws them in
        # world coordinates: unchanged, they cut source and result at the same place (455 of 19,272
        # canvas pixels differ; if they are scaled, 11,494 differ)
        "experimental_clipping_planes": [
            {"position": each.position, "normal": each.normal, "enabled": each.enabled}
            for each in clipping
        ],
    }


def set_afterwards(layer: Image) -> dict[str, Any]:
    """Return the attributes to set on a result's layer once it exists."""
    return {name: getattr(layer, name) for name in SET_AFTERWARDS if hasattr(layer, name)}


def enlarged_plane(
    position: Sequence[float],
    normal: Sequence[float],
    factors: Sequence[float],
    origin: Sequence[float],
) -> dict[str, Any]:
    """Convert a rendering plane from a layer's pixels to the enlarged pixels.

    Parameters
    ----------
    position : sequence of float, (3,)
        A point of the plane, in the layer's pixels. Pixel centres are whole numbers.
    normal : sequence of float, (3,)
        Unit vector perpendicular to the plane, in the layer's pixels.
    factors : sequence of float, (3,)
        How many times larger each axis becomes.
    origin : sequence of float, (3,)
        Data index of the first pixel that is enlarged.

    Returns
    -------
    dict
        `position` and `normal` as tuples of three floats.
    """
    larger = np.asarray(factors, float)
    # the centre of a pixel becomes the centre of the block of pixels that replaces it
    place = (np.asarray(position, float) - origin + 0.5) * larger - 0.5
    across = np.asarray(normal, float) / larger
    across /= np.linalg.norm(across)
    return {"position": tuple(map(float, place)), "normal": tuple(map(float, across))}


def _stretch(normal: Sequence[float], factors: Sequence[float]) -> float:
    """Return the factor by which enlarging changes the distance between two parallel planes."""
    return 1 / float(np.linalg.norm(np.asarray(normal, float) / np.asarray(factors, float)))


def _displayed(
    source: Source, factor: Factor, order: Sequence[int] | None, origin: tuple[float, ...]
) -> tuple[list[float], list[float]]:
    """Return factors and origins of the three axes along which rendering planes are defined."""
    factors = source.factors(factor)
    count = len(factors)
    axes = range(-3, 0) if order is None else [axis - len(order) for axis in order[-3:]]
    # a layer with two axes is one plane along a third axis
    known = [axis for axis in axes if axis >= -count]
    missing = 3 - len(known)
    return (
        [1.0] * missing + [float(factors[axis]) for axis in known],
        [0.0] * missing + [float(origin[axis]) for axis in known],
    )
