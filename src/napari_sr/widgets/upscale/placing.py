"""Add results to the layer list above their sources, and keep other selections."""

from __future__ import annotations

import math
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet, ref

from napari.layers import Image
from qtpy.QtCore import QTimer

from napari_sr.widgets.common.layer_list import insert_unselected
from napari_sr.widgets.common.layer_source import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from napari.components import ViewerModel
    from napari.layers import Layer
    from numpy.typing import NDArray


LARGE = 2**25
"""Smallest number of pixels of a result that is selected and drawn only after other events.

For 8192 x 8192 px, napari needs 50 ms of processor time to add the layer, 15 ms to select it and
show its controls, and 65 ms to draw it with software OpenGL. In one go, as by `add_image`, the
window stands still for 130 ms."""
REST = 30
"""Milliseconds in which the window draws the controls of a large result before its pixels."""


class Placer:
    """Adds results to a viewer, and remembers the source layer of each.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer to which results are added.
    selecting : callable
        Returns a context in which this class selects a layer, so that forms can tell.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        selecting: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._viewer, self._selecting = viewer, selecting
        self._results: WeakKeyDictionary[Layer, WeakSet[Layer]] = WeakKeyDictionary()

    def add(
        self,
        pixels: NDArray[Any],
        source: Layer,
        arguments: dict[str, Any],
        afterwards: dict[str, Any],
    ) -> Image:
        """Add a result directly above its source and the earlier results of this source.

        A large result is selected and becomes visible a moment later; see `LARGE`.

        If nothing, the source or an earlier result was selected, the new result is selected, so
        that `V` and the status bar apply to it. Any other selection stays.

        Parameters
        ----------
        pixels : array
            The result.
        source : Layer
            Its source layer, which may have been removed since the run started.
        arguments, afterwards : dict
            Keyword arguments of the new layer's constructor, and attributes to set afterwards.
        """
        visible = bool(arguments.get("visible", True))
        later = visible and math.prod(getattr(pixels, "shape", ())) >= LARGE
        layer = Image(pixels, **{**arguments, "visible": visible and not later})
        for name, value in afterwards.items():
            setattr(layer, name, value)
        layers = self._viewer.layers
        chosen = layers.selection
        selects = all(one is source or self._is_of(one, source) for one in chosen)
        insert_unselected(layers, self._index(layers, source), layer)
        self._results.setdefault(source, WeakSet()).add(layer)
        if later:
            QTimer.singleShot(0, partial(self._go_on, ref(layer), selects=selects))
        elif selects:
            self._select(layer)
        return layer

    def _select(self, layer: Image) -> None:
        with self._selecting():
            self._viewer.layers.selection.active = layer

    def _go_on(self, layer: ref[Image], *, selects: bool) -> None:
        """Select a layer that was added hidden, if it still exists, and show it after a rest."""
        found = layer()
        if found is None:
            return
        if selects and found in self._viewer.layers:
            self._select(found)
        QTimer.singleShot(REST, partial(_reveal, layer))

    def _index(self, layers: Sequence[Layer], source: Layer) -> int:
        """Return where to insert a new result: above its source and that source's other results."""
        if source not in layers:
            images = [at for at, layer in enumerate(layers) if isinstance(layer, Image)]
            return images[-1] + 1 if images else 0
        above = layers.index(source) + 1
        while above < len(layers) and self._is_of(layers[above], source):
            above += 1
        return above

    def _is_of(self, layer: Layer, source: Layer) -> bool:
        """Return whether a layer is a result of another, as this form or its record knows."""
        record = layer.metadata.get(METADATA_KEY, {})
        return layer in self._results.get(source, ()) or record.get("source") == source.name


def _reveal(layer: ref[Image]) -> None:
    """Show a layer that was added hidden, if it still exists."""
    found = layer()
    if found is not None:
        found.visible = True
