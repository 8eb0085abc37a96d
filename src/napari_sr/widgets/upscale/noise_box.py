"""The field for the level of the noise."""

from __future__ import annotations

import math

from qtpy.QtWidgets import QLineEdit, QWidget

from napari_sr.runs.typed_number import number_in, unclear

ESTIMATED = "estimated from the image"


class NoiseBox(QLineEdit):
    """The standard deviation of the noise in pixel values; empty to estimate it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPlaceholderText(ESTIMATED)
        self.setToolTip(
            "How strong the image's noise is: its standard deviation in pixel values. Only for\n"
            "models that take it. Without a number, it is estimated once for the whole image, and\n"
            "the result's record has it. A larger number makes the result smoother."
        )

    def level(self) -> float | None:
        """Return the number; None if the field is empty or wrong."""
        try:
            found = number_in(self.text())
        except ValueError:
            return None
        return found if 0 <= found < math.inf else None

    def problem(self) -> str | None:
        """Return the reason why the text is no level, or None."""
        if not self.text().strip() or self.level() is not None:
            return None
        if reason := unclear(self.text()):
            return f"Noise: {reason}"
        return f"Noise must be a number of at least 0, or empty; got {self.text()!r}"
