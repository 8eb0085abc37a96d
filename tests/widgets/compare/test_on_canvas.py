"""The handle, names and keys on a canvas, moved by mouse and keyboard."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QColor
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QWidget

from napari_sr.widgets.compare.on_canvas import BREADTH, CanvasWatch, Handle, Tag, is_alive

LEFT = Qt.MouseButton.LeftButton
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def surface(qtbot):
    """Return a visible widget of 400 x 300 pixels."""
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.resize(400, 300)
    widget.show()
    return widget


@pytest.fixture(params=[False, True], ids=["vertical", "horizontal"])
def handle(surface, request):
    return Handle(surface, 0.5, request.param)


def drag(handle, start, end):
    """Press at a point of the canvas, move to another and release there."""
    QTest.mousePress(handle, LEFT, pos=handle.mapFromParent(start))
    QTest.mouseMove(handle, handle.mapFromParent(end))
    handle.mouseMoveEvent(_held(handle, handle.mapFromParent(end)))
    QTest.mouseRelease(handle, LEFT, pos=handle.mapFromParent(end))


def _held(handle, at):
    """Return the event of a move with the button held, which QTest cannot send."""
    from qtpy.QtCore import QEvent, QPointF
    from qtpy.QtGui import QMouseEvent

    none = Qt.KeyboardModifier.NoModifier
    where = QPointF(at), QPointF(handle.mapToGlobal(at))
    return QMouseEvent(QEvent.Type.MouseMove, *where, LEFT, LEFT, none)


def test_the_handle_is_dragged_and_stays_on_the_canvas(handle, surface):
    places = []
    handle.moved.connect(places.append)

    drag(handle, QPoint(200, 150), QPoint(100, 75))
    drag(handle, QPoint(100, 75), QPoint(-90, -90))

    assert places == [0.25, 0.0]
    middle = handle.geometry().center()
    assert (middle.y() if handle.horizontal else middle.x()) == 0


def test_arrow_keys_move_it_and_shift_makes_large_steps(handle):
    less, more = (
        (Qt.Key.Key_Up, Qt.Key.Key_Down)
        if handle.horizontal
        else (Qt.Key.Key_Left, Qt.Key.Key_Right)
    )

    found = []
    for key, modifier in ((more, None), (less, SHIFT), (Qt.Key.Key_End, None), (more, None)):
        QTest.keyClick(handle, key, modifier or Qt.KeyboardModifier.NoModifier)
        found.append(round(handle.share, 3))

    assert found == [0.51, 0.41, 1.0, 1.0]


def test_keys_that_it_does_not_know_go_to_the_canvas(handle, surface):
    keys = []
    watch = CanvasWatch(surface, lambda: None, lambda *key: keys.append(key) or True)

    QTest.keyClick(handle, Qt.Key.Key_B)
    watch.leave()
    QTest.keyClick(handle, Qt.Key.Key_B)

    assert keys == [(Qt.Key.Key_B, True, False), (Qt.Key.Key_B, False, False)]


def test_shortcuts_with_control_are_left_alone(surface):
    keys = []
    watch = CanvasWatch(surface, lambda: None, lambda *key: keys.append(key) or True)

    QTest.keyClick(surface, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    watch.leave()

    assert [key for key, *_ in keys if key == Qt.Key.Key_B] == []


def test_another_size_of_the_canvas_is_told(surface):
    sizes = []
    watch = CanvasWatch(surface, lambda: sizes.append(surface.width()), lambda *key: False)

    surface.resize(500, 300)
    watch.leave()
    surface.resize(600, 300)

    assert sizes == [500]


def test_it_follows_the_size_of_the_canvas(handle, surface):
    surface.resize(200, 100)

    handle.place()

    middle = handle.geometry().center()
    assert (middle.y() if handle.horizontal else middle.x()) in (49, 50, 99, 100)
    assert min(handle.width(), handle.height()) == BREADTH


def test_a_double_click_turns_it(handle, qtbot):
    with qtbot.waitSignal(handle.turned):
        QTest.mouseDClick(handle, LEFT)


@pytest.mark.parametrize("ground", ["white", "black"])
def test_it_is_visible_on_any_image(handle, surface, ground):
    surface.setStyleSheet(f"background-color: {ground};")

    picture = handle.grab().toImage()
    colours = {picture.pixelColor(x, handle.height() // 4).lightness() for x in range(BREADTH)}
    colours |= {picture.pixelColor(handle.width() // 4, y).lightness() for y in range(BREADTH)}

    assert max(colours) == 255
    assert min(colours) <= QColor("#1c1c1c").lightness()


def test_screen_readers_are_told_where_it_is(handle):
    handle.move_to(0.25)

    assert handle.accessibleName() == "Line between before and after"
    assert handle.accessibleDescription().startswith("25% of the canvas")


def test_a_long_name_is_cut_and_read_whole(surface):
    tag = Tag(surface)

    tag.say("Before: " + "cells " * 40, 120)

    assert "…" in tag.text()
    assert tag.width() < 150
    assert tag.accessibleName().endswith("cells ")


@pytest.mark.parametrize("pressable", [False, True])
def test_a_name_takes_the_mouse_only_if_it_can_be_pressed(surface, pressable):
    tag = Tag(surface, pressable=pressable)
    tag.say("After", 100)

    found = surface.childAt(tag.geometry().center())

    assert (found is tag) is pressable


def test_what_qt_deleted_is_known(surface, qtbot):
    tag = Tag(surface)
    assert is_alive(tag)

    tag.deleteLater()
    qtbot.waitUntil(lambda: not is_alive(tag))
