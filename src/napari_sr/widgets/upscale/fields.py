"""The fields of the upscaling form and their layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QCheckBox, QComboBox, QSpinBox

from napari_sr.runs.words import time_in_words
from napari_sr.widgets.common.fields import RunFields
from napari_sr.widgets.common.label import WrappedLabel
from napari_sr.widgets.common.model_chooser import ModelChooser
from napari_sr.widgets.upscale.layer_chooser import LayerChooser

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

ALL, CURRENT = "all", "current slice"
FORECAST_LINES = 3
"""Lines reserved for the forecast, so that no button moves when it arrives."""


class UpscaleFields(RunFields):
    """Fields, buttons and lines of text; it decides nothing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Run", "Cancel", parent=parent)
        self.layers = LayerChooser()
        self.model = ModelChooser()
        self.tile = _tile_box()
        self.precision = _word_box(
            "float32",
            "float16",
            "bfloat16",
            tip="Half precision is faster on GPUs; a tile that\n"
            "overflows is computed again in float32. Automatic uses it on CUDA only.",
        )
        self.kernels = _word_box(
            "reference",
            "triton",
            tip="Automatic uses fused Triton kernels where they are fast;\n"
            "reference is plain PyTorch; triton fails where kernels cannot run.",
        )
        self.outliers = QComboBox()
        for words, word in (("clip", "clip"), ("mark as NaN", "mark"), ("keep", "keep")):
            self.outliers.addItem(words, word)
        self.outliers.setToolTip(
            "What to do with results far outside the range that the image's values allow. A\n"
            "network that does not suit the image may produce them; a message says how many.\n"
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
            "Upscale every plane of the layer, or only the one that the sliders show.\n"
            "Y and X (the last two axes) are enlarged; the others stay as they are."
        )
        self.forecast = WrappedLabel(lines=FORECAST_LINES)
        self._lay_out()

    def _lay_out(self) -> None:
        rows = (
            ("Layer", self.layers),
            ("Model", self.model),
            ("", self.model.about),
            ("Blend with", self.model.blend),
            ("Scale", self.model.scale),
            ("Ensemble", self.ensemble),
            ("Slices", self.slices),
            ("Values", self.values),
            ("Outliers", self.outliers),
            ("Tile", self.tile),
            ("Device", self.device),
            ("Precision", self.precision),
            ("Kernels", self.kernels),
        )
        self.arrange(rows, above=[self.forecast])

    def checked(self) -> dict[str, QWidget]:
        """Return the fields whose values may be wrong, by name."""
        return {
            "layer": self.layers,
            "model": self.model.models,
            "blend": self.model.blend.models,
            "values": self.values.kind,
            "outliers": self.outliers,
            "tile": self.tile,
            "device": self.device,
        }

    def show_time_left(self, seconds: float | None) -> None:
        """Show the remaining time of a run in place of the forecast."""
        if seconds is not None:
            self.forecast.say(f"{time_in_words(seconds)} left, as measured on the tiles so far.")


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
        "Side of the tiles, in pixels of the source, halo included. 0 chooses it by free memory.\n"
        "Smaller tiles take less memory and more time; the result is the same."
    )
    return box
