"""Protect fields from being changed when the mouse wheel scrolls over them."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QFocusEvent
from qtpy.QtWidgets import QAbstractSlider, QAbstractSpinBox, QComboBox, QScrollBar, QWidget


class _Guard(QObject):
    """A filter that lets the wheel reach a field only after a click into the field."""

    def __init__(self, field: QWidget) -> None:
        super().__init__(field)
        self._clicked = False
        if field.focusPolicy() == Qt.FocusPolicy.WheelFocus:
            field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        field.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Leave the wheel to the field's parent, which scrolls."""
        if isinstance(event, QFocusEvent):
            by_click = event.reason() == Qt.FocusReason.MouseFocusReason
            self._clicked = event.type() == QEvent.Type.FocusIn and by_click
        elif event is not None and event.type() == QEvent.Type.Wheel and not self._clicked:
            event.ignore()
            return True
        return False


def guard_from_wheel(root: QWidget) -> None:
    """Guard all lists, number boxes and sliders in a widget, and the widget itself."""
    for field in (root, *root.findChildren(QWidget)):
        turned = isinstance(field, QAbstractSpinBox | QAbstractSlider | QComboBox)
        if turned and not isinstance(field, QScrollBar):
            _Guard(field)
