"""Two layers to compare, in a viewer without a window and in one with a canvas."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from qtpy.QtWidgets import QWidget
from vispy.util.event import EmitterGroup, Event

from napari_sr.widgets.compare import comparison as compared
from napari_sr.widgets.compare import curtain, mode
from napari_sr.widgets.compare.comparison import comparison_of
from napari_sr.widgets.compare.kept_state import KeptState
from napari_sr.widgets.compare.on_canvas import Tag

LOOK = ("name", "visible", "opacity", "blending", "contrast_limits", "gamma")
"""What must be as before, of every layer."""


@pytest.fixture
def put(random):
    """Return a function that adds a source and its twofold enlargement to a viewer."""

    def add(viewer, **arguments):
        source = random.integers(0, 255, (24, 32), np.uint8)
        result = random.integers(0, 255, (48, 64), np.uint8)
        before = viewer.add_image(source, name="cells", **arguments)
        after = viewer.add_image(
            result, name="cells x2", scale=(0.5, 0.5), translate=(-0.25, -0.25), **arguments
        )
        return before, after

    return add


@pytest.fixture
def pair(viewer, put):
    """Return two layers in a viewer without a window."""
    return put(viewer)


@pytest.fixture
def comparison(viewer):
    return comparison_of(viewer)


@pytest.fixture
def canvas(viewer, qtbot, monkeypatch):
    """Give the viewer a canvas on which nothing is drawn: a widget of 400 x 300 pixels."""
    window = QWidget()
    qtbot.addWidget(window)
    native = QWidget(window)
    native.resize(400, 300)
    events = EmitterGroup(draw=Event)
    # the window lives as long as this
    found = SimpleNamespace(window=window, native=native, events=events, layer_to_visual={})
    for module in (curtain, mode, compared):
        monkeypatch.setattr(module, "canvas_of", lambda viewer: found)
    window.show()
    return found


@pytest.fixture
def shown(make_napari_viewer, put):
    """Return a viewer in a visible window, its comparison, and two layers; this takes seconds."""
    viewer = make_napari_viewer(strict_qt="raise", show=True)
    before, after = put(viewer)
    canvas = viewer.window._qt_viewer.canvas
    # screenshots end with a flash unless told otherwise
    return SimpleNamespace(
        viewer=viewer, before=before, after=after, canvas=canvas, native=canvas.native,
        comparison=comparison_of(viewer), picture=lambda: viewer.screenshot(flash=False),
    )  # fmt: skip


@pytest.fixture
def state():
    """Return a function that describes all that a comparison may change."""

    def describe(viewer):
        grid = viewer.canvas.grid if hasattr(viewer, "canvas") else viewer.grid
        layers = [[str(getattr(layer, name, None)) for name in LOOK] for layer in viewer.layers]
        emitters = [viewer.layers.events, viewer.dims.events, viewer.events]
        emitters += [layer.events for layer in viewer.layers]
        callbacks = [
            len(emitter.callbacks) for group in emitters for emitter in group.emitters.values()
        ]
        grid = grid.enabled, grid.stride, grid.shape, grid.spacing
        return layers, grid, callbacks, sorted(map(str, viewer.keymap))

    return describe


@pytest.fixture
def begun(viewer, pair):
    """Return a function that begins a mode, and ends it after the test."""
    running = []

    def begin(kind, layers=pair):
        shown = kind(viewer, *layers, KeptState())
        shown.begin()
        running.append(shown)
        return shown

    yield begin
    for shown in running:
        shown.end()
        shown.kept.restore()


@pytest.fixture
def tags():
    """Return a function that lists the names on a canvas."""
    return lambda canvas: [tag.accessibleName() for tag in canvas.native.findChildren(Tag)]
