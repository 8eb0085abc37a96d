"""The form in a real window: docks, menus, the activity dock, and windows that close."""

from __future__ import annotations

import gc
import weakref
from types import SimpleNamespace

import numpy as np
import pytest
import qtpy
from forms import PATIENCE, Failing, Gated
from napari.utils import progress
from superqt.utils import WorkerBase

from napari_sr.runs import cache
from napari_sr.training.checkpointing import export
from napari_sr.training.finetuning.config import FineTuned, Scores
from napari_sr.zoo import trained

PLUGIN = "napari-sr"


@pytest.fixture
def window(make_napari_viewer, loader, random):
    """Return a viewer in a window with an image and the docked form."""
    viewer = make_napari_viewer(strict_qt="raise")
    viewer.add_image(random.integers(0, 255, (16, 16), np.uint8), name="camera")
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Upscale layer")
    yield viewer, widget
    WorkerBase.await_workers(PATIENCE)


@pytest.fixture
def running(window, loader, qtbot):
    """Return the same while the first of four tiles is being computed, and the tiles' gate."""
    viewer, widget = window
    loader.network = Gated(scale=2)
    gate = SimpleNamespace(permits=loader.network.permits, begun=loader.network.begun)
    widget.form.tile.setValue(8)
    widget.form.run.click()
    qtbot.waitUntil(lambda: gate.begun.acquire(blocking=False), timeout=PATIENCE)
    yield viewer, widget, gate
    gate.permits.release(1000)


def all_done(qtbot):
    qtbot.waitUntil(lambda: not WorkerBase._worker_set, timeout=PATIENCE)
    qtbot.wait(20)


def test_the_manifest_brings_the_form(window):
    _viewer, widget = window

    assert type(widget).__name__ == "UpscaleWidget"
    assert widget.form.layers.currentText() == "camera"


def test_the_form_follows_the_layer_list(window):
    viewer, widget = window

    viewer.add_image(np.zeros((4, 5)), name="second")
    viewer.layers["camera"].name = "renamed"
    names = [widget.form.layers.itemText(i) for i in range(widget.form.layers.count())]
    del viewer.layers["renamed"]

    assert names == ["renamed", "second"]
    assert widget.form.layers.count() == 1


def test_the_result_comes_into_the_window(window, qtbot):
    viewer, widget = window

    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        widget.form.run.click()

    assert "camera [FSRCNN x2]" in viewer.layers
    assert not progress._all_instances


@pytest.fixture
def into_folder(window, tmp_path):
    """Return the same with a folder as output."""
    viewer, widget = window
    widget.form.output.kind.setCurrentText("OME-Zarr folder")
    widget.form.output.path.setText(str(tmp_path / "camera.ome.zarr"))
    return viewer, widget, tmp_path / "camera.ome.zarr"


@pytest.mark.needs("zarr")
def test_a_folder_is_shown_in_the_window_and_opens_in_a_new_one(
    into_folder, make_napari_viewer, qtbot
):
    viewer, widget, folder = into_folder
    viewer.layers["camera"].scale = (0.5, 0.5)

    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        widget.form.run.click()
    layer = viewer.layers["camera [FSRCNN x2]"]
    (again,) = make_napari_viewer(strict_qt="raise").open(folder, plugin=PLUGIN)

    np.testing.assert_array_equal(layer.data[0], viewer.layers[0].data.repeat(2, 0).repeat(2, 1))
    np.testing.assert_array_equal(again.extent.world, layer.extent.world)
    assert again.name == layer.name


@pytest.mark.needs("zarr")
def test_closing_the_viewer_while_a_folder_is_written_ends_it(into_folder, loader, qtbot):
    viewer, widget, folder = into_folder
    loader.network = Gated(scale=2)
    network = loader.network
    widget.form.tile.setValue(8)
    widget.form.run.click()
    qtbot.waitUntil(lambda: network.begun.acquire(blocking=False), timeout=PATIENCE)

    viewer.close()
    network.permits.release(1000)
    all_done(qtbot)

    assert not network.begun.acquire(blocking=False)  # no second tile was begun
    assert not folder.exists()


@pytest.mark.skipif(qtpy.API == "pyside6", reason="napari's own slot raises a TypeError there")
def test_an_error_in_the_window_leaves_the_buttons_alive(window, loader, qtbot):
    _viewer, widget = window
    loader.network = Failing(RuntimeError("CUDA error: device-side assert triggered"))

    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        widget.form.run.click()

    assert "device-side assert" in widget.form.status.text()
    assert widget.form.run.isEnabled()
    assert not progress._all_instances


