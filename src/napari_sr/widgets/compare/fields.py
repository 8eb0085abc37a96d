"""The fields of the form that compares two layers, and their layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image, Shapes
from qtpy.QtWidgets import QFormLayout, QPushButton, QVBoxLayout, QWidget

from napari_sr.widgets.common.icons import give_icon
from napari_sr.widgets.common.label import WrappedLabel
from napari_sr.widgets.common.rows import add_rows, beside
from napari_sr.widgets.common.scroll import ScrolledForm
from napari_sr.widgets.compare.layer_box import LayerBox
from napari_sr.widgets.compare.plot import ProfilePlot
from napari_sr.widgets.compare.row import CompareRow

if TYPE_CHECKING:
    from napari.components import ViewerModel


class CompareFields(ScrolledForm):
    """Fields, buttons and lines of text; no logic."""

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.before = LayerBox(Image)
        self.before.setToolTip("The layer on the left or above, such as the source.")
        self.after = LayerBox(Image)
        self.after.setToolTip("The layer on the right or below, such as the result.")
        self.row = CompareRow(viewer, always=True, lines=2)
        self.reference = LayerBox(Image, none="none")
        self.reference.setToolTip(
            "The layer that counts as the truth. PSNR and SSIM of the shown plane are computed\n"
            "for layers of the same size. Black and white are the contrast limits of this layer,\n"
            "or the range of its data type if it has 8 bits or colours."
        )
        self.figures = WrappedLabel()
        self.errors = QPushButton("Add error map")
        give_icon(self.errors, "difference")
        self.errors.setToolTip(
            "Add a layer: after minus reference, in the same units.\n"
            "Blue is negative, black is zero, red is positive."
        )
        self.lines = LayerBox(Shapes, none="none")
        self.lines.setToolTip(
            "The plot follows the selected line or path, or else the last one drawn."
        )
        self.draw = QPushButton("Draw")
        self.draw.setToolTip("Draw a line in the canvas: press the mouse button, move, release.")
        self.draw.setAccessibleName("Draw a line")
        give_icon(self.draw, "draw")
        self.plot = ProfilePlot()
        self.plot.setToolTip(
            "Intensities along the line; colours are shown as luma.\n"
            'The curve "bicubic" is "before", interpolated to the pixels of "after"; this adds no\n'
            'detail. Detail that only "after" shows comes from the model: measure it with care.'
        )
        self._lay_out()

    def _lay_out(self) -> None:
        fields = QFormLayout()
        fields.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows = (
            ("Before", self.before),
            ("After", self.after),
            ("", self.row),
            ("Reference", self.reference),
            ("", self.figures),
            ("", self.errors),
            ("Line", beside(self.lines, self.draw)),
            ("", self.plot),
        )
        add_rows(fields, rows)
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.addLayout(fields)
        layout.addStretch()
        self.hold(layout, inside)
