"""The fields of the upscaling form and their layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QCheckBox, QComboBox, QSpinBox

from napari_sr.runs.words import time_in_words
from napari_sr.widgets.common.fields import RunFields
from napari_sr.widgets.common.label import WrappedLabel
from napari_sr.widgets.common.model_chooser import ModelChooser
from napari_sr.widgets.upscale.layer_chooser import LayerChooser
from napari_sr.widgets.upscale.output_chooser import OutputChooser

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

ALL, CURRENT = "all", "current slice"
ENGINES = {
    "automatic": ("auto", "auto"),
    "PyTorch": ("torch", "reference"),
    "OpenVINO": ("openvino", "auto"),
    "ONNX Runtime": ("onnxruntime", "auto"),
    "Triton kernels": ("auto", "triton"),
}
"""The settings `engine` and `kernels` for each choice of Engine."""
FORECAST_LINES = 3
"""Lines reserved for the forecast, so that no button moves when it arrives."""


class UpscaleFields(RunFields):
    """Fields, buttons and lines of text; it holds no logic."""

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
        self.engine = _engine_box()
        self.outliers = QComboBox()
        for words, word in (("clip", "clip"), ("mark as NaN", "mark"), ("keep", "keep")):
            self.outliers.addItem(words, word)
        self.outliers.setToolTip(
            "What to do with results far outside the range of the image's values. A network that\n"
            "does not suit the image may produce them; a message then tells how many.\n"
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
        self.output = OutputChooser()
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
            ("Output", self.output),
            ("Values", self.values),
            ("Outliers", self.outliers),
            ("Tile", self.tile),
            ("Device", self.device),
            ("Precision", self.precision),
            ("Engine", self.engine),
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
            "output": self.output.kind,
            "folder": self.output.path,
            "tile": self.tile,
            "device": self.device,
            "engine": self.engine,
        }

    def engine_and_kernels(self) -> tuple[str, str]:
        """Return the settings `engine` and `kernels` that are chosen."""
        return ENGINES[self.engine.currentText()]

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


def _engine_box() -> QComboBox:
    box = QComboBox()
    box.addItems(list(ENGINES))
    box.setToolTip(
        "The library that computes. Automatic takes the fastest one that is installed and agrees\n"
        "with PyTorch: OpenVINO or ONNX Runtime on a CPU, Triton kernels on a GPU by NVIDIA.\n"
        "A run never waits for it: PyTorch computes until it is ready."
    )
    return box


def _tile_box() -> QSpinBox:
    box = QSpinBox()
    box.setRange(0, 16384)
    box.setSingleStep(32)
    box.setSpecialValueText("automatic")
    box.setSuffix(" px")
    box.setToolTip(
        "Side of the tiles, in pixels of the source, halo included. 0 chooses it by memory and\n"
        "time. Smaller tiles take less memory and can be cancelled sooner; the result is the\n"
        "same."
    )
    return box