def test_the_activity_docks_cancel_button_ends_the_run(running, qtbot):
    _viewer, widget, gate = running
    (bar,) = progress._all_instances

    bar.cancel()
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        gate.permits.release(1000)

    assert widget.form.status.text() == "Cancelled."
    assert not progress._all_instances


def test_a_cancelled_run_leaves_nothing_in_memory_while_the_window_lives(running, loader, qtbot):
    _viewer, widget, gate = running
    gone = weakref.ref(loader.network)
    loader.network = None
    widget.form.stop.click()
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        gate.permits.release(1000)
    all_done(qtbot)

    cache._loaded.cache_clear()
    gc.collect()

    # napari's list of tasks holds the worker until the window closes
    assert gone() is None


def test_closing_the_viewer_frees_the_part_that_could_be_kept(running, qtbot):
    viewer, widget, gate = running
    widget.form.stop.click()
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        gate.permits.release(1000)
    pixels = weakref.ref(widget.keep._offered[1].pixels.base)

    viewer.close()
    del viewer, widget
    all_done(qtbot)

    def freed():
        gc.collect()
        return pixels() is None

    qtbot.waitUntil(freed, timeout=PATIENCE)


def test_closing_the_viewer_ends_a_paused_run(running, qtbot):
    viewer, widget, gate = running
    widget.form.pause.click()
    gate.permits.release(1000)
    qtbot.waitUntil(lambda: widget.form.status.text().startswith("Paused"), timeout=PATIENCE)

    viewer.close()

    all_done(qtbot)


def test_closing_the_dock_during_a_run_ends_it(running, qtbot):
    viewer, widget, gate = running

    viewer.window.remove_dock_widget(widget)
    gate.permits.release(1000)
    all_done(qtbot)

    assert len(viewer.layers) == 1
    assert not gate.begun.acquire(blocking=False)  # no second tile was begun
    assert not progress._all_instances


@pytest.fixture
def beside(window):
    """Return the same with the form that trains beside it."""
    viewer, widget = window
    _, training = viewer.window.add_plugin_dock_widget(PLUGIN, "Train a network")
    return viewer, widget, training


def test_what_was_trained_is_chosen_in_the_form_that_upscales(beside, tmp_path, monkeypatch):
    _viewer, widget, training = beside
    monkeypatch.setenv(trained.VARIABLE, str(tmp_path))
    here = {"base_model": "", "images": ["camera"], "degradation": "", "psnr": 31, "bicubic": 30}
    card = {"network": "fsrcnn", "scale": 2, "options": {}, "here": here}
    export(tmp_path / "mine.safetensors", {}, card)

    training._show_result(FineTuned(tmp_path / "mine.safetensors", 31.0, Scores(30.0, 29.0), 9))
    training.form.use.click()

    assert widget.form.model.choice().label == "mine x2"
    assert training.form.use.isVisibleTo(training)


def test_closing_the_dock_that_trains_lets_go_of_the_layers(beside, qtbot):
    viewer, _widget, training = beside

    viewer.window.remove_dock_widget(training)
    qtbot.wait(20)
    viewer.layers[0].contrast_limits = (3, 9)
    viewer.layers.clear()

    assert training._closed


def test_after_the_dock_was_closed_layers_come_and_go(window, qtbot):
    viewer, widget = window

    viewer.window.remove_dock_widget(widget)
    viewer.add_image(np.zeros((4, 5)))
    qtbot.wait(20)
    viewer.layers[0].contrast_limits = (3, 9)
    viewer.layers.clear()

    assert len(viewer.layers) == 0


def test_closing_the_viewer_during_a_run_ends_it(running, qtbot):
    viewer, _widget, gate = running

    viewer.close()
    gate.permits.release(1000)
    all_done(qtbot)

    assert not gate.begun.acquire(blocking=False)  # no second tile was begun


def test_closing_the_viewer_during_a_forecast_harms_nothing(window, qtbot):
    viewer, widget = window
    widget.form.tile.setValue(12)
    qtbot.wait(205)

    viewer.close()

    all_done(qtbot)


def test_the_table_of_models_opens_beside_the_form_and_chooses_a_model(window, qtbot):
    viewer, widget = window

    widget.form.all_models.click()
    table = viewer.window.dock_widgets["Models (napari-sr)"]
    qtbot.waitUntil(lambda: table.form.table.shown.rowCount() > 0, timeout=PATIENCE)
    table.form.table.select({"microscope"})
    table.form.use.click()

    assert widget.form.model.choice().label == "Microscope x2"
