"""The fields for learning from noisy images alone: noise, spot and penalty."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from napari.layers import Image
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QVBoxLayout, QWidget

from napari_sr.runs.words import error_in_words
from napari_sr.training.data.noise_model import NoiseModel
from napari_sr.training.data.spot import Spot, of_bead
from napari_sr.training.finetuning.self_supervision import (
    BLIND,
    NEIGHBOURS,
    RECORRUPTION,
    THINNING,
    Penalty,
    SelfSupervision,
)
from napari_sr.widgets.common.label import WrappedLabel
from napari_sr.widgets.common.pixel_size import pixel_size
from napari_sr.widgets.common.rows import add_rows
from napari_sr.widgets.train.degradation import number_box, optics_boxes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from napari.layers import Layer

METHODS = MappingProxyType({
    "Photon and read noise": (
        RECORRUPTION, "Suits most cameras. The network gets the image with more noise; the target "
        "is the image minus that noise."),
    "Photon counts": (
        THINNING, "Each photon goes to the network's input or to the target, at random. Suits "
        "photon counting and images of few photons."),
    "Unknown noise": (
        BLIND, "Some pixels are hidden from the network, which must predict them. Learns more "
        "slowly. The noise of neighbouring pixels must be independent."),
    "Neighbouring frames": (
        NEIGHBOURS, "For time series: the next frame is the target. Suits any noise, but what "
        "moves between frames is blurred."),
})  # fmt: skip
"""Names of the methods in the list, with their explanation."""
NO_SPOT, COMPUTED, MEASURED = "none", "computed", "measured on a bead"
PENALTIES: Mapping[str, Penalty] = MappingProxyType(
    {"Hessian": "hessian", "total variation": "total_variation", "none": "none"}
)
LARGEST_BEAD = 512
"""Largest side of a bead's image in pixels; larger images have more than one bead."""
UNKNOWN = "estimated"


class NoisyChooser(QWidget):
    """How to learn from noisy images; numbers that are not given are estimated."""

    changed = Signal()
    """Emitted when the method, the spot or the bead has changed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.method, self.about = QComboBox(), WrappedLabel()
        self.method.addItems(list(METHODS))
        self.method.setToolTip(
            "The network learns from two versions of an image with independent noise. Choose\n"
            "how they are made. If in doubt, keep the first."
        )
        self.gain = _estimated_box("Pixel values per photon; cameras state it.")
        self.offset = number_box(
            0, (-1e6, 1e6), 2, "", "Pixel value without light, if a gain is given."
        )
        self.read_noise = number_box(
            1.6, (0, 1e4), 2, "", "Noise without light, in photons, if a gain is given."
        )
        self.spot = QComboBox()
        self.spot.addItems([NO_SPOT, COMPUTED, MEASURED])
        self.spot.setToolTip(
            "The blur that the result shall lose. Without a spot, images are denoised and\n"
            "enlarged, and stay as blurred as they are."
        )
        self.wavelength, self.aperture, self.pixel = optics_boxes()
        self.bead = QComboBox()
        self.bead.setToolTip("A layer with one bead in its middle, at the images' pixel size.")
        self.penalty = QComboBox()
        self.penalty.addItems(list(PENALTIES))
        self.penalty.setToolTip(
            "Makes results smoother: Hessian keeps slopes, total variation keeps edges."
        )
        self._beads: list[Image] = []
        self._rows = QFormLayout()
        self._lay_out()
        self.method.activated.connect(self._change)
        self.spot.activated.connect(self._change)
        self.bead.activated.connect(self._change)
        for box in (self.gain, self.wavelength, self.aperture, self.pixel):
            box.valueChanged.connect(self._change)
        self._show()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.method)
        layout.addWidget(self.about)
        layout.addLayout(self._rows)
        self._rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows: dict[str, QWidget] = {
            "Gain": self.gain, "Offset": self.offset, "Read noise": self.read_noise,
            "Spot": self.spot, "Wavelength": self.wavelength, "NA": self.aperture,
            "Pixel": self.pixel, "Bead": self.bead, "Penalty": self.penalty,
        }  # fmt: skip
        add_rows(self._rows, rows.items())

    def offer(self, layers: Iterable[Layer]) -> None:
        """List the layers that may show a bead: small grey planes."""
        before = self.bead.currentText()
        self._beads = [
            layer
            for layer in layers
            if isinstance(layer, Image) and not layer.multiscale and not layer.rgb
            and layer.ndim == 2 and max(layer.data.shape) <= LARGEST_BEAD
        ]  # fmt: skip
        self.bead.clear()
        self.bead.addItems([layer.name for layer in self._beads])
        self.bead.setCurrentText(before)

    def leave(self) -> None:
        """Forget all layers."""
        self._beads = []

    def follow(self, layer: Image | None) -> None:
        """Use a layer's pixel size if it has one."""
        size = None if layer is None else pixel_size(layer)
        if size is not None:
            self.pixel.setValue(size)

    def value(self) -> SelfSupervision:
        """Return the settings.

        Raises
        ------
        ValueError
            If a bead is to be measured, and no layer shows one.
        """
        noise = NoiseModel()
        if self._camera_counts() and self.gain.value():
            noise = NoiseModel(self.gain.value(), self.offset.value(), self.read_noise.value())
        method, _ = METHODS[self.method.currentText()]
        return SelfSupervision(method, self._spot(), noise, PENALTIES[self.penalty.currentText()])

    @property
    def removes_blur(self) -> bool:
        """Whether a spot is chosen."""
        return self.spot.currentText() != NO_SPOT

    def problem(self) -> str | None:
        """Return what is wrong with the settings, or None."""
        try:
            self.value()
        except ValueError as error:
            return f"{error_in_words(error)}."
        return None

    def _spot(self) -> Spot:
        kind = self.spot.currentText()
        if kind == COMPUTED:
            wavelength = self.wavelength.value() / 1000
            return Spot(wavelength, self.aperture.value(), self.pixel.value())
        if kind == NO_SPOT:
            return Spot()
        index = self.bead.currentIndex()
        if not 0 <= index < len(self._beads):
            raise ValueError(
                "open an image of one bead: it must be grey, one plane, and at most "
                f"{LARGEST_BEAD} pixels wide and high"
            )
        return of_bead(self._beads[index].data)

    def _camera_counts(self) -> bool:
        return METHODS[self.method.currentText()][0] != BLIND

    def _change(self, value: object = None) -> None:
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        self.about.say(METHODS[self.method.currentText()][1])
        counts, given, spot = self._camera_counts(), self.gain.value() > 0, self.spot.currentText()
        for box, visible in (
            (self.gain, counts),
            (self.offset, counts and given),
            (self.read_noise, counts and given),
            (self.wavelength, spot == COMPUTED),
            (self.aperture, spot == COMPUTED),
            (self.pixel, spot == COMPUTED),
            (self.bead, spot == MEASURED),
        ):
            self._rows.setRowVisible(box, visible)


def _estimated_box(tip: str) -> QDoubleSpinBox:
    """Return a field whose smallest value means that the number is estimated."""
    box = number_box(0, (0, 1e6), 4, "", f"{tip} The smallest value: estimated from the image.")
    box.setSpecialValueText(UNKNOWN)
    return box
