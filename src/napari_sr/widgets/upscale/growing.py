"""The layer that shows a result while blocks are written into its folder."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from napari_sr.widgets.common.layer_source import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_sr.streaming.layer import GrowingImage

PAUSE = 0.5
"""Smallest number of seconds between two refreshes."""
SHARE = 0.1
"""Largest share of the time that refreshes may take, because they block the window."""


class GrowingLayer:
    """A multiscale layer that shows the folder into which a run writes.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer that shows the layer.
    add : callable
        Takes levels and record, and adds the layer.
    """

    def __init__(self, viewer: ViewerModel, add: Callable[[Any, dict[str, Any]], Image]) -> None:
        self._viewer, self._add = viewer, add
        self._image: GrowingImage | None = None
        self._layer: Image | None = None
        self._shown = 0
        self._next = 0.0
        self._finished = False

    @property
    def finished(self) -> bool:
        """Whether the result is complete."""
        return self._finished

    def begin(self, image: GrowingImage) -> None:
        """Add the layer, because the folder exists now; a resumed run reuses its earlier layer."""
        self._image = image
        record = {"folder": str(image.folder)}
        for layer in self._viewer.layers:
            if layer.metadata.get(METADATA_KEY) == record:
                self._layer = layer
                layer.data = list(image.levels)
                return
        self._layer = self._add(list(image.levels), record)

    def refresh(self) -> None:
        """Show blocks that were written since the last refresh, if that was long enough ago."""
        began = time.monotonic()
        if self._image is None or self._image.written == self._shown or began < self._next:
            return
        self._shown = self._image.written
        if self._layer is not None and self._layer in self._viewer.layers:
            self._layer.refresh(extent=False, thumbnail=False)
        ended = time.monotonic()
        self._next = ended + max(PAUSE, (ended - began) / SHARE)

    def finish(self, record: dict[str, Any]) -> str:
        """Show the whole result; return the name of its layer."""
        if self._layer is None or self._image is None:
            return ""
        self._layer.metadata = {**self._layer.metadata, METADATA_KEY: record}
        self._finished = True
        # now with the coarser levels, which are computed at the end
        self._layer.data = list(self._image.all_levels)
        return str(self._layer.name)

    def leave(self) -> str:
        """Keep the layer of an unfinished run, or remove it if empty; return words for the user."""
        if self._image is None or self._layer is None or self._finished:
            return ""
        layers, image = self._viewer.layers, self._image
        if not image.written:
            if self._layer in layers:
                layers.remove(self._layer)
            return "Nothing was written."
        if self._layer in layers:
            self._layer.refresh(extent=False)
        if not image.folder.exists():  # the error says that it was removed
            return f"{image.written} of {image.blocks} blocks were done."
        return (
            f"{image.written} of {image.blocks} blocks are done and stay in {image.folder}; Run "
            "computes the others. Delete the folder if you do not need them."
        )
