"""What the form shows during and after runs: pauses, and what cancelled runs leave."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from forms import PATIENCE, Gated
from qtpy.QtWidgets import QWidget

from napari_sr.engine.execution import tile
from napari_sr.runs import forecast
from napari_sr.widgets.common.layer_source import METADATA_KEY
from napari_sr.widgets.upscale.output_chooser import FOLDER


@pytest.fixture
def start(viewer, widget, loader, qtbot, monkeypatch):
    """Return a function that begins a run of tiles of 8 pixels, and computes some of them."""
    monkeypatch.setattr(forecast, "_speed", lambda *_: 1e6)  # it would take a permit
    loader.network = Gated(scale=2)
    widget.form.tile.setValue(8)

    def press(tiles):
        widget.form.run.click()
        for _ in range(tiles):
            loader.network.permits.release()
        for _ in range(tiles + 1):
            taken = lambda: loader.network.begun.acquire(blocking=False)  # noqa: E731
            qtbot.waitUntil(taken, timeout=PATIENCE)
        return loader.network

    return press


@pytest.fixture
def cancel(widget, qtbot):
    """Return a function that cancels a run in the tile that is being computed."""

    def press(network):
        widget.form.stop.click()
        with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
            network.permits.release(1000)

    return press


# what a finished run offers


def test_buttons_name_their_result_and_go_with_it(viewer, widget, camera, run):
    run(widget)
    assert widget.about.isHidden()  # the status names the result
    result = viewer.layers[1]
    viewer.add_image(np.zeros((30, 30), np.uint8), name="other")

    assert widget.about.text() == "For camera [FSRCNN x2]:"
    result.name = "large"
    assert widget.about.text() == "For large:"

    viewer.layers.remove(camera)
    assert (widget.check_map.isEnabled(), widget.record.isHidden()) == (False, False)
    viewer.layers.remove(result)
    for shown in (widget.about, widget.compare, widget.check_map, widget.record):
        assert shown.isHidden()


def test_a_low_form_scrolls_to_the_finished_part(widget, camera, start, cancel, qtbot):
    widget.form.more.open()
    widget.resize(450, 400)
    widget.show()
    cancel(start(1))

    def visible(one):
        return one.visibleRegion().boundingRect().height() == one.height()

    qtbot.waitUntil(lambda: visible(widget.keep) and visible(widget.form.status))
    widget.keep.click()
    qtbot.waitUntil(lambda: visible(widget.record))


# what a cancelled run leaves


def test_the_finished_part_of_a_cancelled_run_can_be_kept(viewer, widget, camera, start, cancel):
    cancel(start(1))  # and the tile in which Cancel was pressed

    status, text = widget.form.status.text(), widget.keep.text()
    widget.keep.click()

    assert (status, text) == ("Cancelled.", "Keep the finished part (50 %)")
    source, layer = viewer.layers
    assert layer.name == "camera, unfinished: 6 of 12 rows [FSRCNN x2]"
    np.testing.assert_array_equal(layer.data, camera.data[:6].repeat(2, 0).repeat(2, 1))
    assert layer.data_to_world((-0.5, -0.5)) == source.data_to_world((-0.5, -0.5))
    record = layer.metadata[METADATA_KEY]
    assert record["kept"] == ((0, 12), (0, 32))
    assert (record["model"], record["source"], record["tile"]) == ("fsrcnn-x2", "camera", 8)
    assert layer.name in widget.form.status.text()
    assert widget.compare.pair() == (camera, layer)
    assert not widget.record.isHidden()
    assert widget.form.layers.layer() is camera


def test_of_a_stack_the_finished_planes_are_kept(
    viewer, widget, start, cancel, random, monkeypatch
):
    monkeypatch.setattr(tile, "BREATH", 0.0)  # a run can end after each link of a tile
    stack = viewer.add_image(random.integers(0, 255, (5, 8, 8), np.uint8), name="stack")

    cancel(start(2))  # the third plane is computed, but not written
    widget.keep.click()

    layer = viewer.layers[1]
    assert layer.name == "stack, unfinished: 2 of 5 planes [FSRCNN x2]"
    np.testing.assert_array_equal(layer.data, stack.data[:2].repeat(2, 1).repeat(2, 2))


def test_a_run_cancelled_before_its_first_tile_has_nothing_to_keep(
    viewer, widget, camera, qtbot, monkeypatch
):
    monkeypatch.setattr(tile, "BREATH", 0.0)  # otherwise, this tile would be computed and kept
    widget.form.run.click()
    widget.form.stop.click()
    qtbot.waitUntil(lambda: not widget.is_running, timeout=PATIENCE)

    assert widget.keep.isHidden()
    assert len(viewer.layers) == 1


def test_a_run_that_ends_while_it_is_cancelled_is_offered_as_a_whole(
    viewer, widget, camera, start, cancel
):
    cancel(start(3))

    assert widget.form.status.text() == "Cancelled."
    assert widget.keep.text() == "Keep the finished part (100 %)"
    widget.keep.click()
    assert viewer.layers[1].name == "camera [FSRCNN x2]"
    assert viewer.layers[1].metadata[METADATA_KEY]["model"] == "fsrcnn-x2"


@pytest.mark.parametrize("how", ["edit", "run", "select", "remove", "close", "keep and remove"])
def test_no_pixels_are_held_after_the_user_moves_on(
    viewer, widget, camera, start, cancel, qtbot, monkeypatch, how
):
    other = viewer.add_image(np.zeros((4, 4), np.uint8), name="other")
    viewer.layers.selection = {camera}
    cancel(start(1))
    pixels = weakref.ref(widget.keep._offered[1].pixels.base)
    monkeypatch.setattr(widget, "deleteLater", lambda: None)  # the fixtures still need it

    if how == "edit":
        widget.form.tile.setValue(9)
    elif how == "run":
        widget.form.run.click()
    elif how == "select":
        viewer.layers.selection = {other}
    elif how == "remove":
        viewer.layers.remove(camera)
    elif how == "close":
        beside = QWidget()
        widget.setParent(beside)
        widget.setParent(None)
    else:
        widget.keep.click()
        viewer.layers.remove(viewer.layers[1])
        viewer.layers.selection._current = None  # napari's own reference
    qtbot.waitUntil(lambda: not widget.is_running, timeout=PATIENCE)

    def freed():
        gc.collect()
        return pixels() is None

    qtbot.waitUntil(freed, timeout=PATIENCE)
    assert widget.keep.isHidden()


# pauses


def paused(widget, qtbot, network):
    """Press Pause, and let the tile that is being computed end."""
    widget.form.pause.click()
    asked = widget.form.status.text()
    network.permits.release(1000)
    qtbot.waitUntil(lambda: widget.form.status.text().startswith("Paused"), timeout=PATIENCE)
    return asked


def test_a_run_is_paused_between_tiles_and_resumed(viewer, widget, camera, start, qtbot):
    network = start(1)
    begins = "Upscaling: tile 1"
    qtbot.waitUntil(lambda: widget.form.status.text().startswith(begins), timeout=PATIENCE)
    asked = paused(widget, qtbot, network)
    still, bar = widget.form.status.text(), widget._bar.desc
    begun = network.begun.acquire(blocking=False)

    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        widget.form.pause.click()

    assert asked == "Upscaling: tile 1 of 4. Pausing …"
    assert still == "Paused. Upscaling: tile 2 of 4"
    assert "FSRCNN x2, paused" in bar
    assert not begun
    np.testing.assert_array_equal(viewer.layers[1].data, camera.data.repeat(2, 0).repeat(2, 1))
    assert widget.form.pause.isHidden()


def test_a_paused_run_can_be_cancelled_and_kept(viewer, widget, camera, start, qtbot):
    paused(widget, qtbot, start(0))

    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        widget.form.stop.click()

    assert widget.form.status.text() == "Cancelled."
    assert widget.keep.text() == "Keep the finished part (25 %)"
    assert widget.form.run.isEnabled()


@pytest.mark.needs("zarr")
def test_a_run_into_a_folder_is_paused(viewer, widget, start, tmp_path, small_blocks, qtbot):
    viewer.add_image(np.ones((128, 64), np.uint8), name="cells")
    widget.form.output.kind.setCurrentText(FOLDER)
    widget.form.output.path.setText(str(tmp_path / "result.ome.zarr"))
    widget.form.output._choose()
    widget.form.output._type()
    widget.form.tile.setValue(64)
    network = start(0)

    paused(widget, qtbot, network)
    told = widget.form.status.text()
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        widget.form.pause.click()

    assert "of 2 blocks written" in told
    assert widget.form.status.text().startswith("Done: cells [FSRCNN x2]; the shrunk result ")


def test_a_pause_that_comes_too_late_for_a_layer_holds_the_next_layer(viewer, widget, start, qtbot):
    viewer.add_image(np.ones((8, 8), np.uint8), name="one")
    viewer.add_image(np.ones((8, 8), np.uint8), name="two")
    viewer.layers.selection = set(viewer.layers)

    network = start(0)
    widget._pausing = True  # as if Pause was pressed after the worker's last look
    network.permits.release(1000)
    qtbot.waitUntil(lambda: widget.form.status.text().startswith("Paused"), timeout=PATIENCE)
    told, layers = widget.form.status.text(), len(viewer.layers)
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        widget.form.pause.click()

    assert told.startswith("Paused. 2 of 2: ")
    assert layers == 3
    assert widget.form.status.text() == "Done: 2 of 2 layers"


def test_closing_the_form_ends_a_paused_run(widget, camera, start, qtbot, monkeypatch):
    paused(widget, qtbot, start(0))
    monkeypatch.setattr(widget, "deleteLater", lambda: None)
    beside = QWidget()
    widget.setParent(beside)

    widget.setParent(None)

    qtbot.waitUntil(lambda: not widget.is_running, timeout=PATIENCE)


# hidden layers


def test_the_result_of_a_hidden_layer_is_shown_and_this_is_said(viewer, widget, camera, run):
    camera.visible = False

    run(widget)

    assert viewer.layers[1].visible
    assert widget.form.status.text().startswith(
        "Done: camera [FSRCNN x2]; camera is hidden, but its result is shown; the shrunk result "
    )
