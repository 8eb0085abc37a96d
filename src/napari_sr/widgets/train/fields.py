"""The fields of the training form, their layout, and how a wrong one looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QCoreApplication, QEvent
from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_sr.training.finetuning.model_list import base_models
from napari_sr.widgets.common.device_box import DeviceBox
from napari_sr.widgets.common.focus import wrong_style
from napari_sr.widgets.common.label import WrappedLabel
from napari_sr.widgets.common.scroll import ScrolledForm
from napari_sr.widgets.common.value_range import RangeChooser
from napari_sr.widgets.train.curves import Curve
from napari_sr.widgets.train.degradation import DegradationChooser
from napari_sr.widgets.train.layers import LayersChooser
from napari_sr.widgets.train.preview import PreviewBoard
from napari_sr.widgets.upscale.model_chooser import ModelChooser

if TYPE_CHECKING:
    from collections.abc import Mapping


class TrainForm(ScrolledForm):
    """Fields, buttons, lines of text, curves and pictures; it decides nothing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
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
        self.values = RangeChooser()
        self.minutes = QDoubleSpinBox()
        self.minutes.setRange(0.1, 10_000)
        self.minutes.setDecimals(1)
        self.minutes.setValue(5)
        self.minutes.setSuffix(" min")
        self.minutes.setToolTip("It can be stopped at any time; the best so far is kept.")
        self.device = DeviceBox()
        self.name = QLineEdit()
        self.name.setToolTip(
            "What the network is called in the list of models; none is ever replaced."
        )
        # two lines: curves and pictures stay where they are as steps are told
        self.intro, self.status, self.verdict = (
            WrappedLabel(),
            WrappedLabel(lines=2),
            WrappedLabel(),
        )
        self.run, self.stop = QPushButton("Train"), QPushButton("Stop")
        self.stop.setToolTip("End after this step, and keep the best network so far.")
        self.use = QPushButton("Upscale with it")
        self.use.setToolTip("Open the form that upscales, with this network chosen.")
        self.bar = QProgressBar()
        self.loss = Curve("Loss", "{:.4f}", logarithmic=True)
        self.loss.setToolTip("What the network is trained to make small: the mean error of crops.")
        self.psnr = Curve("PSNR", "{:.2f} dB")
        self.psnr.setToolTip(
            "How near results are to the truth on a part of the images that is not learnt from:\n"
            "higher is better. Dashed: bicubic interpolation of the same."
        )
        self.preview = PreviewBoard()
        self._tips: dict[str, str] = {}
        self._lay_out()
        self._tips = {name: field.toolTip() for name, field in self._fields().items()}
        self.intro.say(
            "Adapts a network to images like yours. Tick sharp images: small ones are made of "
            "them, and the network learns the way back."
        )
        self.show_running(False)
        for shown in (self.loss, self.psnr, self.preview, self.use):
            shown.hide()

    def _lay_out(self) -> None:
        fields = QFormLayout()
        fields.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        fields.addRow(self.intro)
        fields.addRow("Images", self.layers)
        fields.addRow("Start from", self.base_model)
        fields.addRow(self.base_model.about)
        fields.addRow("Scale", self.base_model.scale)
        fields.addRow("Small images", self.degradation)
        fields.addRow("Values", self.values)
        fields.addRow("Train for", self.minutes)
        fields.addRow("Device", self.device)
        fields.addRow("Name", self.name)
        buttons = QHBoxLayout()
        buttons.addWidget(self.run)
        buttons.addWidget(self.stop)
        policy = self.bar.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.bar.setSizePolicy(policy)
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.addLayout(fields)
        layout.addLayout(buttons)
        results = (self.use, self.psnr, self.loss, self.preview)
        for shown in (self.bar, self.status, self.verdict, *results):
            layout.addWidget(shown)
        layout.addStretch()
        self.hold(layout, inside)

    def _fields(self) -> dict[str, QWidget]:
        return {
            "layers": self.layers,
            "base_model": self.base_model.models,
            "values": self.values.kind,
            "name": self.name,
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
        """Let Stop and the bar stand for a training, and Train for none."""
        self.stop.setEnabled(running)
        self.bar.setVisible(running)
        self.bar.setRange(0, 0)
        if running:
            self.run.setEnabled(False)

    def show_progress(self, done: int, total: int) -> None:
        """Move the bar; a total of 0 lets it swing."""
        self.bar.setRange(0, total)
        self.bar.setValue(done)

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
