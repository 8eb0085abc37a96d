"""A drop-down list of names of any length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, Qt, Signal
from qtpy.QtGui import QHelpEvent
from qtpy.QtWidgets import (
    QComboBox,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QToolTip,
    QWidget,
)

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent

LEAST = 12
"""Number of letters that always fit into the box."""


class NamesBox(QComboBox):
    """A list that fills the given width and never widens its parent.

    The middle of a name that is too long is left out; the tooltip then begins with the whole name.
    """

    opening = Signal()
    """Emitted just before the list is shown, while the list can still be changed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        policy = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        self.setSizeAdjustPolicy(policy)
        self.setMinimumContentsLength(LEAST)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def shown(self) -> str:
        """Return the chosen name as it is drawn, without its middle if it is too long."""
        option, style = self._option(), self.style()
        if style is None:
            return self.currentText()
        control, part = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        # Qt leaves a margin of one pixel between this rectangle and the text
        width = style.subControlRect(control, option, part, self).width() - 2
        return self.fontMetrics().elidedText(
            self.currentText(), Qt.TextElideMode.ElideMiddle, width
        )

    def _option(self) -> QStyleOptionComboBox:
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        return option

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802  # Qt's name
        """Draw the box as Qt does, but cut a long name in its middle, not at its end."""
        painter, option = QStylePainter(self), self._option()
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        option.currentText = self.shown()
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def event(self, event: QEvent | None) -> bool:
        """Begin the tooltip with the whole name if the box cuts it."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            name = self.currentText()
            lines = [] if self.shown() == name else [name]
            QToolTip.showText(event.globalPos(), "\n".join([*lines, self.toolTip()]), self)
            return True
        handled: bool = super().event(event)
        return handled

    def showPopup(self) -> None:  # noqa: N802  # Qt's name
        """Emit `opening`, then show the list."""
        self.opening.emit()
        view = self.view()
        if view is not None:
            view.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        super().showPopup()
