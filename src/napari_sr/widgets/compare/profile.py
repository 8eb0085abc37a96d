"""Read intensities along a line, equally spaced in world coordinates, for any pixel size.

Symbols: V vertices of a line, N samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.widgets.compare.bicubic import NAME as BICUBIC
from napari_sr.widgets.compare.bicubic import enlarged_values, enlargement
from napari_sr.widgets.compare.shown_plane import grey_of, shown_plane, to_pixels, to_world

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Image, Shapes
    from numpy.typing import NDArray

    from napari_sr.widgets.compare.shown_plane import ShownPlane

PER_PIXEL = 2
"""Samples per pixel of the finest layer."""
MOST = 4096
"""Largest number of samples."""


@dataclass(frozen=True)
class Track:
    """A line through one layer."""

    plane: ShownPlane
    """The plane to read."""
    vertices: NDArray[np.float64]
    """The line in rows and columns of this layer, (V, 2)."""


@dataclass(frozen=True)
class Profile:
    """Values along a line."""

    distances: NDArray[np.float64]
    """Distances from the start, (N,), in the viewer's unit."""
    values: dict[str, NDArray[np.float32]]
    """Values, (N,), by the layer's role in the comparison; NaN outside the layer. "bicubic" is
    "before", enlarged to the pixels of "after"."""
    unit: str
    """Symbol of the unit of distances."""


def line_in(shapes: Shapes) -> NDArray[Any] | None:
    """Return the vertices, (V, D), of the line to follow, or None if there is no line.

    The line to follow is the selected line or path, or else the one that was drawn last.
    """
    kinds = [str(kind) for kind in shapes.shape_type]
    lines = [at for at, kind in enumerate(kinds) if kind in ("line", "path")]
    selected = [at for at in lines if at in shapes.selected_data]
    chosen = selected or lines
    return np.asarray(shapes.data[chosen[-1]], float) if chosen else None


def tracks_of(
    shapes: Shapes, layers: dict[str, Image], dims: Dims
) -> tuple[dict[str, Track], NDArray[np.float64], str] | None:
    """Return the line in the pixels of each layer; call it on the GUI thread.

    Parameters
    ----------
    shapes : Shapes
        The layer that contains the line.
    layers : dict
        Layers by their role in the comparison.
    dims : Dims
        The viewer's axes.

    Returns
    -------
    tracks : dict
        The line in the pixels of each layer, by the layer's role in the comparison.
    distances : array, (V,)
        Distances of the vertices from the start, along the line.
    unit : str
        Symbol of the unit of distances.
    None
        If there is no line.
    """
    drawn = line_in(shapes)
    if drawn is None:
        return None
    world = to_world(shapes, dims, drawn)
    shown = [axis - dims.ndim for axis in dims.displayed]
    sides = np.linalg.norm(np.diff(world[:, shown], axis=0), axis=1)
    tracks = {
        name: Track(shown_plane(layer, dims), to_pixels(layer, dims, world))
        for name, layer in layers.items()
    }
    return tracks, np.concatenate([[0.0], np.cumsum(sides)]), unit_symbol(dims, layers)


def unit_symbol(dims: Dims, layers: dict[str, Image]) -> str:
    """Return the symbol of the viewer's unit of length, such as "px" or "µm".

    It is "" if the layers have different units and the viewer therefore has none.
    """
    units = getattr(dims, "units", None)
    known = {layer.units[-1] for layer in layers.values()} if units is None else {units[-1]}
    symbol = f"{known.pop():~P}" if len(known) == 1 else ""
    return "px" if symbol == "pixel" else symbol


def profile_of(tracks: dict[str, Track], distances: NDArray[np.float64], unit: str) -> Profile:
    """Read the values along a line; if "after" is finer, also those of "before", enlarged.

    Parameters
    ----------
    tracks, distances, unit
        As returned by `tracks_of`.
    """
    count = _count(tracks)
    at = np.linspace(0.0, distances[-1], count)
    # each layer maps to the world by an affine transform, which keeps ratios along a line
    places = {
        name: np.stack([np.interp(at, distances, axis) for axis in track.vertices.T], axis=1)
        for name, track in tracks.items()
    }
    values = {name: _values(track.plane, places[name]) for name, track in tracks.items()}
    scale = enlargement(tracks)
    if scale is not None:
        values[BICUBIC] = enlarged_values(tracks["before"], places["before"], scale)
    return Profile(at, values, unit)


def _count(tracks: dict[str, Track]) -> int:
    """Return the number of samples: enough for the finest layer."""
    longest = max(
        float(np.linalg.norm(np.diff(track.vertices, axis=0), axis=1).sum())
        for track in tracks.values()
    )
    return int(min(max(2, math.ceil(PER_PIXEL * longest) + 1), MOST))


def _values(plane: ShownPlane, places: NDArray[np.float64]) -> NDArray[np.float32]:
    """Interpolate linearly between pixels at rows and columns (N, 2); NaN outside."""
    from scipy.ndimage import map_coordinates

    size = np.array(plane.size)
    inside = ((places >= -0.5) & (places <= size - 0.5)).all(axis=1)
    values = np.full(len(places), np.nan, np.float32)
    if not inside.any():
        return values
    near = np.clip(places[inside], 0, size - 1)
    first = np.floor(near.min(axis=0)).astype(int)
    last = np.ceil(near.max(axis=0)).astype(int) + 1
    pixels = grey_of(plane.read(slice(first[0], last[0]), slice(first[1], last[1])))
    values[inside] = map_coordinates(pixels, (near - first).T, order=1, mode="nearest")
    return values
