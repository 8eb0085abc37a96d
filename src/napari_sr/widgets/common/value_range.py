"""The fields for the values of black and white."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QWidget

from napari_sr.engine.image.value_range import Percentiles
from napari_sr.runs.typed_number import number_in, unclear
from napari_sr.widgets.common.preferences import preference

if TYPE_CHECKING:
    from napari.layers import Image

CONTRAST, DTYPE, PERCENTILES, CUSTOM = "contrast limits", "data type", "percentiles", "custom"
_USUAL_PERCENTILES = (0.1, 99.9)
LONGEST, FRAME = "65535", 16
"""A number that always fits into its box, and the width of the box around it in screen pixels."""


class RangeChooser(QWidget):
    """A choice of contrast limits, the data type's range, percentiles or two numbers."""

    changed = Signal()
    """Emitted when the range may have changed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind = QComboBox()
        self.kind.addItems([CONTRAST, DTYPE, PERCENTILES, CUSTOM])
        self.kind.setToolTip(
            "Networks expect values from 0 (black) to 1 (white). The two values chosen here are "
            "mapped\nto 0 and 1, and the result is mapped back. Values beyond them are not clipped."
        )
        self.low, self.high = QLineEdit(), QLineEdit()
        for box, name in ((self.low, "Black"), (self.high, "White")):
            box.setAccessibleName(name)
            box.setToolTip(name)
            box.textChanged.connect(self._tell_numbers)
        self._unit = QLabel("%")
        self._layer: Image | None = None
        self._by_hand = False
        self._shown_kind = CONTRAST
        self._lay_out()
        self.kind.activated.connect(self._choose)
        self.low.textEdited.connect(self.changed)
        self.high.textEdited.connect(self.changed)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.kind, 3)
        row.addWidget(self.low, 2)
        row.addWidget(QLabel("to"))
        row.addWidget(self.high, 2)
        row.addWidget(self._unit)

    def follow(self, layer: Image | None) -> None:
        """Show the range of another layer, unless the user has typed numbers."""
        self._layer = layer
        chosen = self._by_hand and self.kind.currentText() in (PERCENTILES, CUSTOM)
        if layer is not None and not chosen:
            self.kind.setCurrentText(usual_kind(layer))
        self.refresh()

    def refresh(self) -> None:
        """Update the numbers, because the layer's contrast limits may have changed."""
        self._shown_kind = kind = self.kind.currentText()
        self.low.setReadOnly(kind in (CONTRAST, DTYPE))
        self.high.setReadOnly(kind in (CONTRAST, DTYPE))
        self.low.setEnabled(not self.low.isReadOnly())
        self.high.setEnabled(not self.high.isReadOnly())
        self._unit.setVisible(kind == PERCENTILES)
        shown = self._offered(kind)
        if self._layer is None and self.low.isReadOnly():
            self.low.clear()
            self.high.clear()
        if shown is not None:
            for box, text in zip((self.low, self.high), pair_in_words(*shown), strict=True):
                box.setText(text)
                box.setCursorPosition(0)  # so that the first digits of a long number are visible
        for box in (self.low, self.high):  # in a narrow form, the list gives room to the numbers
            advance = box.fontMetrics().horizontalAdvance
            box.setMinimumWidth(min(advance(box.text()), advance(LONGEST)) + FRAME)

    def _tell_numbers(self) -> None:
        """Show all digits of the numbers in tooltips, because the boxes may be too narrow."""
        self.low.setToolTip(f"Black: {self.low.text()}")
        self.high.setToolTip(f"White: {self.high.text()}")

    def _choose(self) -> None:
        self._by_hand = True
        exact = self._offered(self._shown_kind)
        if self.kind.currentText() == CUSTOM and exact is not None:
            # all digits, including those that the box does not show
            self.low.setText(_exactly(exact[0]))
            self.high.setText(_exactly(exact[1]))
        if self.kind.currentText() == PERCENTILES:
            self.low.setText(f"{_USUAL_PERCENTILES[0]:g}")
            self.high.setText(f"{_USUAL_PERCENTILES[1]:g}")
        self.refresh()
        self.changed.emit()

    def _offered(self, kind: str, layer: Image | None = None) -> tuple[float, float] | None:
        layer = self._layer if layer is None else layer
        if layer is None:
            return None
        if kind == CONTRAST:
            low, high = layer.contrast_limits
            return float(low), float(high)
        return _dtype_range(layer.dtype) if kind == DTYPE else None

    def problem(self) -> str | None:
        """Return the reason why the values are not a range, or None."""
        pair = self._offered(self.kind.currentText()) or self._typed()
        if pair is None:
            if reason := unclear(self.low.text(), self.high.text()):
                return f"Values: {reason}"
            return f"Values must be two numbers, got {self.low.text()!r} and {self.high.text()!r}"
        low, high = pair
        if not low < high:
            got = f"got {_exactly(low)} and {_exactly(high)}"
            return f"Values must be two numbers, the first below the second, {got}"
        if self.kind.currentText() == PERCENTILES and not 0 <= low < high <= 100:
            return f"Percentiles must be between 0 and 100, got {low:g} and {high:g}"
        return None

    def _typed(self) -> tuple[float, float] | None:
        try:
            low, high = number_in(self.low.text()), number_in(self.high.text())
        except ValueError:
            return None
        return (low, high) if math.isfinite(low) and math.isfinite(high) else None

    def value(self, layer: Image | None = None) -> tuple[float, float] | Percentiles | None:
        """Return the engine's `value_range`; check `problem` first.

        Parameters
        ----------
        layer : Image, optional
            The layer to upscale; by default, the one that the fields show. If the user has not
            chosen a kind of range, this layer's default kind is used.
        """
        kind = self.kind.currentText()
        if layer is not None and layer is not self._layer and not self._by_hand:
            kind = usual_kind(layer)
        if kind == DTYPE:
            return None
        if kind == CONTRAST:
            return self._offered(kind, layer)
        typed = self._typed() or _USUAL_PERCENTILES
        return Percentiles(*typed) if kind == PERCENTILES else typed

    def difference(self) -> str:
        """Return the range in words, or "" if it is the layer's default."""
        kind = self.kind.currentText()
        if self._layer is None or kind == usual_kind(self._layer):
            return ""
        percent = "%" if kind == PERCENTILES else ""
        return f"{self.low.text()} to {self.high.text()}{percent}"

    def use_default(self) -> None:
        """Show the layer's default range."""
        self._by_hand = False
        self.follow(self._layer)


