"""A label that wraps, and can reserve lines so that widgets below it do not move."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from qtpy.QtCore import QRect, Qt
from qtpy.QtWidgets import QLabel, QSizePolicy, QWidget

if TYPE_CHECKING:
    from qtpy.QtGui import QResizeEvent

LEAST = 6
"""Width of a label, in letters, below which words are not broken."""
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=(%|px|bytes|[kMGT]B|dB|s|[nµm]m)(\W|$))")
"""The space between a number and its unit: no line breaks there."""


class WrappedLabel(QLabel):
    """A label that wraps at its width and never widens its parent; its text can be copied.

    Unlike Qt's labels, it breaks words that are longer than a line, such as paths.

    Nested layouts ignore that a wrapped label's height depends on its width, so the label sets
    its height itself.

    Parameters
    ----------
    parent : QWidget, optional
    lines : int
        Number of lines that are always reserved.
    cut : bool
        Whether to cut further lines; the tooltip then shows the whole text.
    """

    def __init__(self, parent: QWidget | None = None, *, lines: int = 0, cut: bool = False) -> None:
        super().__init__(parent)
        self._lines, self._cut, self._said = lines, cut, ""
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._fit()

    def say(self, text: str) -> None:
        """Show a text; its first letter becomes a capital."""
        self._said = text[:1].upper() + text[1:]
        self._fit()

    def text(self) -> str:
        """Return the whole text."""
        return self._said

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802  # Qt's name
        """Adapt the height to another width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        least = self._demanded("\n".join("x" * self._lines))
        whole = self._broken(_BEFORE_UNIT.sub("\N{NO-BREAK SPACE}", self._said))
        shown = self._shortened(whole) if self._cut else whole
        height = self._demanded(shown)
        if self._cut:
            self.setToolTip("" if shown == whole else self._said)
        self.setFixedHeight(max(least, height))

    def _demanded(self, text: str) -> int:
        """Show a text, and return the height that Qt requires: more than that of its lines."""
        self.setText(text)
        self.setMinimumHeight(0)  # otherwise Qt returns the fixed height
        return self.heightForWidth(self.width()) if text else 0

    def _broken(self, text: str) -> str:
        """Return a text with line breaks in words that are longer than a line."""
        width = self.contentsRect().width() - 1
        if width < self.fontMetrics().horizontalAdvance("x" * LEAST):
            return text  # the label has no size yet
        return "".join(
            piece
            if self.fontMetrics().horizontalAdvance(piece) <= width
            else "\n".join(self._lines_of(piece, width))
            for piece in re.split(r"(\s+)", text)
        )

    def _lines_of(self, word: str, width: int) -> list[str]:
        """Cut a word into lines of a width, if possible after a separator such as "/" or "_"."""
        lines, advance = [], self.fontMetrics().horizontalAdvance
        while advance(word) > width:
            fits = next(end for end in range(len(word), 0, -1) if advance(word[:end]) <= width)
            marks = [match.end() for match in re.finditer(r"[/\\_.,;:\-]", word[:fits])]
            end = marks[-1] if marks and marks[-1] > fits // 2 else fits
            lines.append(word[:end])
            word = word[end:]
        return [*lines, word]

    def _shortened(self, whole: str) -> str:
        """Return the longest beginning of a text that fits, found by bisection."""
        height = self._height_of("\n".join("x" * self._lines))
        if self._height_of(whole) <= height:
            return whole
        fits, fits_not = 0, len(whole)
        while fits_not - fits > 1:
            middle = (fits + fits_not) // 2
            high = self._height_of(f"{whole[:middle]}…") > height
            fits, fits_not = (fits, middle) if high else (middle, fits_not)
        return f"{whole[:fits].rstrip()}…"

    def _height_of(self, text: str) -> int:
        room, wrap = QRect(0, 0, max(1, self.width()), 10_000), int(Qt.TextFlag.TextWordWrap)
        return self.fontMetrics().boundingRect(room, wrap, text).height()
