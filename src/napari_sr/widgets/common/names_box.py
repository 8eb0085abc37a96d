"""A list of names that are as long as people make them."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QSizePolicy, QWidget

LEAST = 12
"""Letters that are always shown."""


class NamesBox(QComboBox):
    """Takes what width there is, and never widens what it stands in: long names are cut."""

    opening = Signal()
    """The list is about to be shown: the last moment to change it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        policy = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        self.setSizeAdjustPolicy(policy)
        self.setMinimumContentsLength(LEAST)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def showPopup(self) -> None:  # noqa: N802  # Qt's name
        """Show the list, after telling so."""
        self.opening.emit()
        super().showPopup()
