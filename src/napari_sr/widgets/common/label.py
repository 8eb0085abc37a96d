"""A label that wraps, and can reserve lines so that widgets below it do not move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QRect, Qt
from qtpy.QtWidgets import QLabel, QSizePolicy, QWidget

if TYPE_CHECKING:
    from qtpy.QtGui import QResizeEvent


class WrappedLabel(QLabel):
    """A label that wraps at its width and never widens its parent; its text can be copied.

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
        shown = self._shortened() if self._cut else self._said
        height = self._demanded(shown)
        if self._cut:
            self.setToolTip("" if shown == self._said else self._said)
        self.setFixedHeight(max(least, height))

    def _demanded(self, text: str) -> int:
        """Show a text, and return the height that Qt asks for, which exceeds that of its lines."""
        self.setText(text)
        self.setMinimumHeight(0)  # otherwise Qt returns the fixed height
        return self.heightForWidth(self.width()) if text else 0

    def _shortened(self) -> str:
        """Return the longest start of the text that fits, found by bisection."""
        height = self._height_of("\n".join("x" * self._lines))
        if self._height_of(self._said) <= height:
            return self._said
        fits, fits_not = 0, len(self._said)
        while fits_not - fits > 1:
            middle = (fits + fits_not) // 2
            high = self._height_of(f"{self._said[:middle]}…") > height
            fits, fits_not = (fits, middle) if high else (middle, fits_not)
        return f"{self._said[:fits].rstrip()}…"

    def _height_of(self, text: str) -> int:
        room, wrap = QRect(0, 0, max(1, self.width()), 10_000), int(Qt.TextFlag.TextWordWrap)
        return self.fontMetrics().boundingRect(room, wrap, text).height()
