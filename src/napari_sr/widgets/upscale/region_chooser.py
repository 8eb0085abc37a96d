"""The fields for the part of a layer to upscale: whole, visible, or under a shape; and slices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Shapes
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QWidget

from napari_sr.widgets.common.layer_region import RegionError, shapes_region, visible_region
from napari_sr.widgets.common.names_box import NamesBox

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.components import ViewerModel
    from napari.layers import Image, Layer

    from napari_sr.engine.planning.tiling import Region

WHOLE, VISIBLE = "whole layer", "visible region"
ALL, CURRENT = "all slices", "current slice"


class RegionChooser(QWidget):
    """A list of rectangles and, if a layer has several slices, a list of slices beside it.

    Call `leave` before it is deleted, because layers live longer.
    """

    changed = Signal()
    """Emitted when the chosen part may have changed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.area = NamesBox()
        self.area.addItems([WHOLE, VISIBLE])
        self.area.setToolTip(
            "The part to upscale. The visible region is the part that the canvas shows: the\n"
            "fastest way to try a model. To choose a rectangle here, draw it in a Shapes layer.\n"
            "The result of a part has the same pixels, in the same place, as the whole result."
        )
        self.slices = QComboBox()
        self.slices.addItems([ALL, CURRENT])
        self.slices.setAccessibleName("Slices")
        self.slices.setToolTip(
            "Upscale every plane of the layer, or only the one that the sliders show.\n"
            "Y and X (the last two axes) are enlarged; the others stay as they are."
        )
        self._shapes: list[Shapes] = []
        self._watched: Shapes | None = None
        self._lost = ""
        self._slices_by_hand = False
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.area, 1)
        row.addWidget(self.slices)
        self.slices.setVisible(False)
        self.area.activated.connect(self._choose)
        self.slices.activated.connect(self._choose_slices)

    @property
    def follows_view(self) -> bool:
        """Whether the part changes when the canvas shows another part of the layer."""
        return self.area.currentText() == VISIBLE

    def offer(self, layers: Iterable[Layer]) -> None:
        """List the Shapes layers among these layers; the chosen part is kept.

        If the chosen Shapes layer was removed, its name stays in the list, and `region` raises an
        error until the user chooses another part.
        """
        before, index = self._chosen_shapes(), self.area.currentIndex()
        self._shapes = [layer for layer in layers if isinstance(layer, Shapes)]
        if before is not None and before not in self._shapes:
            self._lost = before.name
        names = [f"shape in {layer.name}" for layer in self._shapes]
        if before in self._shapes:
            index = 2 + self._shapes.index(before)
        elif self._lost:
            index = 2 + len(names)
            names.append(f"shape in {self._lost}, removed")
        self.area.blockSignals(True)
        while self.area.count() > 2:
            self.area.removeItem(2)
        self.area.addItems(names)
        self.area.setCurrentIndex(index)
        self.area.blockSignals(False)
        self._watch()

    def follow(self, *layers: Image) -> None:
        """Show the list of slices if one of the layers has several."""
        self.slices.setVisible(any(layer.ndim > 2 for layer in layers))

    def one_plane(self, layer: Image) -> bool:
        """Return whether only the plane that the sliders show is upscaled."""
        return layer.ndim > 2 and self.slices.currentText() == CURRENT

    def region(self, layer: Image, viewer: ViewerModel) -> Region | None:
        """Return the chosen rectangle of a layer, or None for the whole planes.

        Raises
        ------
        RegionError
            If the layer has no such rectangle, or the chosen Shapes layer was removed.
        """
        if self._lost:
            raise RegionError(f"The Shapes layer {self._lost} was removed: choose another Region.")
        shapes = self._chosen_shapes()
        if shapes is not None:
            return shapes_region(layer, shapes)
        return visible_region(layer, viewer) if self.follows_view else None

    def leave(self) -> None:
        """Stop listening to layers."""
        self._shapes, self._lost = [], ""
        self._watch()

    def _chosen_shapes(self) -> Shapes | None:
        index = self.area.currentIndex() - 2
        return self._shapes[index] if 0 <= index < len(self._shapes) else None

    def _choose(self) -> None:
        if self._lost and self.area.currentIndex() != self.area.count() - 1:
            self.area.removeItem(self.area.count() - 1)
            self._lost = ""
        if not self._slices_by_hand:
            part = self.area.currentText() != WHOLE
            self.slices.setCurrentText(CURRENT if part else ALL)
        self._watch()
        self.changed.emit()

    def _choose_slices(self) -> None:
        self._slices_by_hand = True
        self.changed.emit()

    def _watch(self) -> None:
        """Listen to the chosen shapes, and to no others."""
        wanted = self._chosen_shapes()
        if wanted is self._watched:
            return
        if self._watched is not None:
            self._watched.events.data.disconnect(self._tell)
            self._watched.events.highlight.disconnect(self._tell)
        self._watched = wanted
        if wanted is not None:
            wanted.events.data.connect(self._tell)
            wanted.events.highlight.connect(self._tell)

    def _tell(self, event: object = None) -> None:
        self.changed.emit()
