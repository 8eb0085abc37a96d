"""The ways in which a comparison begins and ends, and that nothing is left of it."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_sr.widgets.compare.comparison import FLAT, Comparison, comparison_of
from napari_sr.widgets.compare.modes import MODES
from napari_sr.widgets.compare.on_canvas import Handle, Tag

ESCAPE = Qt.Key.Key_Escape


def end_by_key(comparison, pair, canvas):
    QTest.keyClick(canvas.native, ESCAPE)


def end_by_key_of_the_window(comparison, pair, canvas):
    QTest.keyClick(canvas.native.window(), ESCAPE)


def end_by_call(comparison, pair, canvas):
    comparison.stop()


def end_by_owner(comparison, pair, canvas):
    comparison.stop_for("another")
    assert comparison.mode is not None
    comparison.leave("me")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("end", [end_by_key, end_by_key_of_the_window, end_by_call, end_by_owner])
def test_every_end_restores_everything(viewer, comparison, pair, canvas, state, qtbot, mode, end):
    viewer.add_image(np.zeros((4, 5)), visible=False)
    pair[1].contrast_limits = (20, 70)
    before = state(viewer)

    comparison.start(mode, *pair, owner="me")
    during = state(viewer)
    end(comparison, pair, canvas)

    assert during != before
    assert comparison.mode is None
    assert state(viewer) == before
    qtbot.waitUntil(lambda: not canvas.native.children())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("gone", [0, 1])
def test_removing_a_layer_ends_it(viewer, comparison, pair, canvas, qtbot, mode, gone):
    hidden = viewer.add_image(np.zeros((4, 5)))
    limits = pair[1 - gone].contrast_limits

    comparison.start(mode, *pair)
    viewer.layers.remove(pair[gone])
    pair[gone].contrast_limits = (1, 2)  # linked no longer

    assert comparison.mode is None
    assert pair[gone].name in comparison.sentence
    assert [layer.visible for layer in (*pair, hidden)] == [True, True, True]
    assert pair[1 - gone].contrast_limits == limits
    qtbot.waitUntil(lambda: not canvas.native.children())


def test_removing_another_layer_does_not_end_it(viewer, comparison, pair):
    viewer.add_image(np.zeros((4, 5)))

    comparison.start("side by side", *pair)
    del viewer.layers[2]

    assert comparison.mode == "side by side"
    comparison.stop()


def test_the_slider_ends_in_3d(viewer, comparison, pair, canvas):
    comparison.start("slider", *pair)

    viewer.dims.ndisplay = 3

    assert comparison.mode is None
    assert FLAT in comparison.sentence
    with pytest.raises(ValueError, match="2D"):
        comparison.start("slider", *pair)
    comparison.start("blink", *pair)
    comparison.stop()


def test_the_slider_needs_a_canvas(comparison, pair):
    with pytest.raises(ValueError, match="is not available"):
        comparison.start("slider", *pair)

    assert comparison.mode is None


@pytest.mark.parametrize(
    ("choose", "words"),
    [
        (lambda pair: (None, pair[1]), "two image layers"),
        (lambda pair: (pair[0], pair[0]), "both are cells"),
    ],
)
def test_two_different_layers_are_needed(comparison, pair, choose, words):
    assert words in comparison.problem("blink", *choose(pair))


def test_a_layer_of_no_viewer_is_named(viewer, comparison, pair):
    viewer.layers.remove(pair[1])

    assert comparison.problem("blink", *pair) == "The layer cells x2 is no longer in the viewer."


def test_a_mode_replaces_another_one(viewer, comparison, pair, canvas, state, qtbot):
    before = state(viewer)

    for mode in (*MODES, *MODES):
        comparison.start(mode, *pair)
    comparison.stop()

    assert state(viewer) == before
    qtbot.waitUntil(lambda: not canvas.native.children())


def test_the_line_stays_where_it_was(comparison, pair, canvas):
    comparison.start("slider", *pair)
    canvas.native.findChildren(Handle)[0].move_to(0.2)
    comparison.turn()
    comparison.stop()

    comparison.start("slider", *pair)

    handle = canvas.native.findChildren(Handle)[-1]
    assert (handle.share, handle.horizontal) == (0.2, True)
    comparison.stop()


def test_limits_are_linked_meanwhile(comparison, pair):
    comparison.start("blink", *pair)
    pair[0].contrast_limits = (30, 60)
    comparison.stop()

    assert tuple(pair[1].contrast_limits) == (30, 60)


def test_a_viewer_has_one_comparison_which_dies_with_its_users(viewer):
    from napari.utils._proxies import PublicOnlyProxy

    first = comparison_of(viewer)
    same = comparison_of(PublicOnlyProxy(viewer)) is first
    gone = weakref.ref(first)
    del first
    gc.collect()

    assert same
    assert gone() is None


def test_dragging_keys_and_closing_work_in_a_window(shown, state, qtbot):
    before = state(shown.viewer)
    shown.comparison.start("slider", shown.before, shown.after)
    (handle,) = shown.native.findChildren(Handle)
    focused = shown.native.window().focusWidget()
    middle = handle.rect().center()

    QTest.mousePress(handle, Qt.MouseButton.LeftButton, pos=middle)
    QTest.mouseRelease(handle, Qt.MouseButton.LeftButton, pos=middle + QPoint(5, 0))
    QTest.keyClick(handle, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    moved = handle.share
    picture = shown.viewer.screenshot(canvas_only=False, flash=False)
    QTest.keyClick(handle, ESCAPE)

    assert focused is handle
    assert moved == pytest.approx(0.6, abs=0.02)
    assert picture.size > 0
    assert state(shown.viewer) == before
    qtbot.waitUntil(lambda: not shown.native.findChildren(Tag))
    for mode in MODES:
        shown.comparison.start(mode, shown.before, shown.after)
        shown.picture()
    shown.viewer.close()
    assert shown.comparison.mode is None


@pytest.mark.parametrize("mode", MODES)
def test_a_canvas_that_is_deleted_ends_it(viewer, comparison, pair, canvas, state, qtbot, mode):
    before = state(viewer)

    comparison.start(mode, *pair)
    canvas.native.deleteLater()
    qtbot.waitUntil(lambda: comparison.mode is None)

    assert state(viewer) == before


@pytest.mark.parametrize("emptied", ["comparison", "viewer"])
def test_an_owner_may_leave_after_the_garbage_collector_came(emptied):
    viewer = ViewerModel()
    comparison = Comparison(viewer)
    comparison.join("me")
    {"comparison": comparison, "viewer": viewer}[emptied].__dict__.clear()

    comparison.leave("me")
