"""A list of names that are as long as people make them."""

from __future__ import annotations

from qtpy.QtWidgets import QComboBox, QSizePolicy, QWidget

LEAST = 12
"""Letters that are always shown."""


class NamesBox(QComboBox):
    """Takes what width there is, and never widens what it stands in: long names are cut."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        policy = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        self.setSizeAdjustPolicy(policy)
        self.setMinimumContentsLength(LEAST)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