def pair_in_words(low: float, high: float) -> tuple[str, str]:
    """Return two numbers as text, exact to 1/1000 of their difference.

    Examples
    --------
    >>> pair_in_words(101325.0, 101325.02)
    ('101325', '101325.02')
    """
    for digits in range(7, 17):
        shown = f"{low:.{digits}g}", f"{high:.{digits}g}"
        errors = abs(float(shown[0]) - low), abs(float(shown[1]) - high)
        if max(errors) <= (high - low) / 1000:
            return shown
    return _exactly(low), _exactly(high)


def _exactly(number: float) -> str:
    """Return the shortest text from which this number can be read exactly."""
    return f"{number:.0f}" if number.is_integer() and abs(number) < 1e17 else repr(number)


def usual_kind(layer: Image) -> str:
    """Return a layer's default: the data type's range for bytes and colours, else contrast limits.

    Other data rarely use the whole range of their type, such as 12 bits in uint16 or CT in int16.
    """
    if layer.rgb or np.dtype(layer.dtype).itemsize == 1:
        return preference("upscaling", "values_of_8_bits", DTYPE)
    return preference("upscaling", "values_of_others", CONTRAST)


def _dtype_range(dtype: np.typing.DTypeLike) -> tuple[float, float]:
    kind = np.dtype(dtype)
    if kind.kind not in "ui":
        return 0.0, 1.0
    limits = np.iinfo(kind)
    return float(limits.min), float(limits.max)
