"""The field for the image layer, with signals for its changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image
from qtpy.QtCore import Signal

from napari_sr.widgets.common.layer_source import is_preview, is_result
from napari_sr.widgets.common.names_box import NamesBox
from napari_sr.widgets.upscale.preview_layer import PLACE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.layers import Layer
    from qtpy.QtWidgets import QWidget


class LayerChooser(NamesBox):
    """A list of image layers. Call `leave` before it is deleted, because layers live longer."""

    chosen = Signal()
    """Emitted when another layer is chosen, or none."""
    limits_changed = Signal()
    """Emitted when the contrast limits of the chosen layer have changed."""
    data_changed = Signal()
    """Emitted when the chosen layer gets another array of pixels."""
    redrawn = Signal()
    """Emitted when napari has drawn the chosen layer again, for any reason."""
    moved = Signal()
    """Emitted when the chosen layer is moved, scaled, rotated or sheared, or gets other units."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setToolTip(
            "The image layer to upscale. This list follows the selection in napari's layer list;\n"
            "select several layers (Ctrl or Shift and click) to upscale one after the other."
        )
        self._layers: list[Image] = []
        self._several: list[Image] = []
        self._told: list[Image] = []
        self._watched: Image | None = None
        self.currentIndexChanged.connect(self._change)

    def layer(self) -> Image | None:
        """Return the chosen layer, or the first of several."""
        return next(iter(self.layers()), None)

    def layers(self) -> list[Image]:
        """Return the chosen layer, or all of several that are selected; empty if there is none."""
        index = self.currentIndex()
        if 0 <= index < len(self._layers):
            return [self._layers[index]]
        return list(self._several) if index >= 0 else []

    def offer(self, layers: Iterable[Layer]) -> None:
        """List the images among these layers; the chosen one stays chosen if it is still there.

        Otherwise, the first layer that is not a result of napari-sr is chosen, or else the first
        layer.
        """
        before = self.layer()
        were_several = len(self.layers()) > 1
        images = [layer for layer in layers if isinstance(layer, Image)]
        self._layers = [layer for layer in images if not is_preview(layer)]
        self._several = [layer for layer in self._several if layer in self._layers]
        self.blockSignals(True)
        self.clear()
        self.addItems([layer.name for layer in self._layers])
        usual = next((layer for layer in self._layers if not is_result(layer)), None)
        wanted = before if before in self._layers else usual
        self.setCurrentIndex(0 if wanted is None else self._layers.index(wanted))
        self._list_several(chosen=were_several)
        self.blockSignals(False)
        self._change()

    def follow(self, selected: Iterable[Layer]) -> None:
        """Choose the selected layer if it is listed, or all of several."""
        chosen = [layer for layer in self._layers if layer in set(selected)]
        self.blockSignals(True)
        if len(chosen) == 1:
            self.setCurrentIndex(self._layers.index(chosen[0]))
        if chosen:
            self._several = chosen if len(chosen) > 1 else []
            self._list_several(chosen=len(chosen) > 1)
        self.blockSignals(False)
        self._change()

    def _list_several(self, *, chosen: bool) -> None:
        """Add a last line for several selected layers, or remove it."""
        if self.count() > len(self._layers):
            self.removeItem(self.count() - 1)
        if len(self._several) > 1:
            self.addItem(f"{len(self._several)} layers selected")
            if chosen:
                self.setCurrentIndex(self.count() - 1)

    def leave(self) -> None:
        """Stop listening to layers."""
        self._several, self._told = [], []
        self._watch(None)

    def _change(self) -> None:
        if self.layers() != self._told:
            self._told = self.layers()
            self._watch(self.layer())
            self.chosen.emit()

    def _watch(self, layer: Image | None) -> None:
        if self._watched is not None:
            self._watched.events.contrast_limits.disconnect(self._tell_of_limits)
            self._watched.events.data.disconnect(self._tell_of_data)
            self._watched.events.set_data.disconnect(self._tell_of_drawing)
            for name in PLACE:
                self._watched.events[name].disconnect(self._tell_of_move)
        self._watched = layer
        if layer is not None:
            layer.events.contrast_limits.connect(self._tell_of_limits)
            layer.events.data.connect(self._tell_of_data)
            layer.events.set_data.connect(self._tell_of_drawing)
            for name in PLACE:
                layer.events[name].connect(self._tell_of_move)

    def _tell_of_limits(self, event: object = None) -> None:
        self.limits_changed.emit()

    def _tell_of_data(self, event: object = None) -> None:
        self.data_changed.emit()

    def _tell_of_drawing(self, event: object = None) -> None:
        self.redrawn.emit()

    def _tell_of_move(self, event: object = None) -> None:
        self.moved.emit()
