"""A line of text that wraps and is never cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QSizePolicy, QWidget

if TYPE_CHECKING:
    from qtpy.QtGui import QResizeEvent


class WrappedLabel(QLabel):
    """Wraps at its width, can be copied, and never widens what it stands in.

    Layouts forget that a wrapped label's height depends on its width where they are nested;
    so it demands the height itself.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def say(self, text: str) -> None:
        """Show a text, beginning with a capital as sentences do."""
        self.setText(text[:1].upper() + text[1:])
        self._demand_height()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802  # Qt's name
        """Ask for another height where the width has changed."""
        super().resizeEvent(event)
        self._demand_height()

    def _demand_height(self) -> None:
        self.setMinimumHeight(0)  # else Qt takes the height that was demanded for needed
        self.setFixedHeight(max(0, self.heightForWidth(self.width())))
