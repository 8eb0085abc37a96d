"""Removing a layer sends OpenGL commands to the canvas, not to Qt."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtGui import QOpenGLContext
from vispy.gloo.context import GLContext

from napari_sr.widgets.common.removal_guard import guard_removals


@pytest.fixture
def viewer(make_napari_viewer, qtbot):
    """Return a viewer in a window that was drawn, with two layers."""
    viewer = make_napari_viewer(show=True)
    viewer.add_image(np.zeros((8, 8), np.uint8), name="first")
    viewer.add_image(np.zeros((8, 8), np.uint8), name="second")
    qtbot.wait(200)
    return viewer


@pytest.fixture
def contexts(viewer, monkeypatch):
    """Return a list of whether each flush of commands had the canvas's context."""
    own, found = viewer.window._qt_viewer.canvas.native.context(), []

    def flush(self, event=None):
        found.append(QOpenGLContext.currentContext() is own)

    monkeypatch.setattr(GLContext, "flush_commands", flush)
    return found


def test_commands_go_to_the_context_of_the_canvas(viewer, contexts):
    guard_removals(viewer)

    viewer.layers.remove("second")

    assert contexts
    assert all(contexts)


def test_napari_alone_sends_them_elsewhere(viewer, contexts):
    viewer.layers.remove("second")

    assert not all(contexts), "napari has mended it: the guard can go once it needs this version"


def test_a_viewer_is_guarded_once():
    viewer = ViewerModel()
    viewer.add_image(np.zeros((8, 8), np.uint8))
    before = len(viewer.layers.events.removing.callbacks)

    guard_removals(viewer)
    guard_removals(viewer)

    assert len(viewer.layers.events.removing.callbacks) == before + 1
    viewer.layers.clear()  # there is no canvas: nothing happens
