"""The layer of a preview: a region, first enlarged by nearest neighbour, then block by block.

Symbols: H x W pixels, F factor.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.experimental import link_layers, unlink_layers
from napari.layers import Image

from napari_sr.engine.planning.tiling import Region
from napari_sr.graph.factor import boundary
from napari_sr.widgets.common.layer_list import insert_unselected
from napari_sr.widgets.common.layer_source import PREVIEW_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from napari_sr.graph.factor import Factor

REFRESH = 0.1
"""Smallest number of seconds between two refreshes of the layer, which block the window."""
LINKED = ("colormap", "contrast_limits", "gamma")
"""Attributes that the preview shares with its source."""
MIXING = ("additive", "minimum", "multiplicative")
"""Blending modes that would mix the preview with its source below."""
PLACE = ("scale", "translate", "rotate", "shear", "affine", "units")
"""Attributes that place a layer in the world."""


class PreviewLayer:
    """The layer of a preview; it exists from the first shown region until it is removed.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer that shows the layer.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._layer: Image | None = None
        self._source: Image | None = None
        self._region: Region | None = None
        self._factor: Factor = 1
        self._refreshed = 0.0

    def keep_for(self, source: Image) -> None:
        """Remove the layer, if it exists, unless it can also show this source.

        `show` adds the new layer later: napari may crash if it draws neither the old layer nor the
        new one in between.
        """
        other = self._source is not source
        if self._layer is not None and (other or self._layer.ndim != source.ndim):
            self.remove()

    def show(
        self,
        source: Image,
        region: Region,
        factor: Factor,
        pixels: NDArray[Any],
        arguments: dict[str, Any],
    ) -> None:
        """Show a new region instead of the last one.

        Parameters
        ----------
        source : Image
            The source layer.
        region : Region
            Rows and columns of the source.
        factor : int or Fraction
            Enlargement, F.
        pixels : array, (F * H, F * W) or (F * H, F * W, C)
            Pixels of the region; blocks are pasted into them.
        arguments : dict
            Keyword arguments of the layer.
        """
        self._source, self._region, self._factor = source, region, factor
        pixels = pixels.reshape(*(1,) * (source.ndim - 2), *pixels.shape)
        if self._layer is None:
            self._add(source, pixels, arguments)
        else:
            self._layer.data = pixels
            _move(self._layer, arguments)

    def place(self, arguments: Callable[[Region], dict[str, Any]]) -> None:
        """Move the layer, if it exists, after its source has been moved.

        Parameters
        ----------
        arguments : callable
            Returns the keyword arguments of a layer that shows the result of a region.
        """
        if self._layer is not None and self._region is not None:
            _move(self._layer, arguments(self._region))

    def _add(self, source: Image, pixels: NDArray[Any], arguments: dict[str, Any]) -> None:
        """Add the layer directly above its source; the selection stays."""
        layers = self._viewer.layers
        look: dict[str, Any] = {"metadata": {PREVIEW_KEY: True}}
        if source.blending in MIXING:
            look["blending"] = "opaque"
        layer = Image(pixels, **{**arguments, **look})
        self._layer = layer  # set before napari emits events about the layer
        place = layers.index(source) + 1 if source in layers else len(layers)
        insert_unselected(layers, place, layer)
        link_layers([source, layer], LINKED)

    def paste(self, core: Region, values: NDArray[Any]) -> None:
        """Copy the part of a block that is inside the region.

        Parameters
        ----------
        core : Region
            Rows and columns of the source.
        values : array, (F * H, F * W) or (F * H, F * W, C)
            The result of these pixels.
        """
        region, layer = self._region, self._layer
        if region is None or layer is None:
            return
        pairs = ((core.rows, region.rows), (core.columns, region.columns))
        common = [slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in pairs]
        if all(span.start < span.stop for span in common):
            shared = Region(*common)
            leading = (0,) * (layer.ndim - 2)
            target = (*leading, *_place(shared, region, self._factor))
            layer.data[target] = values[_place(shared, core, self._factor)]

    def refresh(self, *, at_once: bool = False) -> None:
        """Draw the pasted blocks, unless the layer was drawn a moment ago."""
        now = time.monotonic()
        if self._layer is not None and (at_once or now - self._refreshed > REFRESH):
            self._layer.refresh(extent=False, thumbnail=False, highlight=False)
            self._refreshed = now

    def remove(self) -> None:
        """Remove the layer from the viewer, if it exists."""
        layer = self._layer
        self._layer = self._source = self._region = None
        if layer is None:
            return
        unlink_layers([layer])
        if layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def is_it(self, layer: object) -> bool:
        """Return whether a layer is the preview's layer."""
        return self._layer is not None and layer is self._layer


def _place(inner: Region, outer: Region, factor: Factor) -> tuple[slice, slice]:
    """Return rows and columns of a region's result in the result of a larger one."""
    pairs = (inner.rows, outer.rows), (inner.columns, outer.columns)
    (top, bottom), (left, right) = (
        tuple(boundary(end, factor) - boundary(large.start, factor) for end in (a.start, a.stop))
        for a, large in pairs
    )
    return slice(top, bottom), slice(left, right)


def _move(layer: Image, arguments: dict[str, Any]) -> None:
    """Set those attributes that place a layer in the world and that differ."""
    for name in PLACE:
        now = layer.affine.affine_matrix if name == "affine" else getattr(layer, name)
        wanted = arguments.get(name, now)
        if not np.array_equal(now, wanted):
            setattr(layer, name, wanted)
