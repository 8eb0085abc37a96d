"""A drop-down list of names of any length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, Qt, Signal
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

    The middle of a name that is too long is left out, unless `elide` says otherwise; the tooltip
    then begins with the whole name.
    """

    opening = Signal()
    """Emitted just before the list is shown, while the list can still be changed."""
    elide = Qt.TextElideMode.ElideMiddle
    """Which part of a name that is too long is left out."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        policy = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        self.setSizeAdjustPolicy(policy)
        self.setMinimumContentsLength(LEAST)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def shown(self) -> str:
        """Return the chosen name as it is drawn, without a part of it if it is too long."""
        return shown_name(self)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802  # Qt's name
        """Draw the box as Qt does, but cut a long name where `elide` says."""
        _paint(self)

    def event(self, event: QEvent | None) -> bool:
        """Begin the tooltip with the whole name if the box cuts it."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            _show_tip(self, event)
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


class Elider(QObject):
    """Lets a list that another library made show long names as `NamesBox` does.

    Parameters
    ----------
    box : QComboBox
        The list, which owns this object.
    """

    def __init__(self, box: QComboBox) -> None:
        super().__init__(box)
        box.installEventFilter(self)
        view = box.view()
        if view is not None:
            view.setTextElideMode(Qt.TextElideMode.ElideMiddle)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Draw the list, and show its tooltip."""
        if event is not None and isinstance(watched, QComboBox):
            if event.type() == QEvent.Type.Paint:
                _paint(watched)
                return True
            if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
                _show_tip(watched, event)
                return True
        handled: bool = super().eventFilter(watched, event)
        return handled


def shown_name(box: QComboBox) -> str:
    """Return the chosen name of a list, without a part of it if the list is too narrow."""
    option, style = _option(box), box.style()
    if style is None:
        return box.currentText()
    control, part = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
    # Qt draws the text one pixel inside of this rectangle
    width = style.subControlRect(control, option, part, box).width() - 2
    mode = box.elide if isinstance(box, NamesBox) else NamesBox.elide
    return box.fontMetrics().elidedText(box.currentText(), mode, width)


def _option(box: QComboBox) -> QStyleOptionComboBox:
    option = QStyleOptionComboBox()
    box.initStyleOption(option)
    return option


def _paint(box: QComboBox) -> None:
    painter, option = QStylePainter(box), _option(box)
    painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
    option.currentText = shown_name(box)
    painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)


def _show_tip(box: QComboBox, event: QHelpEvent) -> None:
    """Show the tooltip, which begins with the whole name if it is not shown."""
    name = box.currentText()
    lines = [] if shown_name(box) == name else [name]
    QToolTip.showText(event.globalPos(), "\n".join([*lines, box.toolTip()]), box)
