"""Let number boxes take numbers as people type them.

Qt ignores the sign that separates thousands in the system's language. It reads "2,5" as 25 in
English, and "2.5" as 25 in German. Our boxes show a point, and replace a comma by it. They refuse a
comma that may separate thousands.

If a box shows words, such as "automatic", Qt ignores digits that are typed into the words. In our
boxes, they replace the words.
"""

from __future__ import annotations

from qtpy.QtCore import QLocale
from qtpy.QtGui import QValidator
from qtpy.QtWidgets import QDoubleSpinBox, QSpinBox, QWidget

from napari_sr.runs.typed_number import with_point


class _Decimals(QValidator):
    """Checks what is typed or pasted into a number box."""

    def __init__(self, box: QSpinBox | QDoubleSpinBox) -> None:
        super().__init__(box)
        self._box = box
        self._whole = not isinstance(box, QDoubleSpinBox)

    def validate(self, text: str | None, position: int) -> tuple[QValidator.State, str, int]:
        """Return whether the box takes a text, the text with a point, and the cursor's position."""
        typed = text or ""
        words = self._box.specialValueText()
        start = position - (len(typed) - len(words))
        if words and 0 <= start < position and typed[:start] + typed[position:] == words:
            typed, position = typed[start:position], position - start
        number = typed.strip()
        for fixed in (self._box.prefix(), self._box.suffix()):
            number = number.replace(fixed.strip(), "").strip()
        if number == self._box.specialValueText().strip():
            return self._box.validate(typed, position)
        if self._whole and ("," in number or "." in number):
            return QValidator.State.Invalid, typed, position
        if "," in number:
            try:
                pointed = with_point(f"{number}0" if number.endswith(",") else number)
            except ValueError:
                return QValidator.State.Invalid, typed, position
            typed = typed.replace(number, pointed[: len(number)])  # the cursor stays in place
        return self._box.validate(typed, position)


def take_numbers(root: QWidget) -> None:
    """Let all number boxes in a widget, and the widget itself, take typed numbers."""
    for box in (root, *root.findChildren(QWidget)):
        if isinstance(box, QSpinBox | QDoubleSpinBox):
            box.setLocale(QLocale.c())
            if line := box.lineEdit():
                line.setValidator(_Decimals(box))
