"""The fields of the upscaling form, their layout, and how a wrong one looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_sr.runs.words import time_in_words
from napari_sr.widgets.common.device_box import DeviceBox
from napari_sr.widgets.common.focus import wrong_style
from napari_sr.widgets.common.label import WrappedLabel
from napari_sr.widgets.common.layer_chooser import LayerChooser
from napari_sr.widgets.common.scroll import ScrolledForm
from napari_sr.widgets.common.value_range import RangeChooser
from napari_sr.widgets.upscale.model_chooser import ModelChooser

if TYPE_CHECKING:
    from collections.abc import Mapping

ALL, CURRENT = "all", "current slice"
FORECAST_LINES = 3
"""Reserved for what a run takes, so that no button moves when it arrives."""


class Variant(ScrolledForm):
    """Fields, buttons and lines of text; it decides nothing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.layers = LayerChooser()
        self.model = ModelChooser()
        self.tile = _tile_box()
        self.device = DeviceBox()
        self.precision = _word_box(
            "float32",
            "float16",
            "bfloat16",
            tip="Half precision is faster on GPUs; a tile that\n"
            "overflows is computed again in float32. Automatic takes it on CUDA only.",
        )
        self.kernels = _word_box(
            "reference",
            "triton",
            tip="Automatic takes fused Triton kernels where they are fast;\n"
            "reference is plain PyTorch; triton fails where kernels cannot run.",
        )
        self.values = RangeChooser()
        self.outliers = QComboBox()
        for words, word in (("clip", "clip"), ("mark as NaN", "mark"), ("keep", "keep")):
            self.outliers.addItem(words, word)
        self.outliers.setToolTip(
            "What becomes of results far outside what the image's values allow: a network that\n"
            "does not suit the image may invent them. You are told how many there were.\n"
            "Only images of floats can hold NaN."
        )
        self.ensemble = QCheckBox("mean of eight views")
        self.ensemble.setToolTip(
            "Upscale every flip and quarter turn of each plane, and take the mean:\n"
            "eight times the time, a little better (EDSR+: Lim et al., 2017, arXiv:1707.02921)."
        )
        self.slices = QComboBox()
        self.slices.addItems([ALL, CURRENT])
        self.slices.setToolTip(
            "Upscale every plane of the layer, or only the one at the sliders' position.\n"
            "Y and X (the last two axes) are enlarged, the others stay as they are."
        )
        self.forecast, self.status = WrappedLabel(lines=FORECAST_LINES), WrappedLabel()
        self.run, self.cancel = QPushButton("Run"), QPushButton("Cancel")
        self.bar = QProgressBar()
        self._tips: dict[str, str] = {}
        self._lay_out()
        self._tips = {name: field.toolTip() for name, field in self._fields().items()}
        self.show_running(False)

    def _lay_out(self) -> None:
        fields = QFormLayout()
        fields.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        fields.addRow("Layer", self.layers)
        fields.addRow("Model", self.model)
        fields.addRow(self.model.about)
        fields.addRow("Blend with", self.model.blend)
        fields.addRow("Scale", self.model.scale)
        fields.addRow("Ensemble", self.ensemble)
        fields.addRow("Slices", self.slices)
        fields.addRow("Values", self.values)
        fields.addRow("Outliers", self.outliers)
        fields.addRow("Tile", self.tile)
        fields.addRow("Device", self.device)
        fields.addRow("Precision", self.precision)
        fields.addRow("Kernels", self.kernels)
        buttons = QHBoxLayout()
        buttons.addWidget(self.run)
        buttons.addWidget(self.cancel)
        policy = self.bar.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.bar.setSizePolicy(policy)
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.addLayout(fields)
        layout.addWidget(self.forecast)
        layout.addLayout(buttons)
        layout.addWidget(self.bar)
        layout.addWidget(self.status)
        layout.addStretch()
        self.hold(layout, inside)

    def _fields(self) -> dict[str, QWidget]:
        return {
            "layer": self.layers,
            "model": self.model.models,
            "blend": self.model.blend.models,
            "values": self.values.kind,
            "outliers": self.outliers,
            "tile": self.tile,
            "device": self.device,
        }

    def show_problems(self, problems: Mapping[str, str]) -> None:
        """Frame the fields that are named, each with its reason as tooltip."""
        for name, field in self._fields().items():
            wrong = name in problems
            field.setToolTip(problems.get(name, self._tips[name]))
            style = wrong_style(type(field).__name__) if wrong else ""
            if field.styleSheet() != style:  # which takes 4 ms to set
                field.setStyleSheet(style)

    def show_running(self, running: bool) -> None:
        """Let Cancel and the bar stand for a run, and Run for none."""
        self.cancel.setEnabled(running)
        self.bar.setVisible(running)
        self.bar.setRange(0, 0)
        if running:
            self.run.setEnabled(False)

    def show_time_left(self, seconds: float | None) -> None:
        """Show how long a run still takes, in the place of what was foretold."""
        if seconds is not None:
            self.forecast.say(f"{time_in_words(seconds)} left, as measured on the tiles so far.")

    def show_progress(self, done: int, total: int) -> None:
        """Move the bar; a total of 0 lets it swing."""
        self.bar.setRange(0, total)
        self.bar.setValue(done)


def _word_box(*words: str, tip: str) -> QComboBox:
    box = QComboBox()
    box.addItem("automatic", "auto")
    for word in words:
        box.addItem(word, word)
    box.setToolTip(tip)
    return box


def _tile_box() -> QSpinBox:
    box = QSpinBox()
    box.setRange(0, 16384)
    box.setSingleStep(32)
    box.setSpecialValueText("automatic")
    box.setSuffix(" px")
    box.setToolTip(
        "Pixels of the source along each side that are computed at once, halo included.\n"
        "0 chooses by free memory. Smaller tiles take less memory and more time;\n"
        "the result is the same whatever the tile."
    )
    return box
