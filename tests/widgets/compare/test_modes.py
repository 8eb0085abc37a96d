"""What each mode shows, by the state of the viewer and by what lies on its canvas."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_sr.widgets.compare.mode import grid_of
from napari_sr.widgets.compare.modes import Blink, SideBySide, _position
from napari_sr.widgets.compare.on_canvas import Tag


@pytest.mark.parametrize("swapped", [False, True])
def test_before_is_at_the_left_and_after_at_the_right(viewer, pair, begun, swapped):
    viewer.add_image(np.zeros((4, 5)))
    viewer.layers.move(2, 1)  # another layer between them
    before, after = reversed(pair) if swapped else pair

    begun(SideBySide, (before, after))

    grid, layers = grid_of(viewer), viewer.layers
    assert (grid.enabled, grid.shape) == (True, (1, 2))
    assert _position(grid, layers.index(before), layers) == (0, 0)
    assert _position(grid, layers.index(after), layers) == (0, 1)


def test_side_by_side_stays_so_in_another_order_of_layers(viewer, pair, begun):
    mode = begun(SideBySide)

    viewer.layers.move(0, 2)
    mode.place()

    grid, layers = grid_of(viewer), viewer.layers
    assert _position(grid, layers.index(pair[0]), layers) == (0, 0)


def camera_of(viewer):
    return getattr(viewer, "scene", viewer).camera


def test_side_by_side_keeps_the_zoom_unless_all_was_visible(viewer, begun):
    camera = camera_of(viewer)
    viewer.reset_view()
    whole = camera.zoom

    mode = begun(SideBySide)
    fitted = camera.zoom
    mode.kept.restore()
    restored = camera.zoom
    camera.zoom = whole * 5
    begun(SideBySide)

    assert fitted < whole
    assert restored == whole
    assert camera.zoom == whole * 5


def test_blink_shows_after_and_while_held_before(pair, canvas, begun, tags):
    def seen():
        return [layer.visible for layer in pair], tags(canvas)

    mode = begun(Blink)
    found = [seen()]
    for pressed in (True, True, False):  # the second is a repetition
        assert mode.key(Qt.Key.Key_B, pressed, False)
        found.append(seen())

    before = ([True, False], ["Before: cells"])
    after = ([False, True], ["After: cells x2"])
    assert found == [after, before, before, after]
    assert not mode.key(Qt.Key.Key_C, True, False)


def test_blink_s_name_on_the_canvas_can_be_held(pair, canvas, begun):
    begun(Blink)
    (tag,) = canvas.native.findChildren(Tag)

    QTest.mousePress(tag, Qt.MouseButton.LeftButton)
    during = [layer.visible for layer in pair]
    QTest.mouseRelease(tag, Qt.MouseButton.LeftButton)

    assert during == [True, False]
    assert [layer.visible for layer in pair] == [False, True]
