"""Let number boxes take numbers as people type them.

Qt ignores the sign that separates thousands in the system's language. It reads "2,5" as 25 in
English, and "2.5" as 25 in German. Our boxes show a point, and replace a comma by it. They refuse a
comma that may separate thousands.

If a box shows words, such as "automatic", Qt ignores digits that are typed into the words. In our
boxes, they replace the words.

Qt ignores the letter of an exponent, and reads "1e3" as 13. Our boxes take exponents: the value
follows the typed text, which becomes a plain number when the user leaves the box. Keys that would
lead to a number above the maximum, or to more decimals than the box has, have no effect.
"""

from __future__ import annotations

import re
from fractions import Fraction

from qtpy.QtCore import QLocale
from qtpy.QtGui import QValidator
from qtpy.QtWidgets import QDoubleSpinBox, QSpinBox, QWidget

from napari_sr.runs.typed_number import with_point

_EXPONENT = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+))e([-+]?)(\d*)", re.IGNORECASE)
"""A number with an exponent, whose digits may still be missing."""
_LARGEST = 3
"""Digits of an exponent at most; floats have no more."""


class _Numbers(QValidator):
    """Checks what is typed or pasted into a number box, and reads its exponents."""

    def __init__(self, box: QSpinBox | QDoubleSpinBox) -> None:
        super().__init__(box)
        self._box = box
        self._whole = not isinstance(box, QDoubleSpinBox)
        if line := box.lineEdit():
            line.textEdited.connect(self._read_exponent)

    def validate(self, text: str | None, position: int) -> tuple[QValidator.State, str, int]:
        """Return whether the box takes a text, the text with a point, and the cursor's position."""
        typed = text or ""
        words = self._box.specialValueText()
        start = position - (len(typed) - len(words))
        if words and 0 <= start < position and typed[:start] + typed[position:] == words:
            typed, position = typed[start:position], position - start
        number = self._number_in(typed)
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
            number = pointed
        if found := _EXPONENT.fullmatch(number):
            return self._state_of(found), typed, position
        return self._box.validate(typed, position)

    def _number_in(self, typed: str) -> str:
        """Return the text between the box's prefix and its suffix."""
        number = typed.strip()
        for fixed in (self._box.prefix(), self._box.suffix()):
            number = number.replace(fixed.strip(), "").strip()
        return number

    def _state_of(self, found: re.Match[str]) -> QValidator.State:
        """Return whether the box takes a number with an exponent, or may after more keys."""
        _, sign, digits = found.groups()
        if not digits:
            return QValidator.State.Intermediate
        if len(digits) > _LARGEST:
            return QValidator.State.Invalid
        number = Fraction(found[0])
        places = 0 if isinstance(self._box, QSpinBox) else self._box.decimals()
        is_finer = (number * 10**places).denominator != 1
        if is_finer or (number > self._box.maximum() and sign != "-"):
            return QValidator.State.Invalid
        if not self._box.minimum() <= number <= self._box.maximum():
            return QValidator.State.Intermediate
        return QValidator.State.Acceptable

    def _read_exponent(self, typed: str) -> None:
        """Set the box's value to a number with an exponent, and let the user go on typing."""
        found, line = _EXPONENT.fullmatch(self._number_in(typed)), self._box.lineEdit()
        if line is None or found is None or self._state_of(found) != QValidator.State.Acceptable:
            return
        position = line.cursorPosition()
        before = line.blockSignals(True)
        if isinstance(self._box, QSpinBox):
            self._box.setValue(int(Fraction(found[0])))
        else:
            self._box.setValue(float(found[0]))
        line.setText(typed)
        line.setCursorPosition(position)
        line.blockSignals(before)


def take_numbers(root: QWidget) -> None:
    """Let all number boxes in a widget, and the widget itself, take typed numbers."""
    for box in (root, *root.findChildren(QWidget)):
        if isinstance(box, QSpinBox | QDoubleSpinBox):
            box.setLocale(QLocale.c())
            line = box.lineEdit()
            if line is not None and not isinstance(line.validator(), _Numbers):
                line.setValidator(_Numbers(box))
