"""Reads a layer into plain records, so that a worker never touches the layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_sr.engine.image.axes import LOOP_LETTERS
from napari_sr.runs.source import Source
from napari_sr.runs.words import shape_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import Dims
    from napari.layers import Image, Layer
    from numpy.typing import NDArray

METADATA_KEY = "napari-sr"
"""Under this key a result's metadata say how it was made."""

_HINTS = {
    "b": "integers (layer.data.astype('uint8') * 255) or floats",
    "c": "real numbers (abs, real, imag or angle)",
    "f": "float64",
}
"""What is offered instead of a data type that cannot be upscaled, by its kind."""


def source_of(layer: Image, plane: tuple[int, ...] | None = None) -> Source:
    """Read off a layer what a run needs of it; on the GUI thread.

    Parameters
    ----------
    layer : Image
        Its finest level is taken where it has several.
    plane : tuple of int, optional
        Index on the leading axes of the one plane to read.
    """
    data = layer.data[0] if layer.multiscale else layer.data
    shape = tuple(int(size) for size in data.shape)
    spatial = len(shape) - 2 - layer.rgb
    if plane is not None:
        shape = (*(1 for _ in plane), *shape[spatial:])
    axes = leading_letters(layer.axis_labels[:spatial]) + ("YXS" if layer.rgb else "YX")
    return Source(layer.name, data, shape, axes, layer.rgb, plane)


def leading_letters(labels: Sequence[str]) -> str:
    """Return a different letter per label: its own where that is a letter and free.

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
    """Return the index on the layer's leading axes of the plane at the sliders' position."""
    point = np.asarray(dims.point[-layer.ndim :], float)
    point = point * _unit_ratios(layer, dims)[-len(point) :]
    position = np.asarray(layer.world_to_data(point), float)
    data = layer.data[0] if layer.multiscale else layer.data
    leading = zip(position[: layer.ndim - 2], data.shape, strict=False)
    return tuple(int(np.clip(np.rint(at), 0, size - 1)) for at, size in leading)


def _unit_ratios(layer: Image, dims: Dims) -> NDArray[np.float64]:
    """Return how many of the layer's units one of the viewer's units is, per layer axis."""
    units = getattr(dims, "units", None)
    if units is None:
        return np.ones(layer.ndim)
    pairs = zip(units[-layer.ndim :], layer.units[-len(units) :], strict=True)
    return np.array([(1 * shown).to(own).magnitude for shown, own in pairs])


def layer_problem(layer: Image) -> str | None:
    """Return why a layer's pixels cannot be upscaled, or None; no pixel is read."""
    data = layer.data[0] if layer.multiscale else layer.data
    kind, shape = np.dtype(data.dtype), tuple(data.shape)
    if kind.kind not in "uif" or kind.itemsize > 8:
        hint = _HINTS.get(kind.kind, "integers or floats")
        return f"The layer {layer.name} holds {data.dtype}: convert it to {hint} first."
    if 0 in shape:
        return f"The layer {layer.name} is empty: its shape is {shape_in_words(shape)}."
    if len(shape) < 2 + layer.rgb:
        return (
            f"The layer {layer.name} needs two axes, Y and X, and has the shape "
            f"{shape_in_words(shape)}."
        )
    return None


def is_result(layer: Layer) -> bool:
    """Whether a layer is the result of a run."""
    return METADATA_KEY in layer.metadata
