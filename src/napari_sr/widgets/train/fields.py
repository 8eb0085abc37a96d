"""The fields of the training form and their layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QCoreApplication, QEvent
from qtpy.QtWidgets import QDoubleSpinBox, QLineEdit, QPushButton

from napari_sr.training.finetuning.model_list import base_models
from napari_sr.widgets.common.fields import RunFields
from napari_sr.widgets.common.label import WrappedLabel
from napari_sr.widgets.common.model_chooser import ModelChooser
from napari_sr.widgets.train.curves import Curve
from napari_sr.widgets.train.degradation import DegradationChooser
from napari_sr.widgets.train.layers import LayersChooser
from napari_sr.widgets.train.preview import PreviewBoard

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget


class TrainFields(RunFields):
    """Fields, buttons, lines of text, curves and pictures; it decides nothing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        # two lines: curves and pictures stay where they are as steps are told
        super().__init__("Train", "Stop", status_lines=2, parent=parent)
        self.layers = LayersChooser()
        self.base_model = ModelChooser(base_models)
        # nothing is blended here, but what no form holds would outlive this one
        self.base_model.blend.setParent(self)
        self.base_model.blend.hide()
        self.base_model.models.setToolTip(
            "The network to begin with. One that was trained on other images learns yours in\n"
            "minutes; a fresh one takes much longer."
        )
        self.degradation = DegradationChooser()
        self.minutes = QDoubleSpinBox()
        self.minutes.setRange(0.1, 10_000)
        self.minutes.setDecimals(1)
        self.minutes.setValue(5)
        self.minutes.setSuffix(" min")
        self.minutes.setToolTip("It can be stopped at any time; the best so far is kept.")
        self.name = QLineEdit()
        self.name.setToolTip(
            "What the network is called in the list of models; none is ever replaced."
        )
        self.intro, self.verdict = WrappedLabel(), WrappedLabel()
        self.stop.setToolTip("End after this step, and keep the best network so far.")
        self.use = QPushButton("Upscale with it")
        self.use.setToolTip("Open the form that upscales, with this network chosen.")
        self.loss = Curve("Loss", "{:.4f}", logarithmic=True)
        self.loss.setToolTip("What the network is trained to make small: the mean error of crops.")
        self.psnr = Curve("PSNR", "{:.2f} dB")
        self.psnr.setToolTip(
            "How near results are to the truth on a part of the images that is not learnt from:\n"
            "higher is better. Dashed: bicubic interpolation of the same."
        )
        self.preview = PreviewBoard()
        self._lay_out()
        self.intro.say(
            "Adapts a network to images like yours. Tick sharp images: small ones are made of "
            "them, and the network learns the way back."
        )
        for shown in (self.loss, self.psnr, self.preview, self.use):
            shown.hide()

    def _lay_out(self) -> None:
        rows = (
            ("", self.intro),
            ("Images", self.layers),
            ("Start from", self.base_model),
            ("", self.base_model.about),
            ("Scale", self.base_model.scale),
            ("Small images", self.degradation),
            ("Values", self.values),
            ("Train for", self.minutes),
            ("Device", self.device),
            ("Name", self.name),
        )
        below = (self.verdict, self.use, self.psnr, self.loss, self.preview)
        self.arrange(rows, below=below)

    def checked(self) -> dict[str, QWidget]:
        """Return by name the fields whose values may be wrong."""
        return {
            "layers": self.layers,
            "base_model": self.base_model.models,
            "values": self.values.kind,
            "name": self.name,
        }

    def clear_results(self) -> None:
        """Empty curves and pictures, and show their places."""
        self.loss.clear()
        self.psnr.clear()
        self.preview.clear()
        self.verdict.say("")
        self.use.hide()
        for shown in (self.loss, self.psnr, self.preview):
            shown.show()

    def show_results(self) -> None:
        """Scroll to where curves and pictures are, if they are out of sight."""
        # what was asked of the layout is done when events are handled, which may be later
        QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
        self.ensureWidgetVisible(self.preview)
