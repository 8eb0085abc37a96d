"""Read a layer's pixels and axes into a plain record, so that workers never touch the layer."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.axes import LOOP_LETTERS
from napari_sr.runs.record import KEY
from napari_sr.runs.source import Source
from napari_sr.runs.words import shape_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import Dims, ViewerModel
    from napari.layers import Image, Layer
    from numpy.typing import NDArray

METADATA_KEY = KEY
"""Key in a layer's metadata under which a result keeps the record of its run."""

PREVIEW_KEY = "napari-sr preview"
"""Key in a layer's metadata that marks the layer as a preview, to be removed with the preview."""

_HINTS = {
    "b": "integers (layer.data.astype('uint8') * 255) or floats",
    "c": "real numbers (abs, real, imag or angle)",
    "f": "float64",
}
"""Types to convert a layer to, by NumPy's letter for a kind of data that cannot be upscaled."""


def source_of(layer: Image, plane: tuple[int, ...] | None = None) -> Source:
    """Return the pixels and axes of a layer; call it on the GUI thread.

    Parameters
    ----------
    layer : Image
        The layer. If it is multiscale, the finest level is read.
    plane : tuple of int, optional
        Index of one plane on the leading axes; by default, all planes are read.
    """
    data = layer.data[0] if layer.multiscale else layer.data
    shape = tuple(int(size) for size in data.shape)
    spatial = len(shape) - 2 - layer.rgb
    axes = leading_letters(layer.axis_labels[:spatial]) + ("YXS" if layer.rgb else "YX")
    path = layer.source.path
    origin = None if path is None else os.path.abspath(path)
    whole = Source(layer.name, data, shape, axes, layer.rgb, None, origin)
    return whole if plane is None else whole.only(plane)


def swapped(result: Image, source: Image) -> str:
    """Return a question for the user if a result is smaller than its source, or else ""."""
    sides = []
    for layer in (result, source):
        read = source_of(layer)
        leading = len(read.shape) - 2 - read.rgb
        sides.append(read.shape[leading : leading + 2])
    (height, width), (rows, columns) = sides
    if height >= rows and width >= columns:
        return ""
    return (
        f"The result, {height} x {width} px, is smaller than its source, {rows} x {columns} px. "
        "Are they swapped?"
    )


def leading_letters(labels: Sequence[str]) -> str:
    """Return a distinct letter for each axis.

    A label that is a letter of `LOOP_LETTERS` is kept, unless several axes have it. Other axes get
    letters that are free.

    Examples
    --------
    >>> leading_letters(["t", "depth", "-3"])
    'TCZ'
    """
    capitals = [label.upper() for label in labels]
    own = [
        letter if letter in LOOP_LETTERS and capitals.count(letter) == 1 else None
        for letter in capitals
    ]
    spare = (letter for letter in LOOP_LETTERS if letter not in own)
    return "".join([letter or next(spare) for letter in reversed(own)][::-1])


def current_plane(layer: Image, dims: Dims) -> tuple[int, ...]:
    """Return the plane that the sliders show, as an index on the layer's leading axes."""
    point = to_units_of(layer, dims, np.asarray(dims.point, float))
    position = np.asarray(layer.world_to_data(point), float)
    data = layer.data[0] if layer.multiscale else layer.data
    leading = zip(position[: layer.ndim - 2], data.shape, strict=False)
    return tuple(int(np.clip(np.rint(at), 0, size - 1)) for at, size in leading)


def drawn_part(layer: Image | None, dims: Dims) -> tuple[object, ...]:
    """Return values that change if napari draws another part of a layer, or draws it elsewhere."""
    if layer is None:
        return ()
    affine = layer.affine.affine_matrix
    place = (layer.scale, layer.translate, layer.rotate, layer.shear, affine)
    corners = layer.corner_pixels.tobytes() if layer.multiscale else None
    drawn = current_plane(layer, dims), dims.displayed, layer.data_level, corners
    return (*drawn, *(np.asarray(each).tobytes() for each in place), str(layer.units))


def looked_at(layer: Image, viewer: ViewerModel) -> tuple[float, ...]:
    """Return the position at the centre of the view, in pixels of the layer.

    Parameters
    ----------
    layer : Image
        The layer.
    viewer : ViewerModel
        The viewer that shows it.
    """
    dims, centre = viewer.dims, getattr(viewer, "scene", viewer).camera.center
    place = np.asarray(dims.point, float)
    count = min(len(dims.displayed), len(centre))
    place[list(dims.displayed[-count:])] = centre[-count:]
    return tuple(map(float, layer.world_to_data(to_units_of(layer, dims, place))))


def to_units_of(layer: Image, dims: Dims, point: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert a position in the viewer to the units and axes of a layer, (D,)."""
    own = point[-layer.ndim :]
    return own * unit_ratios(layer, dims)[-len(own) :]


def unit_ratios(layer: Image, dims: Dims) -> NDArray[np.float64]:
    """Return the viewer's unit divided by the layer's, for each axis of the layer.

    The ratio is 1 if the units cannot be converted to each other, because napari then ignores them.
    """
    units = getattr(dims, "units", None)
    if units is None:
        return np.ones(layer.ndim)
    pairs = zip(units[-layer.ndim :], layer.units[-len(units) :], strict=True)
    return np.array([ratio(shown, own) for shown, own in pairs])


def ratio(unit: Any, other: Any) -> float:
    """Return one unit divided by another, or 1 if they cannot be converted to each other."""
    if unit.dimensionality != other.dimensionality:
        return 1.0
    return float((1 * unit).to(other).magnitude)


def layer_problem(layer: Image) -> str | None:
    """Return the reason why a layer cannot be upscaled, or None; no pixel is read."""
    data = layer.data[0] if layer.multiscale else layer.data
    kind, shape = np.dtype(data.dtype), tuple(data.shape)
    if kind.kind not in "uif" or kind.itemsize > 8:
        hint = _HINTS.get(kind.kind, "integers or floats")
        return f"The layer {layer.name} has the type {data.dtype}: convert it to {hint} first."
    if 0 in shape:
        return f"The layer {layer.name} is empty: its shape is {shape_in_words(shape)}."
    if len(shape) < 2 + layer.rgb:
        needed = "needs at least two axes, Y and X, but has the shape"
        return f"The layer {layer.name} {needed} {shape_in_words(shape)}."
    return None


def is_result(layer: Layer) -> bool:
    """Return whether a layer is the result of a run."""
    return METADATA_KEY in layer.metadata


def is_preview(layer: Layer) -> bool:
    """Return whether a layer is a preview, which is neither source nor result."""
    return PREVIEW_KEY in layer.metadata
