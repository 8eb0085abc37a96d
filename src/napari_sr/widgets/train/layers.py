"""The field for the layers of the training images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QSizePolicy, QWidget

from napari_sr.widgets.common.layer_source import is_result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.layers import Layer

ROWS = 4
"""Number of layers that are shown without scrolling."""

IMAGES = (
    "Tick the images to train on: sharp images of the kind that you want to upscale.\n"
    "All planes of a stack are used. The middle fifth of each image is held out, to\n"
    "validate the network."
)
IMAGES_NOISY = (
    "Tick the noisy images to train on: best those that you want to upscale, in their\n"
    "original pixels. The middle fifth of each image is held out, to validate the network."
)


class LayersChooser(QListWidget):
    """A list of image layers to tick. Call `leave` before it is deleted, to stop listening."""

    changed = Signal()
    """Emitted when the set of ticked layers has changed."""
    limits_changed = Signal()
    """Emitted when the contrast limits of the first ticked layer have changed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setToolTip(IMAGES)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # the tooltip has the whole name
        self._layers: list[Image] = []
        self._told: list[Image] = []
        self._watched: Image | None = None
        self.itemChanged.connect(self._change)

    def layers(self) -> list[Image]:
        """Return the ticked layers."""
        ticks = [self._item(row).checkState() for row in range(self.count())]
        ticked = [tick == Qt.CheckState.Checked for tick in ticks]
        return [layer for layer, tick in zip(self._layers, ticked, strict=True) if tick]

    def offer(self, layers: Iterable[Layer]) -> None:
        """List the images among these layers. Ticks stay; a single image gets a tick.

        A result of napari-sr never gets a tick automatically, because its pixels are computed.
        """
        before = self.layers()
        self._layers = [layer for layer in layers if isinstance(layer, Image)]
        self.blockSignals(True)
        self.clear()
        for layer in self._layers:
            alone = len(self._layers) == 1 and not is_result(layer)
            self._add(layer, ticked=layer in before or alone)
        self.blockSignals(False)
        self.updateGeometry()
        self._change()

    def tick(self, layer: Layer | None) -> None:
        """Tick a layer if it is listed, no other is ticked, and it is not a result of napari-sr."""
        if layer in self._layers and not self.layers() and not is_result(layer):
            self._item(self._layers.index(layer)).setCheckState(Qt.CheckState.Checked)

    def leave(self) -> None:
        """Stop listening to layers, and forget them."""
        self._watch(None)
        self._told = []

    def sizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        """Return the size of a few rows."""
        rows = min(max(self.count(), 2), ROWS)
        row = self.sizeHintForRow(0) if self.count() else self.fontMetrics().height() + 4
        return QSize(super().sizeHint().width(), rows * row + 2 * self.frameWidth() + 4)

    def _item(self, row: int) -> QListWidgetItem:
        item = self.item(row)
        if item is None:
            raise IndexError(f"there is no row {row} among {self.count()}")
        return item

    def _add(self, layer: Image, *, ticked: bool) -> None:
        item = QListWidgetItem(layer.name, self)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
        item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
        item.setToolTip(layer.name)

    def _change(self) -> None:
        ticked = self.layers()
        self._watch(next(iter(ticked), None))
        if ticked != self._told:
            self._told = ticked
            self.changed.emit()

    def _watch(self, layer: Image | None) -> None:
        if layer is self._watched:
            return
        if self._watched is not None:
            self._watched.events.contrast_limits.disconnect(self._tell_of_limits)
        self._watched = layer
        if layer is not None:
            layer.events.contrast_limits.connect(self._tell_of_limits)

    def _tell_of_limits(self, event: object = None) -> None:
        self.limits_changed.emit()
