"""Add results to the layer list above their sources, and keep other selections."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet, ref

from napari.layers import Image
from qtpy.QtCore import QTimer

from napari_sr.widgets.common.layer_source import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Layer
    from numpy.typing import NDArray


LARGE = 2**25
"""Number of pixels from which a result is drawn only after the window has handled events. To add
and draw 8192 x 8192 px at once blocks the window for 0.28 s, mostly for the layer's controls in
napari; in two steps, for 0.19 s, then for 0.13 s (processor time, software OpenGL)."""


class Placer:
    """Adds results to a viewer, and remembers the source layer of each.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer to which results are added.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._results: WeakKeyDictionary[Layer, WeakSet[Layer]] = WeakKeyDictionary()

    def add(
        self,
        pixels: NDArray[Any],
        source: Layer,
        arguments: dict[str, Any],
        afterwards: dict[str, Any],
    ) -> Image:
        """Add a result directly above its source and the earlier results of this source.

        A large result becomes visible a moment later; see `LARGE`.

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
        selected, active = set(layers.selection), layers.selection.active
        layers.insert(self._index(layers, source), layer)
        others = [one for one in selected if one is not source and not self._is_of(one, source)]
        if active in others:
            layers.selection.active = active
        elif others:
            layers.selection = selected
        self._results.setdefault(source, WeakSet()).add(layer)
        if later:
            QTimer.singleShot(0, partial(_reveal, ref(layer)))
        return layer

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
