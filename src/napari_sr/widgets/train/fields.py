"""The fields of the training form and their layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QCoreApplication, QEvent
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QLineEdit, QPushButton

from napari_sr.training.finetuning.model_list import base_models
from napari_sr.widgets.common.fields import RunFields
from napari_sr.widgets.common.icons import give_icon
from napari_sr.widgets.common.label import WrappedLabel
from napari_sr.widgets.common.model_chooser import ModelChooser
from napari_sr.widgets.train import preview
from napari_sr.widgets.train.curves import Curve
from napari_sr.widgets.train.degradation import DegradationChooser
from napari_sr.widgets.train.layers import IMAGES, IMAGES_NOISY, LayersChooser
from napari_sr.widgets.train.noisy import NoisyChooser
from napari_sr.widgets.train.preview import PreviewBoard

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

SHARP, NOISY = "sharp images", "only noisy images"
INTRO = (
    "Adapts a network to images like yours. Tick sharp images: low-resolution images are made from "
    "them, and the network learns to restore the originals."
)
INTRO_NOISY = (
    "Adapts a network to your noisy images, without any sharp one. Tick the images that you want "
    "to upscale, and press Train. All other fields may stay as they are."
)
PSNR_SHARP = (
    "How close results are to the truth on the held-out part of the images; higher is\n"
    "better. Dashed: bicubic interpolation of the same part."
)
PSNR_NOISY = (
    "How close results come to the image without noise, on its held-out part, at its pixel\n"
    "size. It is estimated from the noisy image alone; higher is better. Dashed: bicubic."
)
STOP = "Stop after this step, and keep the best network so far."
COMPLETING = "The training has ended. The network is being completed and saved; please wait."


class TrainFields(RunFields):
    """Fields, buttons, lines of text, curves and pictures; no logic."""

    def __init__(self, parent: QWidget | None = None) -> None:
        # two lines, so that curves and pictures do not move when the status changes
        super().__init__("Train", "Stop", icons=("train", "stop"), status_lines=2, parent=parent)
        self.layers = LayersChooser()
        self.base_model = ModelChooser(base_models)
        # not shown, but without a parent these widgets would outlive the form
        for unused in (self.base_model.blend, self.base_model.scale.number):
            unused.setParent(self)
            unused.hide()
        self.base_model.models.setToolTip(
            "The network to start from. A network that was trained on other images adapts to\n"
            "yours in minutes; an untrained one takes much longer."
        )
        self.have = QComboBox()
        self.have.addItems([SHARP, NOISY])
        self.have.setToolTip(
            "From sharp images, the network learns to restore details. If you have only noisy\n"
            "images, such as those that you want to upscale, it learns from these alone."
        )
        self.degradation = DegradationChooser()
        self.noisy = NoisyChooser()
        self.minutes = QDoubleSpinBox()
        self.minutes.setRange(0.1, 10_000)
        self.minutes.setDecimals(1)
        self.minutes.setValue(5)
        self.minutes.setSuffix(" min")
        self.minutes.setToolTip("You can stop at any time; the best network so far is kept.")
        self.name = QLineEdit()
        self.name.setToolTip(
            "The new network's name in the list of models. Existing networks are never replaced."
        )
        self.intro, self.verdict = WrappedLabel(), WrappedLabel()
        self.stop.setToolTip(STOP)
        self.use = QPushButton("Upscale with it")
        self.use.setToolTip("Open the upscaling form, and choose this network there.")
        give_icon(self.use, "upscale")
        self.loss = Curve("Loss", "{:.4f}", logarithmic=True)
        self.loss.setToolTip("The mean error of the training crops; the training minimises it.")
        self.psnr = Curve("PSNR", "{:.2f} dB")
        self.preview = PreviewBoard()
        self._lay_out()
        self.have.activated.connect(self.show_sort)
        self.show_sort()
        for shown in (self.loss, self.psnr, self.preview, self.use):
            shown.hide()

    def _lay_out(self) -> None:
        rows = (
            ("I have", self.have),
            ("", self.intro),
            ("Images", self.layers),
            ("Start from", self.base_model),
            ("", self.base_model.about),
            ("Scale", self.base_model.scale),
            ("Low resolution", self.degradation),
            ("Noise", self.noisy),
            ("Values", self.values),
            ("Train for", self.minutes),
            ("Device", self.device),
            ("Name", self.name),
        )
        below = (self.verdict, self.use, self.psnr, self.loss, self.preview)
        self.arrange(rows, below=below)

    @property
    def from_noisy(self) -> bool:
        """Whether to learn from noisy images alone."""
        return self.have.currentText() == NOISY

    def show_sort(self, index: object = None) -> None:
        """Show the fields and texts for the chosen sort of images."""
        noisy = self.from_noisy
        self.intro.say(INTRO_NOISY if noisy else INTRO)
        self.rows.setRowVisible(self.degradation, not noisy)
        self.rows.setRowVisible(self.noisy, noisy)
        self.psnr.title = "PSNR, estimated" if noisy else "PSNR"
        self.psnr.setToolTip(PSNR_NOISY if noisy else PSNR_SHARP)
        self.preview.setToolTip(preview.NOISY if noisy else preview.SHARP)
        self.layers.setToolTip(IMAGES_NOISY if noisy else IMAGES)

    def checked(self) -> dict[str, QWidget]:
        """Return the fields whose values may be wrong, by name."""
        return {
            "layers": self.layers,
            "base_model": self.base_model.models,
            "values": self.values.kind,
            "noisy": self.noisy.bead,
            "name": self.name,
        }

    def show_running(self, running: bool) -> None:
        """Enable the buttons for the state, and say what Stop does."""
        super().show_running(running)
        self.stop.setToolTip(STOP)

    def show_completing(self) -> None:
        """Disable Stop, because the training has ended, and only the network is completed."""
        self.stop.setEnabled(False)
        self.stop.setToolTip(COMPLETING)

    def clear_results(self) -> None:
        """Clear curves and pictures, and make room for them."""
        self.loss.clear()
        self.psnr.clear()
        self.preview.clear()
        self.verdict.say("")
        self.use.hide()
        for shown in (self.loss, self.psnr, self.preview):
            shown.show()

    def show_results(self) -> None:
        """Scroll to curves and pictures if they are not visible."""
        # otherwise Qt updates the layout later, when it handles events
        QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
        self.ensureWidgetVisible(self.preview)
