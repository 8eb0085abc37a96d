"""The fields for the degradation, which computes the low-resolution (LR) training images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QVBoxLayout, QWidget

from napari_sr.training.component import ComponentSpec
from napari_sr.widgets.common.label import WrappedLabel
from napari_sr.widgets.common.pixel_size import pixel_size
from napari_sr.widgets.common.rows import add_rows

if TYPE_CHECKING:
    from napari.layers import Image

BICUBIC, BLUR, MICROSCOPE = "bicubic", "blur", "microscope"
_ABOUT = {
    BICUBIC: "The layers are downscaled bicubically without noise, as in papers.",
    BLUR: "The layers are blurred by a Gaussian; then every S-th pixel is kept (S: the scale).",
    MICROSCOPE: "The layers count as the truth; LR images are computed as this microscope would "
    "record them.",
}


class DegradationChooser(QWidget):
    """A list of degradations, and the numbers that the chosen one needs."""

    changed = Signal()
    """Emitted when the degradation or a number has changed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind = QComboBox()
        self.kind.addItems([BICUBIC, BLUR, MICROSCOPE])
        self.kind.setToolTip(
            "A network learns from pairs: the layers, and low-resolution (LR) images computed\n"
            "from them. Choose the method that is closest to how the images that you want to\n"
            "upscale were recorded."
        )
        self.about = WrappedLabel()
        self.sigma = number_box(
            1.6, (0.1, 20), 2, " px", "Sigma of the Gaussian, in the layers' pixels."
        )
        self.wavelength, self.aperture, self.pixel = optics_boxes(
            " LR pixels are larger by the factor of the scale."
        )
        self.photons = number_box(
            500,
            (1, 1e6),
            0,
            "",
            "Photons in a white pixel of the LR image; fewer mean more noise.",
        )
        self._blur, self._microscope = QWidget(), QWidget()
        self._lay_out()
        self.kind.activated.connect(self._change)
        for box in (self.sigma, self.wavelength, self.aperture, self.pixel, self.photons):
            box.valueChanged.connect(self.changed)
        self._show()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.kind)
        layout.addWidget(self.about)
        rows = {
            self._blur: {"Sigma": self.sigma},
            self._microscope: {
                "Wavelength": self.wavelength,
                "NA": self.aperture,
                "Pixel": self.pixel,
                "Photons": self.photons,
            },
        }
        for group, boxes in rows.items():
            fields = QFormLayout(group)
            fields.setContentsMargins(0, 0, 0, 0)
            fields.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
            add_rows(fields, boxes.items())
            layout.addWidget(group)

    def follow(self, layer: Image | None) -> None:
        """Use a layer's pixel size if it has one."""
        size = None if layer is None else pixel_size(layer)
        if size is not None:
            self.pixel.setValue(size)

    def value(self, scale: int) -> ComponentSpec:
        """Return the chosen degradation for a scale."""
        kind = self.kind.currentText()
        if kind == BICUBIC:
            return ComponentSpec(kind)
        if kind == BLUR:
            return ComponentSpec(kind, {"sigma": self.sigma.value()})
        optics = {
            "wavelength": self.wavelength.value() / 1000,
            "aperture": self.aperture.value(),
            "pixel": self.pixel.value() * scale,
        }
        return ComponentSpec(kind, {"optics": optics, "camera": {"photons": self.photons.value()}})

    def words(self, scale: int) -> str:
        """Describe the chosen degradation in words."""
        kind = self.kind.currentText()
        if kind == BICUBIC:
            return kind
        if kind == BLUR:
            return f"a blur of {self.sigma.value():g} px"
        return (
            f"a microscope ({self.wavelength.value():g} nm, NA {self.aperture.value():g}, "
            f"{self.pixel.value() * scale:.4g} µm, {self.photons.value():g} photons)"
        )

    def _change(self) -> None:
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        kind = self.kind.currentText()
        self.about.say(_ABOUT[kind])
        self._blur.setVisible(kind == BLUR)
        self._microscope.setVisible(kind == MICROSCOPE)


def optics_boxes(more: str = "") -> tuple[QDoubleSpinBox, QDoubleSpinBox, QDoubleSpinBox]:
    """Return fields for wavelength, NA and pixel size; `more` ends the last one's tooltip."""
    return (
        number_box(520, (200, 2000), 0, " nm", "Wavelength of the emitted light."),
        number_box(0.8, (0.05, 1.7), 2, "", "The objective's numerical aperture."),
        number_box(
            0.1, (0.001, 1000), 4, " µm",
            "Pixel size of the layers, as a length in the sample. It is read from the first\n"
            f"layer if that has a unit of length.{more}",
        ),
    )  # fmt: skip


def number_box(
    usual: float, limits: tuple[float, float], decimals: int, suffix: str, tip: str
) -> QDoubleSpinBox:
    """Return a field for a number."""
    box = QDoubleSpinBox()
    box.setDecimals(decimals)
    box.setRange(*limits)
    box.setSuffix(suffix)
    box.setValue(usual)
    box.setSingleStep(10 ** -min(decimals, 1) if decimals else 10)
    box.setToolTip(tip)
    return box
