"""Find rectangles of a layer's planes: the part that the canvas shows or shapes cover.

A rectangle is in pixels of the layer's finest level; pixel centres are whole numbers.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.planning.tiling import Region
from napari_sr.widgets.common.layer_list import unwrapped
from napari_sr.widgets.common.layer_source import ratio, to_units_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Shapes
    from numpy.typing import ArrayLike


class RegionError(ValueError):
    """The requested rectangle cannot be found; the message says why, and what to do."""


def visible_region(layer: Image, viewer: ViewerModel) -> Region:
    """Return the rectangle of a layer that the canvas shows.

    Parameters
    ----------
    layer : Image
        The layer. If it is rotated on the canvas, the rectangle contains all visible pixels.
    viewer : ViewerModel
        The viewer that shows it.

    Raises
    ------
    RegionError
        If the layer is outside the canvas, or the canvas does not show its axes Y and X.
    """
    dims = viewer.dims
    # a layer with fewer axes than the viewer has the last axes of the viewer
    shown = [axis - dims.ndim + layer.ndim for axis in dims.displayed]
    if dims.ndisplay != 2 or sorted(shown) != [layer.ndim - 2, layer.ndim - 1]:
        raise RegionError(
            f"The canvas does not show the axes Y and X of {layer.name}: switch to 2D and to these "
            "axes, or choose the whole layer as Region."
        )
    camera = getattr(viewer, "scene", viewer).camera
    middle = np.asarray(camera.center[-2:], float)
    half = np.asarray(_canvas_size(viewer), float) / 2 / camera.zoom
    points = np.tile(np.asarray(dims.point, float), (4, 1))
    corners = [middle + half * signs for signs in itertools.product((-1, 1), repeat=2)]
    points[:, list(dims.displayed)] = corners
    places = [layer.world_to_data(to_units_of(layer, dims, point)) for point in points]
    region = _around(np.asarray(places)[:, -2:], layer)
    if region is None:
        raise RegionError(
            f"The canvas does not show {layer.name}: pan or zoom to it, or choose the whole layer "
            "as Region."
        )
    return region


def events_of_view(viewer: ViewerModel) -> list[Any]:
    """Return the events of a viewer that may change the visible region."""
    camera, dims = getattr(viewer, "scene", viewer).camera.events, viewer.dims.events
    canvas = getattr(viewer, "canvas", None)  # since napari 0.9
    grid = (viewer if canvas is None else canvas).grid.events
    sizes = [] if canvas is None else [canvas.events.size]
    return [
        *(camera.center, camera.zoom, dims.point, dims.ndisplay, dims.order, *sizes),
        *(grid.enabled, grid.shape, grid.stride, grid.spacing),
    ]


def _canvas_size(viewer: ViewerModel) -> tuple[int, int]:
    """Return height and width of the canvas, or of one cell in grid mode, in pixels."""
    if hasattr(viewer, "canvas"):  # since napari 0.9
        height, width = viewer.canvas.viewbox_size(viewer.layers)
    else:
        height, width = unwrapped(viewer)._get_viewbox_size()  # there is no public attribute
    return height, width


def shapes_region(layer: Image, shapes: Shapes) -> Region:
    """Return the smallest rectangle of a layer around the selected shapes, or around the last one.

    Raises
    ------
    RegionError
        If there is no shape, or it does not touch the layer.
    """
    if not shapes.data:
        raise RegionError(f"{shapes.name} is empty: draw a rectangle in it.")
    chosen = shapes.selected_data or {len(shapes.data) - 1}
    drawn = np.concatenate([np.asarray(shapes.data[index], float) for index in chosen])
    count = min(layer.ndim, shapes.ndim)
    ratios = _ratios(layer, shapes)
    places = []
    for point in drawn:
        world = np.zeros(layer.ndim)
        world[-count:] = np.asarray(shapes.data_to_world(point), float)[-count:] * ratios
        places.append(layer.world_to_data(world))
    # a pixel that a shape covers only partly belongs to the rectangle
    region = _around(np.asarray(places)[:, -2:], layer)
    if region is None:
        raise RegionError(
            f"The shape in {shapes.name} is outside {layer.name}: draw it on the layer."
        )
    return region


def _ratios(layer: Image, shapes: Shapes) -> ArrayLike:
    """Return the shapes' unit divided by the layer's unit, for the axes that both have."""
    count = min(layer.ndim, shapes.ndim)
    pairs = zip(shapes.units[-count:], layer.units[-count:], strict=True)
    return [ratio(drawn, own) for drawn, own in pairs]


def _around(places: np.ndarray, layer: Image) -> Region | None:
    """Return the rectangle of pixels around positions, (N, 2); None if it is outside the layer."""
    data = layer.data[0] if layer.multiscale else layer.data
    spans = []
    for axis, length in enumerate(data.shape[layer.ndim - 2 : layer.ndim]):
        first = int(np.floor(places[:, axis].min() + 0.5))
        last = int(np.ceil(places[:, axis].max() - 0.5))
        span = slice(min(max(first, 0), length), max(min(last + 1, length), 0))
        if span.start >= span.stop:
            return None
        spans.append(span)
    return Region(*spans)
