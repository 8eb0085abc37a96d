"""The wheel scrolls a form, and turns a field only after a click into it."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QFocusEvent, QWheelEvent
from qtpy.QtWidgets import QApplication, QComboBox, QSlider, QSpinBox, QVBoxLayout, QWidget

from napari_sr.widgets.common.wheel import guard_from_wheel


def turn(field):
    """Turn the wheel over a field by one notch; return whether the field took it."""
    middle = QPointF(field.rect().center())
    turned = QWheelEvent(
        middle,
        QPointF(field.mapToGlobal(field.rect().center())),
        QPoint(0, 0),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(field, turned)
    return turned.isAccepted()


def focus(field, reason):
    QApplication.sendEvent(field, QFocusEvent(QFocusEvent.Type.FocusIn, reason))


def value(field):
    return field.currentIndex() if isinstance(field, QComboBox) else field.value()


@pytest.fixture(params=[QComboBox, QSpinBox, QSlider])
def field(request, qtbot):
    """Give a guarded field inside a widget, in the middle of its values."""
    outside = QWidget()
    qtbot.addWidget(outside)
    field = request.param(outside)
    QVBoxLayout(outside).addWidget(field)
    if isinstance(field, QComboBox):
        field.addItems(["a", "b", "c"])
        field.setCurrentIndex(1)
    else:
        field.setValue(50)
    guard_from_wheel(outside)
    outside.show()
    yield field  # and the widget lives meanwhile


def test_the_wheel_over_a_field_changes_nothing_and_is_handed_on(field):
    before = value(field)

    taken = turn(field)

    assert value(field) == before
    assert not taken


@pytest.mark.parametrize("reason", ["TabFocusReason", "PopupFocusReason", "OtherFocusReason"])
def test_focus_without_a_click_changes_nothing(field, reason):
    before = value(field)
    focus(field, getattr(Qt.FocusReason, reason))

    turn(field)

    assert value(field) == before


def test_a_field_that_was_clicked_is_turned_until_it_loses_the_focus(field):
    before = value(field)
    focus(field, Qt.FocusReason.MouseFocusReason)
    turn(field)
    turned = value(field)
    left = QFocusEvent(QFocusEvent.Type.FocusOut, Qt.FocusReason.MouseFocusReason)
    QApplication.sendEvent(field, left)

    turn(field)

    assert turned != before
    assert value(field) == turned


def test_the_wheel_gives_no_focus(field):
    assert not field.focusPolicy() & Qt.FocusPolicy.WheelFocus & ~Qt.FocusPolicy.StrongFocus
