"""A drop-down list of names of any length."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QSizePolicy, QWidget

LEAST = 12
"""Number of letters for which there is always room."""


class NamesBox(QComboBox):
    """A list that fills the given width and never widens its parent: long names are cut."""

    opening = Signal()
    """Emitted just before the list is shown; it can still be changed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        policy = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        self.setSizeAdjustPolicy(policy)
        self.setMinimumContentsLength(LEAST)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def showPopup(self) -> None:  # noqa: N802  # Qt's name
        """Emit `opening`, then show the list."""
        self.opening.emit()
        super().showPopup()
