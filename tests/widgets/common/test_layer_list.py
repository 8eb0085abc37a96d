"""What forms do with a viewer's layer list."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image
from napari.utils._proxies import PublicOnlyProxy
from qtpy.QtGui import QOpenGLContext
from vispy.gloo.context import GLContext

from napari_sr.widgets.common.layer_list import guard_removals, insert_unselected, unwrapped


def test_a_proxy_is_taken_off(viewer):
    assert unwrapped(PublicOnlyProxy(viewer)) is viewer
    assert unwrapped(viewer) is viewer


def test_the_selection_stays_and_tells_of_no_change(viewer):
    chosen = viewer.add_image(np.zeros((2, 3)))
    told = []
    viewer.layers.selection.events.changed.connect(told.append)
    added = Image(np.ones((2, 3)))

    insert_unselected(viewer.layers, 0, added)

    assert list(viewer.layers) == [added, chosen]
    assert viewer.layers.selection == {chosen}
    assert told == []


def test_other_layers_are_selected_as_before(viewer):
    insert_unselected(viewer.layers, 0, Image(np.ones((2, 3))))
    with pytest.raises(TypeError):
        insert_unselected(viewer.layers, 0, "no layer")

    later = viewer.add_image(np.zeros((2, 3)))

    assert viewer.layers.selection == {later}


def test_the_layers_of_a_window_are_a_proxy(viewer):
    chosen = viewer.add_image(np.zeros((2, 3)))
    added = Image(np.ones((2, 3)))

    insert_unselected(PublicOnlyProxy(viewer).layers, 1, added)

    assert list(viewer.layers) == [chosen, added]
    assert viewer.layers.selection == {chosen}


@pytest.fixture
def drawn(make_napari_viewer, qtbot):
    """Return a viewer in a window that was drawn, with two layers."""
    viewer = make_napari_viewer(show=True)
    viewer.add_image(np.zeros((8, 8), np.uint8), name="first")
    viewer.add_image(np.zeros((8, 8), np.uint8), name="second")
    qtbot.wait(200)
    return viewer


@pytest.fixture
def contexts(drawn, monkeypatch):
    """Return a list of whether each flush of commands had the canvas's context."""
    own, found = drawn.window._qt_viewer.canvas.native.context(), []

    def flush(self, event=None):
        found.append(QOpenGLContext.currentContext() is own)

    monkeypatch.setattr(GLContext, "flush_commands", flush)
    return found


def test_commands_go_to_the_context_of_the_canvas(drawn, contexts):
    guard_removals(drawn)

    drawn.layers.remove("second")

    assert contexts
    assert all(contexts)


def test_napari_alone_sends_them_elsewhere(drawn, contexts):
    drawn.layers.remove("second")

    assert not all(contexts), "napari has mended it: the guard can go once it needs this version"


def test_a_viewer_is_guarded_once():
    viewer = ViewerModel()
    viewer.add_image(np.zeros((8, 8), np.uint8))
    before = len(viewer.layers.events.removing.callbacks)

    guard_removals(viewer)
    guard_removals(viewer)

    assert len(viewer.layers.events.removing.callbacks) == before + 1
    viewer.layers.clear()  # there is no canvas: nothing happens
