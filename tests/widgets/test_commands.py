"""The commands, on a form beside a viewer without a window."""

from types import SimpleNamespace

import numpy as np
import pytest
from forms import PATIENCE, Gated, camera_of, resize_canvas
from qtpy.QtWidgets import QDockWidget

from napari_sr.widgets import commands
from napari_sr.widgets.common.layer_source import METADATA_KEY


@pytest.fixture
def opened(viewer, widget, monkeypatch):
    """Return a viewer whose window opens the form that is there."""
    asked = []

    def add_plugin_dock_widget(*names, tabify):
        asked.append(names)
        return QDockWidget(), widget

    window = SimpleNamespace(add_plugin_dock_widget=add_plugin_dock_widget)
    return SimpleNamespace(window=window, asked=asked)


def test_the_visible_region_is_upscaled(opened, viewer, widget, camera, qtbot):
    resize_canvas(viewer, 10, 10)
    camera_of(viewer).center, camera_of(viewer).zoom = (0, 6, 8), 2

    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        commands.upscale_visible_region(opened)

    record = viewer.layers["camera, part [FSRCNN x2]"].metadata[METADATA_KEY]
    assert record["region"] == ((4, 9), (6, 11))
    assert opened.asked == [("napari-sr", "Upscale layer")]


def test_what_is_wrong_is_told(opened, viewer, monkeypatch):
    told = []
    monkeypatch.setattr(commands, "show_info", told.append)
    viewer.add_image(np.zeros((4, 5), bool), name="mask")

    commands.upscale_visible_region(opened)

    assert len(told) == 1
    assert "mask has the type bool" in told[0]


def test_the_preview_is_switched_on_and_off(opened, widget, camera):
    commands.toggle_preview(opened)
    on = widget.form.preview.isChecked()

    commands.toggle_preview(opened)

    assert (on, widget.form.preview.isChecked()) == (True, False)


def test_during_a_run_the_command_says_so_and_leaves_the_form_alone(
    opened, viewer, widget, camera, loader, monkeypatch, qtbot
):
    told = []
    monkeypatch.setattr(commands, "show_info", told.append)
    loader.network = Gated(scale=2)
    widget.form.run.click()
    qtbot.waitUntil(lambda: loader.network.begun.acquire(blocking=False), timeout=PATIENCE)
    region = widget.form.region.area.currentText()

    commands.upscale_visible_region(opened)

    assert told == ["A run is in progress: wait until it ends, or cancel it first."]
    assert widget.form.region.area.currentText() == region
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        loader.network.permits.release(1000)
