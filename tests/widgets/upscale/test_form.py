"""The form beside a viewer without a window: what it offers, refuses, runs and survives."""

from __future__ import annotations

import gc
import os
import threading
import weakref

import numpy as np
import pytest
import torch
from fakes import Hungry, Nearest, Wild
from forms import PATIENCE, Failing, Gated, Slow, camera_of, resize_canvas
from napari.layers import Layer
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QWidget

import napari_sr
from napari_sr import models, reader
from napari_sr.engine.execution import pace, tile
from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.planning.settings import EngineError, Settings
from napari_sr.runs import cache, forecast
from napari_sr.runs.model import ModelReference
from napari_sr.runs.run import drive
from napari_sr.runs.words import TIMES
from napari_sr.streaming.journal import Journal
from napari_sr.streaming.layer_task import LayerTask
from napari_sr.widgets.common import dock
from napari_sr.widgets.common.layer_source import METADATA_KEY
from napari_sr.widgets.common.memory import remember
from napari_sr.widgets.upscale import growing, resuming
from napari_sr.widgets.upscale.output_chooser import FOLDER
from napari_sr.widgets.upscale.region_chooser import CURRENT
from napari_sr.zoo.resized import Resized


@pytest.fixture
def gated(widget, camera, loader, qtbot):
    """Press Run on a network of four tiles, and wait until the first one is being computed."""
    loader.network = Gated(scale=2)
    widget.form.tile.setValue(8)

    def start():
        widget.form.run.click()
        qtbot.waitUntil(lambda: loader.network.begun.acquire(blocking=False), timeout=PATIENCE)
        return loader.network

    return start


def release_all(network):
    network.permits.release(1000)


def finish(widget, network, qtbot):
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        release_all(network)


def assert_freed(gone, qtbot):
    """Wait until a network is freed; a forecast that is under way may hold it for a moment."""
    cache._loaded.cache_clear()

    def freed():
        gc.collect()
        return gone() is None

    qtbot.waitUntil(freed, timeout=PATIENCE)


# what it offers


def test_only_image_layers_are_offered(viewer, widget):
    viewer.add_image(np.zeros((4, 5)), name="cells")
    viewer.add_labels(np.zeros((4, 5), int), name="nuclei")
    viewer.add_points([[1, 1]], name="seeds")

    offered = [widget.form.layers.itemText(i) for i in range(widget.form.layers.count())]

    assert offered == ["cells"]


def test_the_selected_layer_is_followed(viewer, widget):
    first = viewer.add_image(np.zeros((4, 5)), name="first")
    viewer.add_image(np.zeros((4, 5)), name="second")

    viewer.layers.selection.active = first

    assert widget.form.layers.currentText() == "first"


def test_a_new_layer_does_not_change_the_choice_unless_it_is_selected(viewer, widget):
    viewer.add_image(np.zeros((4, 5)), name="first")
    viewer.add_labels(np.zeros((4, 5), int), name="nuclei")

    assert widget.form.layers.currentText() == "first"


def test_contrast_limits_of_a_deep_layer_are_followed(viewer, widget):
    layer = viewer.add_image(np.zeros((4, 5), np.uint16), contrast_limits=(0, 4095))

    layer.contrast_limits = (100, 2000)

    assert (widget.form.values.low.text(), widget.form.values.high.text()) == ("100", "2000")


def test_a_layer_that_is_not_chosen_any_more_does_not_matter(viewer, widget):
    old = viewer.add_image(np.zeros((4, 5), np.uint16), contrast_limits=(0, 4095))
    viewer.add_image(np.zeros((4, 5), np.uint16), contrast_limits=(0, 50))

    old.contrast_limits = (100, 2000)

    assert widget.form.values.high.text() == "50"


def test_slices_are_offered_where_there_are_any(viewer, widget):
    viewer.add_image(np.zeros((4, 5)))
    assert widget.form.region.slices.isHidden()

    viewer.add_image(np.zeros((3, 4, 5)))

    assert not widget.form.region.slices.isHidden()


def test_devices_are_named(widget, qtbot):
    names = widget.form.device

    qtbot.waitUntil(lambda: names.count() > 1, timeout=PATIENCE)

    assert names.itemData(0) == "auto"
    assert names.itemText(0).startswith("automatic (")
    assert "cpu" in [names.itemData(i) for i in range(names.count())]


# what it says before a run


def test_it_says_how_large_the_result_will_be(widget, camera, qtbot):
    qtbot.waitUntil(lambda: "24 \u00d7 32" in widget.form.forecast.text(), timeout=PATIENCE)

    widget.form.model.scale.setCurrentIndex(1)
    widget.form.model.scale.activated.emit(1)

    qtbot.waitUntil(lambda: "36 \u00d7 48" in widget.form.forecast.text(), timeout=PATIENCE)


def test_without_an_image_run_is_disabled_and_says_why(widget):
    assert not widget.form.run.isEnabled()
    assert widget.form.status.text() == "Open an image: there is no image layer."


def test_a_mask_is_refused_where_it_is_chosen(viewer, widget):
    viewer.add_image(np.zeros((4, 5), bool), name="mask")

    assert not widget.form.run.isEnabled()
    assert "The layer mask has the type bool" in widget.form.status.text()
    assert "mask has the type bool" in widget.form.layers.toolTip()
    assert "border" in widget.form.layers.styleSheet()


def test_a_wrong_range_is_framed_with_its_reason_until_it_is_right(viewer, widget):
    viewer.add_image(np.zeros((4, 5), np.uint16))
    values = widget.form.values
    values.kind.setCurrentText("custom")
    values.kind.activated.emit(3)

    values.low.setText("")
    values.low.textEdited.emit("")
    framed, reason = values.kind.styleSheet(), values.kind.toolTip()
    enabled = widget.form.run.isEnabled()
    values.low.setText("0")
    values.low.textEdited.emit("0")

    assert "border" in framed
    assert "got ''" in reason
    assert not enabled
    assert values.kind.styleSheet() == ""
    assert "got ''" not in values.kind.toolTip()
    assert widget.form.run.isEnabled()
    assert widget.form.status.text() == ""


def test_a_tile_that_is_too_small_is_framed_with_its_reason(widget, camera, loader, qtbot):
    loader.network = Nearest(radius=4)

    widget.form.tile.setValue(5)

    qtbot.waitUntil(lambda: "border" in widget.form.tile.styleSheet(), timeout=PATIENCE)
    assert not widget.form.run.isEnabled()
    assert "at least 9 px" in widget.form.status.text()
    assert "got 5" in widget.form.tile.toolTip()


def test_a_file_that_is_no_checkpoint_is_framed_with_its_reason(widget, camera, tmp_path, qtbot):
    path = tmp_path / "notes.pth"
    path.write_text("nothing")

    with qtbot.waitSignal(widget.form.model.changed, timeout=PATIENCE):
        widget.form.model.open_file(path)

    assert not widget.form.run.isEnabled()
    assert "Cannot use notes.pth" in widget.form.status.text()
    assert "border" in widget.form.model.models.styleSheet()


@pytest.fixture
def pair(tmp_path, random):
    """Return the files of two small networks of one kind, which can be blended, and of another."""
    made = {}
    for seed, (name, kind) in enumerate((("psnr", "edsr"), ("gan", "edsr"), ("wide", "edsr"))):
        torch.manual_seed(seed)
        record = models.architecture(kind)
        wide = {"features": 12} if name == "wide" else {}
        made[name] = tmp_path / f"{name}.pth"
        torch.save(record.network(**{**record.example, **wide}).state_dict(), made[name])
    return made


@pytest.fixture
def opened(viewer, docked, pair, qtbot, monkeypatch):
    """Return a form with real checkpoints: one chosen, and a function that blends another in."""
    monkeypatch.setattr(forecast, "_speed", lambda settings, reference: 1e6)
    widget = docked(viewer)
    model = widget.form.model
    with qtbot.waitSignal(model.changed, timeout=PATIENCE):
        model.open_file(pair["psnr"])

    def blend_in(name):
        with qtbot.waitSignal(model.blend.changed, timeout=PATIENCE):
            model.blend.open_file(pair[name])
        return widget

    return blend_in


def test_two_files_are_blended_as_the_slider_says(viewer, opened, run, pair, random):
    viewer.add_image(random.integers(0, 255, (9, 8, 3), np.uint8), name="cells", rgb=True)
    widget = opened("gan")

    results = []
    for weight in (0.0, 0.3):
        widget.form.model.blend.weight.setValue(weight)
        run(widget)
        results.append(viewer.layers[-1])

    first, mixed = results
    assert mixed.name == "cells [0.7 psnr + 0.3 gan x2]"
    record = mixed.metadata[METADATA_KEY]
    assert (record["model"], record["weight"]) == ("0.7 psnr + 0.3 gan", 0.3)
    assert len({each["sha256"] for each in record["blended"]}) == 2
    for layer, network in (
        (first, napari_sr.load(pair["psnr"])),
        (mixed, napari_sr.blend(pair["psnr"], pair["gan"], 0.3)),
    ):
        expected = napari_sr.upscale(viewer.layers["cells"].data, network)
        np.testing.assert_array_equal(layer.data, expected)


def test_another_model_reads_the_result_in_the_same_run(viewer, docked, run, monkeypatch, random):
    monkeypatch.setattr(forecast, "_speed", lambda settings, reference: 1e6)
    image = random.integers(0, 255, (12, 14), np.uint8)
    viewer.add_image(image, name="cells", scale=(0.5, 0.5))
    widget = docked(viewer)
    widget.form.then.relist()
    widget.form.then.models.setCurrentText(f"FSRCNN, 3 {TIMES}")
    widget.form.then.changed.emit()

    run(widget)

    layer = viewer.layers[-1]
    assert layer.name == "cells [FSRCNN x2, then FSRCNN x3]"
    assert tuple(layer.scale) == (0.5 / 6, 0.5 / 6)
    assert layer.metadata[METADATA_KEY]["scale"] == 6
    expected = napari_sr.upscale(image, napari_sr.series("fsrcnn-x2", "fsrcnn-x3"))
    np.testing.assert_array_equal(layer.data, expected)


def test_a_model_that_cannot_read_the_result_is_framed(viewer, docked, qtbot, monkeypatch):
    monkeypatch.setattr(forecast, "_speed", lambda settings, reference: 1e6)
    viewer.add_image(np.zeros((9, 8), np.uint8))
    widget = docked(viewer)
    then = widget.form.then.models
    widget.form.then.relist()
    then.setCurrentText(f"EDSR slim, 2 {TIMES}")
    widget.form.then.changed.emit()

    qtbot.waitUntil(lambda: "border" in then.styleSheet(), timeout=PATIENCE)

    assert not widget.form.run.isEnabled()
    assert "edsr-slim-x2 cannot follow fsrcnn-x2" in then.toolTip()


def test_two_that_cannot_be_blended_are_framed_with_the_reason(viewer, opened, qtbot):
    viewer.add_image(np.zeros((9, 8), np.uint8))
    widget = opened("wide")

    second = widget.form.model.blend.models
    qtbot.waitUntil(lambda: "border" in second.styleSheet(), timeout=PATIENCE)

    assert not widget.form.run.isEnabled()
    assert "psnr and wide, which differ in the shape of" in widget.form.status.text()
    assert "psnr and wide" in second.toolTip()


def test_the_form_s_ensemble_reaches_forecast_result_and_name(viewer, widget, camera, run, qtbot):
    widget.form.ensemble.setChecked(True)
    qtbot.waitUntil(lambda: "over 8 views" in widget.form.forecast.text(), timeout=PATIENCE)

    run(widget)

    assert viewer.layers[1].name == "camera [FSRCNN x2, ensemble]"
    assert viewer.layers[1].metadata[METADATA_KEY]["ensemble"] is True


def test_a_consistent_result_is_named_and_recorded_and_models_of_optics_are_refused(
    viewer, widget, camera, run
):
    widget.form.consistent.setChecked(True)
    assert "consistent with the source" in widget.form.differences()

    run(widget)

    assert viewer.layers[1].name == "camera [FSRCNN x2, consistent]"
    record = viewer.layers[1].metadata[METADATA_KEY]
    assert record["consistent"] is True
    assert record["consistency"]["rms"] < 10  # without corrections, 19

    widget.form.model.choose("microscope")
    widget._refresh()
    assert not widget.form.run.isEnabled()
    assert "trained on images blurred by optics" in widget.form.consistent.toolTip()
    widget.form.model.choose("micrograph")
    widget._refresh()
    assert not widget.form.run.isEnabled()
    assert "removes noise, which a consistent result" in widget.form.consistent.toolTip()
    widget.form.more.defaults.click()
    assert not widget.form.consistent.isChecked()
    assert widget.form.run.isEnabled()


# a run


def test_the_result_is_a_new_layer_that_names_model_and_scale(viewer, widget, camera, run):
    run(widget)

    assert [layer.name for layer in viewer.layers] == ["camera", "camera [FSRCNN x2]"]
    np.testing.assert_array_equal(viewer.layers[1].data, camera.data.repeat(2, 0).repeat(2, 1))
    assert viewer.layers[1].metadata[METADATA_KEY]["model"] == "fsrcnn-x2"
    assert widget.form.status.text().startswith("Done: camera [FSRCNN x2]; the shrunk result ")


def test_the_shipped_network_upscales_a_layer_in_place(viewer, docked, run, random):
    widget = docked(viewer)
    pixels = random.integers(0, 4095, (2, 20, 24)).astype(np.uint16)
    layer = viewer.add_image(
        pixels, name="cells", contrast_limits=(0, 4095), scale=(3, 0.5, 0.5), rotate=(0, 0, 20)
    )

    run(widget)

    result = viewer.layers[1]
    record = result.metadata[METADATA_KEY]
    assert (result.data.shape, result.data.dtype) == ((2, 40, 48), np.uint16)
    assert record["model"] == "fsrcnn-x2"
    assert len(record["sha256"]) == 64
    assert record["value_range"] == (0, 4095)
    np.testing.assert_allclose(
        result.data_to_world((1, 10.5, 10.5)), layer.data_to_world((1, 5, 5)), atol=1e-9
    )


def test_colours_stay_colours(viewer, widget, run, random):
    viewer.add_image(random.integers(0, 255, (2, 8, 9, 3), np.uint8), rgb=True)

    run(widget)

    assert viewer.layers[1].rgb
    assert viewer.layers[1].data.shape == (2, 16, 18, 3)


def test_the_finest_level_of_several_is_upscaled(viewer, widget, run):
    viewer.add_image([np.ones((8, 8)), np.ones((4, 4))], multiscale=True)

    run(widget)

    assert viewer.layers[1].data.shape == (16, 16)
    assert not viewer.layers[1].multiscale


def test_the_current_slice_alone_lies_at_its_place(viewer, widget, run, random):
    layer = viewer.add_image(random.integers(0, 255, (5, 8, 9), np.uint8), scale=(2, 1, 1))
    viewer.dims.set_current_step(0, 3)
    widget.form.region.slices.setCurrentText(CURRENT)

    run(widget)

    result = viewer.layers[1]
    np.testing.assert_array_equal(result.data, layer.data[3:4].repeat(2, 1).repeat(2, 2))
    assert result.data_to_world((0, 0.5, 0.5)) == layer.data_to_world((3, 0, 0))
    assert result.metadata[METADATA_KEY]["plane"] == (3,)


def test_a_transposed_view_changes_nothing(viewer, widget, run):
    viewer.add_image(np.ones((5, 8, 9), np.uint8))
    viewer.dims.order = (2, 0, 1)

    run(widget)

    assert viewer.layers[1].data.shape == (5, 16, 18)


@pytest.fixture
def into_folder(widget, tmp_path, small_blocks):
    """Return a function that chooses a folder as output, and returns it."""

    def choose():
        output = widget.form.output
        output.kind.setCurrentText(FOLDER)
        output.path.setText(str(tmp_path / "result.ome.zarr"))
        output._choose()
        output._type()
        return tmp_path / "result.ome.zarr"

    return choose


@pytest.mark.needs("zarr")
def test_a_folder_holds_the_result_and_its_layer_lies_in_place(
    viewer, widget, run, into_folder, random, seen
):
    pixels = random.integers(0, 255, (2, 100, 90), np.uint8)
    source = viewer.add_image(
        pixels, name="cells", scale=(3, 0.5, 0.5), units=("um",) * 3, rotate=(0, 0, 20)
    )
    folder = into_folder()

    run(widget)

    assert [layer.name for layer in viewer.layers] == ["cells", "cells [FSRCNN x2]"]
    layer = viewer.layers[1]
    assert layer.multiscale
    np.testing.assert_array_equal(layer.data[0], pixels.repeat(2, 1).repeat(2, 2))
    place = layer.data_to_world((1, 10.5, 10.5))
    np.testing.assert_allclose(place, source.data_to_world((1, 5, 5)), atol=1e-9)
    record = layer.metadata[METADATA_KEY]
    assert (record["model"], record["folder"]) == ("fsrcnn-x2", str(folder))
    assert widget.form.status.text().startswith("Done: cells [FSRCNN x2]; the shrunk result ")
    assert record["consistency"]["of"] == pixels.size
    assert widget.form.layers.layer() is source
    seen(folder.with_name("result (2).ome.zarr"))
    assert widget.form.run.isEnabled()


@pytest.mark.needs("zarr")
@pytest.mark.parametrize("in_folder", [False, True])
def test_a_result_with_the_wanted_pixels_lies_in_place(
    viewer, widget, run, into_folder, random, in_folder
):
    pixels = random.integers(0, 255, (2, 100, 90), np.uint8)
    source = viewer.add_image(
        pixels, name="cells", scale=(3, 0.12, 0.12), units=("um",) * 3, rotate=(0, 0, 20)
    )
    scale = widget.form.model.scale
    scale.setCurrentIndex(scale.findData("pixel size"))
    scale.activated.emit(scale.currentIndex())
    scale.number.setValue(0.08)
    if in_folder:
        into_folder()

    run(widget)

    layer = viewer.layers[1]
    assert layer.name == "cells [FSRCNN x2, shrunk to x1.5]"
    data = layer.data[0] if in_folder else layer.data
    settings = Settings(device="cpu", engine="torch")
    steps = upscale_array(pixels, Resized(Nearest(scale=2), 1.5), settings, axes="ZYX")
    np.testing.assert_array_equal(np.asarray(data), drive(steps).pixels)
    np.testing.assert_allclose(layer.scale, (3, 0.08, 0.08), rtol=1e-12)
    corner = layer.data_to_world((1, -0.5, -0.5))
    np.testing.assert_allclose(corner, source.data_to_world((1, -0.5, -0.5)), atol=1e-9)
    assert layer.metadata[METADATA_KEY]["factor"] == "3/2"


@pytest.mark.needs("zarr")
def test_a_folder_that_is_opened_again_lies_in_the_same_place(
    viewer, widget, run, into_folder, random
):
    viewer.add_image(
        random.integers(0, 4095, (70, 80)).astype(np.uint16),
        scale=(0.5, 0.25),
        translate=(3, -4),
        units=("um", "um"),
        contrast_limits=(7, 900),
        colormap="magenta",
    )
    folder = into_folder()
    run(widget)
    layer = viewer.layers[1]

    (data,) = reader.read(str(folder))
    again = Layer.create(*data)

    assert again.name == layer.name
    np.testing.assert_array_equal(again.extent.world, layer.extent.world)
    np.testing.assert_array_equal(again.scale, layer.scale)
    assert again.units == layer.units
    assert again.contrast_limits == layer.contrast_limits
    assert again.colormap.name == "magenta"
    np.testing.assert_array_equal(again.data, layer.data[0])


@pytest.mark.needs("zarr")
def test_a_folder_of_a_region_holds_only_the_region_in_its_place(
    viewer, widget, run, into_folder, random
):
    pixels = random.integers(0, 255, (100, 90), np.uint8)
    source = viewer.add_image(pixels, name="cells", scale=(0.5, 0.5), translate=(3, 4))
    viewer.camera.center, viewer.camera.zoom = (0, 15, 20), 40
    choose(widget.form.region.area, "visible region")
    into_folder()

    run(widget)

    layer = viewer.layers[1]
    (top, bottom), (left, right) = layer.metadata[METADATA_KEY]["region"]
    part = pixels[top:bottom, left:right]
    assert part.size < pixels.size
    np.testing.assert_array_equal(layer.data[0], part.repeat(2, 0).repeat(2, 1))
    place = layer.data_to_world((0.5, 0.5))
    np.testing.assert_allclose(place, source.data_to_world((top, left)), atol=1e-9)


@pytest.fixture
def seen(widget, qtbot):
    """Return a function that waits until the form shows a folder, or a line about it."""

    def wait(folder=None, *, about=""):
        output = widget.form.output

        def shown():
            return about in output.about.text() and folder in (None, output.folder())

        qtbot.waitUntil(shown, timeout=PATIENCE)

    return wait


@pytest.fixture
def held(viewer, widget, loader, into_folder, random, qtbot, monkeypatch):
    """Begin a run of three blocks into a folder; return the folder and the network."""
    monkeypatch.setattr(tile, "BREATH", 0.0)  # each link of a tile reports which blocks are done
    loader.network = Gated(scale=2)
    viewer.add_image(random.integers(1, 255, (192, 64), np.uint8), name="cells")
    widget.form.tile.setValue(64)
    folder = into_folder()
    widget.form.run.click()
    qtbot.waitUntil(lambda: loader.network.begun.acquire(blocking=False), timeout=PATIENCE)
    return folder, loader.network


@pytest.mark.needs("zarr")
def test_blocks_are_shown_as_they_are_done(viewer, widget, held, qtbot, monkeypatch):
    monkeypatch.setattr(growing, "PAUSE", 0.0)
    _, network = held
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=PATIENCE)
    assert not np.asarray(viewer.layers[1].data[0]).any()

    network.permits.release(2)
    qtbot.waitUntil(lambda: "1 of 3 blocks" in widget.form.status.text(), timeout=PATIENCE)

    shown = np.asarray(viewer.layers[1].data[0])
    assert 0 < np.count_nonzero(shown) < shown.size
    assert "border" not in widget.form.output.path.styleSheet()  # the folder exists: it is ours
    finish(widget, network, qtbot)


@pytest.mark.needs("zarr")
def test_cancel_keeps_the_blocks_that_are_done(viewer, widget, held, qtbot):
    folder, network = held
    network.permits.release(2)
    qtbot.waitUntil(lambda: "1 of 3 blocks" in widget.form.status.text(), timeout=PATIENCE)

    widget.form.stop.click()
    finish(widget, network, qtbot)

    assert widget.form.status.text().startswith("Cancelled. ")
    assert f"blocks are done and stay in {folder}" in widget.form.status.text()
    assert len(viewer.layers) == 2
    assert folder.exists()


@pytest.mark.needs("zarr")
def test_run_goes_on_after_cancel_in_the_same_layer(viewer, widget, held, qtbot, seen):
    folder, network = held
    network.permits.release(2)
    qtbot.waitUntil(lambda: "1 of 3 blocks" in widget.form.status.text(), timeout=PATIENCE)
    widget.form.stop.click()
    finish(widget, network, qtbot)
    left = viewer.layers[1]
    seen(folder, about="blocks are done. Run computes the others.")
    assert widget.form.run.isEnabled()

    widget.form.run.click()
    finish(widget, network, qtbot)

    assert widget.form.status.text().startswith("Done: cells [FSRCNN x2]; resumed: ")
    assert list(viewer.layers)[1:] == [left]
    pixels = viewer.layers[0].data
    np.testing.assert_array_equal(left.data[0], pixels.repeat(2, 0).repeat(2, 1))
    assert left.metadata[METADATA_KEY]["model"] == "fsrcnn-x2"
    seen(folder.with_name("result (2).ome.zarr"))
    assert widget.form.output.about.isHidden()


@pytest.fixture
def stopped(widget, held, qtbot):
    """Cancel a run into a folder after its first block; return the folder."""
    folder, network = held
    network.permits.release(2)
    qtbot.waitUntil(lambda: "1 of 3 blocks" in widget.form.status.text(), timeout=PATIENCE)
    widget.form.stop.click()
    finish(widget, network, qtbot)
    return folder


@pytest.mark.needs("zarr")
def test_cancel_while_finished_blocks_are_compared_keeps_the_folder(
    widget, stopped, qtbot, monkeypatch, seen
):
    proceed, mark_of = threading.Event(), LayerTask.mark_of

    def wait(task, block):
        assert proceed.wait(PATIENCE / 1000)
        return mark_of(task, block)

    monkeypatch.setattr(LayerTask, "mark_of", wait)
    widget.form.run.click()
    qtbot.waitUntil(lambda: "Comparing" in widget.form.status.text(), timeout=PATIENCE)

    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        widget.form.stop.click()
        proceed.set()

    assert widget.form.status.text() == "Cancelled."
    seen(stopped, about="blocks are done. Run computes the others.")


@pytest.mark.needs("zarr")
def test_a_folder_that_was_finished_elsewhere_is_not_called_unfinished(
    widget, stopped, seen, qtbot
):
    seen(stopped, about="blocks are done")
    Journal(stopped).remove()

    widget.reset_choices()

    said = widget.form.status
    qtbot.waitUntil(lambda: "exists: choose another name" in said.text(), timeout=PATIENCE)
    assert widget.form.output.about.isHidden()


@pytest.mark.needs("zarr")
def test_another_folder_is_proposed_if_the_pixels_have_changed(viewer, widget, stopped, run, seen):
    viewer.layers[0].data = 255 - viewer.layers[0].data

    run(widget)

    assert "have changed since" in widget.form.status.text()
    seen(stopped.with_name("result (2).ome.zarr"))
    assert widget.form.run.isEnabled()


@pytest.mark.needs("zarr")
def test_a_folder_of_another_run_says_what_differs(viewer, widget, held, qtbot):
    _, network = held
    network.permits.release(2)
    qtbot.waitUntil(lambda: "1 of 3 blocks" in widget.form.status.text(), timeout=PATIENCE)
    widget.form.stop.click()
    finish(widget, network, qtbot)

    widget.form.ensemble.setChecked(True)

    reason = "settings.ensemble was false and is true"
    qtbot.waitUntil(lambda: reason in widget.form.status.text(), timeout=PATIENCE)
    assert "border" in widget.form.output.path.styleSheet()
    assert not widget.form.run.isEnabled()
    assert widget.form.output.about.isHidden()
    widget.form.ensemble.setChecked(False)
    qtbot.waitUntil(lambda: "others" in widget.form.output.about.text(), timeout=PATIENCE)
    assert widget.form.run.isEnabled()


@pytest.mark.needs("zarr")
def test_a_run_into_a_slow_folder_begins_once_the_folder_was_looked_at(
    viewer, widget, camera, into_folder, qtbot, monkeypatch
):
    read, look_at = threading.Event(), resuming.look_at

    def wait(*request):
        assert read.wait(PATIENCE / 1000)
        return look_at(*request)

    monkeypatch.setattr(resuming, "look_at", wait)
    into_folder()
    widget.form.run.click()
    widget.form.run.click()
    assert widget.form.status.text() == "Looking at the folder …"
    assert not widget.is_running

    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        read.set()

    assert len(viewer.layers) == 2


@pytest.mark.needs("zarr")
def test_a_forecast_does_not_move_the_output_of_a_run_that_waits_for_its_folder(
    viewer, widget, camera, tmp_path, qtbot
):
    widget.form.output.kind.setCurrentText(FOLDER)  # as the form does, not by hand
    widget.form.output.path.setText(str(tmp_path / "result.ome.zarr"))
    widget.check()

    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        widget.form.run.click()

    assert (tmp_path / "result.ome.zarr").is_dir()


def test_a_change_after_run_takes_back_a_run_that_waits_for_its_folder(
    viewer, widget, camera, into_folder, qtbot
):
    folder = into_folder()
    widget.form.run.click()

    widget.form.ensemble.setChecked(True)
    qtbot.waitUntil(lambda: "Result" in widget.form.forecast.text(), timeout=PATIENCE)

    assert widget.form.status.text() == ""
    assert not folder.exists()


@pytest.mark.needs("zarr")
def test_the_windows_thread_does_not_read_the_folder(
    viewer, widget, camera, into_folder, run, tmp_path, monkeypatch, seen
):
    read, stat = [], os.stat

    def watch(path, *args, **options):
        if str(tmp_path) in str(path) and threading.current_thread() is threading.main_thread():
            read.append(path)
        return stat(path, *args, **options)

    folder = into_folder()
    monkeypatch.setattr(os, "stat", watch)
    widget.check()
    run(widget)
    seen(folder.with_name("result (2).ome.zarr"))

    assert read == []
    folder.exists()
    assert read == [folder]  # the watch works


@pytest.mark.needs("zarr")
def test_cancel_before_the_first_block_leaves_nothing(viewer, widget, held, qtbot):
    folder, network = held

    widget.form.stop.click()
    finish(widget, network, qtbot)

    assert widget.form.status.text() == "Cancelled. Nothing was written."
    assert len(viewer.layers) == 1
    assert not folder.exists()


@pytest.mark.needs("zarr")
def test_closing_the_dock_before_the_first_block_leaves_no_layer(
    viewer, widget, held, qtbot, monkeypatch
):
    folder, network = held
    monkeypatch.setattr(widget, "deleteLater", lambda: None)  # the fixtures still need it
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=PATIENCE)
    beside = QWidget()
    widget.setParent(beside)

    widget.setParent(None)
    release_all(network)
    qtbot.waitUntil(lambda: len(viewer.layers) == 1, timeout=PATIENCE)

    assert not folder.exists()


@pytest.mark.needs("zarr")
def test_an_error_in_a_folder_run_is_told_and_it_runs_again(
    viewer, widget, camera, loader, into_folder, run
):
    loader.network = Failing(RuntimeError("no kernel"), scale=2)
    into_folder()

    run(widget)

    assert "FSRCNN x2 stopped: no kernel. Nothing was written." in widget.form.status.text()
    assert len(viewer.layers) == 1
    assert widget.form.run.isEnabled()


def test_a_second_run_takes_the_same_source(viewer, widget, camera, run):
    run(widget)
    run(widget)

    assert len(viewer.layers) == 3
    assert viewer.layers[2].data.shape == (24, 32)
    assert widget.form.layers.layer() is camera


def test_run_waits_for_the_run_to_end(widget, gated, qtbot):
    network = gated()

    assert not widget.form.run.isEnabled()
    assert widget.form.stop.isEnabled()
    finish(widget, network, qtbot)

    assert widget.form.run.isEnabled()
    assert not widget.form.stop.isEnabled()


def test_the_time_left_is_shown_during_a_run_and_the_forecast_after_it(
    widget, camera, loader, qtbot, run, monkeypatch
):
    monkeypatch.setattr(pace, "EARLY", 0)
    loader.network = Slow(scale=2)
    widget.form.tile.setValue(4)
    said = []
    widget.run_ended.connect(lambda: said.append(None))
    say = widget.form.forecast.say
    widget.form.forecast.say = lambda text: (said.append(text), say(text))

    run(widget)
    qtbot.waitUntil(lambda: "24 \u00d7 32" in widget.form.forecast.text(), timeout=PATIENCE)

    during = said[: said.index(None)]
    assert "less than a second left, as measured on the tiles so far." in during
    assert not [text for text in during if "Result" in text]


def test_progress_is_shown_tile_by_tile(widget, gated, qtbot):
    network = gated()

    network.permits.release(2)
    qtbot.waitUntil(lambda: widget.form.bar.value() == 2, timeout=PATIENCE)

    assert widget.form.bar.maximum() == 4
    assert widget.form.status.text() == "Upscaling: tile 2 of 4"
    finish(widget, network, qtbot)


def test_the_window_goes_on_during_a_run(widget, camera, loader, run):
    loader.network = Slow(scale=2)
    widget.form.tile.setValue(4)
    ticks = []
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(1))
    timer.start(5)

    run(widget)

    # 12 tiles of 20 ms hold four times as many ticks; a frozen loop would have almost none
    assert len(ticks) >= 12


def test_cancel_ends_within_one_tile_and_adds_nothing(viewer, widget, gated, qtbot):
    network = gated()

    widget.form.stop.click()
    assert widget.form.status.text() == "Cancelling after this tile …"
    finish(widget, network, qtbot)

    assert len(viewer.layers) == 1
    assert widget.form.status.text() == "Cancelled."
    assert not network.begun.acquire(blocking=False)  # no second tile was begun


def test_after_cancel_it_runs_again(viewer, widget, gated, loader, run, qtbot):
    network = gated()
    widget.form.stop.click()
    finish(widget, network, qtbot)

    release_all(network)
    run(widget)

    assert len(viewer.layers) == 2


def test_cancel_frees_the_memory(widget, gated, loader, qtbot):
    network = gated()
    gone = weakref.ref(network)
    widget.form.stop.click()
    finish(widget, network, qtbot)

    loader.network = None
    del network
    assert_freed(gone, qtbot)


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (Failing(RuntimeError("cuDNN failed")), "FSRCNN x2 stopped: cuDNN failed"),
        (Failing(ValueError("no such layer 7")), "No such layer 7"),
        (Failing(ZeroDivisionError()), "an unexpected error: ZeroDivisionError"),
        (Failing(KeyError("scale")), "an unexpected error: KeyError: 'scale'"),
        (Failing(OSError(28, "No space left on device")), "No space left on device"),
        (Failing(RecursionError("too deep")), "FSRCNN x2 stopped: too deep"),
        (Failing(SystemExit(3)), "The run was ended by SystemExit"),
        (Failing(ValueError("first line\nsecond line")), "First line"),
        (Hungry(limit=0), "Not even tiles of 1 px"),
    ],
    ids=[
        "RuntimeError",
        "ValueError",
        "without words",
        "KeyError",
        "OSError",
        "RecursionError",
        "SystemExit",
        "two lines",
        "out of memory",
    ],
)
def test_an_error_is_shown_and_leaves_the_buttons_alive(
    viewer, widget, camera, loader, run, network, words
):
    loader.network = network
    widget.form.tile.setValue(1)

    run(widget)

    assert words in widget.form.status.text()
    assert "\n" not in widget.form.status.text()
    assert len(viewer.layers) == 1
    assert widget.form.run.isEnabled()


def test_an_error_is_also_notified_once(viewer, widget, camera, loader, run):
    loader.network = Failing(RuntimeError("cuDNN failed"))
    notification_manager.records.clear()

    run(widget)

    assert [record.message for record in notification_manager.records] == [
        "FSRCNN x2 stopped: cuDNN failed"
    ]


def test_an_error_holds_no_memory(widget, camera, loader, run, qtbot):
    loader.network = Failing(RuntimeError("cuDNN failed"))
    gone = weakref.ref(loader.network)
    run(widget)

    loader.network.error = loader.network = None
    assert notification_manager.records
    assert_freed(gone, qtbot)


def test_an_edit_takes_back_what_the_last_run_said(viewer, widget, camera, run):
    run(widget)

    widget.form.tile.setValue(9)

    assert widget.form.status.text() == ""


def test_floats_far_outside_their_range_are_warned_about(viewer, widget, run):
    viewer.add_image(np.full((6, 7), 300, np.float32), contrast_limits=(0, 400))
    widget.form.values.kind.setCurrentText("data type")
    notification_manager.records.clear()

    run(widget)

    (record,) = notification_manager.records
    assert "values from 300 to 300" in record.message


@pytest.mark.parametrize(("kind", "low", "high"), [("custom", 0, 4095), ("percentiles", 1, 99)])
def test_opacity_stays_whatever_is_black_and_white(viewer, widget, run, random, kind, low, high):
    colours = random.integers(100, 4096, (6, 7, 3)).astype(np.uint16)
    viewer.add_image(np.dstack([colours, np.full((6, 7), 65535, np.uint16)]), rgb=True)
    widget.form.values.kind.setCurrentText(kind)
    widget.form.values.low.setText(str(low))
    widget.form.values.high.setText(str(high))

    run(widget)

    assert np.unique(viewer.layers[1].data[..., 3]).tolist() == [65535]


def test_masked_pixels_are_nan_in_the_result(viewer, widget, run):
    floats = np.ma.masked_array(np.full((6, 7), 0.5, np.float32), mask=np.eye(6, 7, dtype=bool))
    viewer.add_image(floats, contrast_limits=(0, 1)).data = floats

    run(widget)

    result = viewer.layers[1].data
    np.testing.assert_array_equal(np.isnan(result), floats.mask.repeat(2, 0).repeat(2, 1))


def test_after_an_error_it_runs_again(viewer, widget, camera, loader, run):
    loader.network = Failing(RuntimeError("cuDNN failed"))
    run(widget)
    loader.network.error = None

    run(widget)

    assert len(viewer.layers) == 2


def test_pixels_that_are_no_numbers_are_refused_with_where_they_are(viewer, widget, run):
    pixels = np.zeros((6, 7), np.float32)
    pixels[2, 3] = np.inf
    viewer.add_image(pixels, contrast_limits=(0, 1))

    run(widget)

    assert "one infinite value, at y=2, x=3" in widget.form.status.text()


def test_infinite_values_are_told_before_a_run(viewer, widget, qtbot):
    pixels = np.zeros((6, 7), np.float32)
    pixels[4, 5] = np.inf
    viewer.add_image(pixels, contrast_limits=(0, 1), name="depth")

    qtbot.waitUntil(lambda: "border" in widget.form.layers.styleSheet(), timeout=PATIENCE)

    assert "one infinite value, at y=4, x=5" in widget.form.status.text()
    assert not widget.form.run.isEnabled()


def choose_mark(widget):
    box = widget.form.outliers
    box.setCurrentIndex(box.findData("mark"))
    box.activated.emit(box.currentIndex())


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, ">u2"])
def test_integers_cannot_be_marked_which_is_told_before_a_run(viewer, widget, dtype):
    viewer.add_image(np.zeros((6, 7), dtype), contrast_limits=(0, 1), name="counts")

    choose_mark(widget)

    told = widget.form.status.text()
    assert told.startswith("The layer counts has the type ")
    assert told.endswith("which cannot contain NaN: change Outliers.")
    assert not widget.form.run.isEnabled()


def test_floats_can_be_marked(viewer, widget):
    viewer.add_image(np.zeros((6, 7), np.float32), contrast_limits=(0, 1))

    choose_mark(widget)

    assert widget.form.status.text() == ""
    assert widget.form.run.isEnabled()


def test_a_source_removed_during_the_run_still_gives_its_result(
    viewer, widget, gated, camera, qtbot
):
    network = gated()

    viewer.layers.remove(camera)
    finish(widget, network, qtbot)

    assert [layer.name for layer in viewer.layers] == ["camera [FSRCNN x2]"]


def test_another_layer_selected_during_the_run_stays_selected(viewer, widget, gated, qtbot):
    network = gated()
    other = viewer.add_image(np.zeros((4, 5)), name="other")

    finish(widget, network, qtbot)

    assert viewer.layers.selection.active is other
    assert widget.form.layers.currentText() == "other"


@pytest.mark.parametrize("kind", ["labels", "shapes", "points"])
def test_a_selected_annotation_stays_selected_and_the_chosen_image_stays_chosen(
    viewer, widget, camera, run, kind
):
    data = np.zeros((12, 16), int) if kind == "labels" else None
    annotation = getattr(viewer, f"add_{kind}")(data, name="cells")
    viewer.layers.selection.active = annotation

    run(widget)
    run(widget)

    assert viewer.layers.selection == {annotation}
    assert widget.form.layers.layer() is camera
    results = viewer.layers[1:3]
    assert [layer.data.shape for layer in results] == [(24, 32), (24, 32)]
    assert viewer.layers.index(annotation) == 3


def test_several_selected_layers_stay_selected(viewer, widget, camera, run):
    nuclei = viewer.add_labels(np.zeros((12, 16), int))
    viewer.layers.selection = {camera, nuclei}

    run(widget)

    assert viewer.layers.selection == {camera, nuclei}
    assert viewer.layers.selection.active is None


def test_v_and_the_status_bar_are_about_the_newest_result(viewer, widget, camera, run):
    run(widget)
    first = viewer.layers.selection.active
    run(widget)
    second = viewer.layers.selection.active
    viewer.layers.toggle_selected_visibility()

    assert [first, second] == viewer.layers[1:]
    assert [layer.visible for layer in viewer.layers] == [True, True, False]
    assert widget.form.layers.layer() is camera


def test_a_result_that_the_user_selects_is_chosen(viewer, widget, camera, run):
    run(widget)
    viewer.layers.selection.active = camera

    viewer.layers.selection.active = viewer.layers[1]
    run(widget)

    assert viewer.layers[2].data.shape == (48, 64)
    assert viewer.layers[2].name == "camera [FSRCNN x2, then FSRCNN x2]"


def test_what_the_last_run_said_is_not_said_of_another_layer(viewer, widget, camera, run):
    run(widget)

    viewer.add_image(np.zeros((4, 5)), name="other")

    assert widget.form.layers.currentText() == "other"
    assert widget.form.status.text() == ""


def test_without_an_image_during_a_run_it_goes_on_telling_of_the_run(
    viewer, widget, gated, camera, qtbot
):
    network = gated()
    qtbot.waitUntil(lambda: "Loading" in widget.form.status.text(), timeout=PATIENCE)
    before = widget.form.status.text()

    viewer.layers.remove(camera)

    assert widget.form.status.text() == before
    finish(widget, network, qtbot)


def test_edits_during_a_run_leave_its_words_alone(widget, gated, qtbot):
    network = gated()
    qtbot.waitUntil(lambda: "Loading" in widget.form.status.text(), timeout=PATIENCE)
    before = widget.form.status.text()

    widget.form.tile.setValue(9)
    qtbot.wait(300)  # longer than the pause before a forecast

    assert widget.form.status.text() == before
    assert "Result" not in widget.form.forecast.text()
    finish(widget, network, qtbot)


def test_the_result_is_shown_over_the_same_range_and_projected_alike(viewer, widget, run):
    layer = viewer.add_image(
        np.zeros((3, 6, 7), np.uint16), contrast_limits=(5, 4095), projection_mode="max"
    )
    layer.contrast_limits_range = (0, 65535)

    run(widget)

    result = viewer.layers[1]
    assert result.contrast_limits_range == [0, 65535]
    assert result.contrast_limits == [5, 4095]
    assert result.projection_mode == "max"


# downloads


@pytest.fixture
def missing(monkeypatch, widget, camera):
    """Let every model be missing on this machine; return what the form asked for."""
    asked = []
    monkeypatch.setattr(ModelReference, "missing", ModelReference.entries)

    def answer_with(agreed):
        monkeypatch.setattr(
            dock, "may_download", lambda entry, parent: asked.append(entry.name) or agreed
        )
        return asked

    return answer_with


def test_a_refused_download_does_nothing(viewer, widget, missing):
    asked = missing(False)

    widget.form.run.click()

    assert asked == ["fsrcnn-x2"]
    assert widget.form.run.isEnabled()
    assert not widget.form.stop.isEnabled()
    assert len(viewer.layers) == 1
    assert widget._queue.waiting == 0


def test_a_granted_download_runs(viewer, widget, missing, run):
    missing(True)

    run(widget)

    assert len(viewer.layers) == 2


def test_a_model_that_is_here_is_not_asked_about(widget, camera, run, monkeypatch):
    monkeypatch.setattr(dock, "may_download", lambda entry, parent: pytest.fail(entry.name))

    run(widget)


def test_impossible_results_are_told_when_all_is_done(viewer, widget, run, loader):
    pixels = np.full((6, 7), 0.5, np.float32)
    pixels[2, 3] = 1
    loader.network = Wild()
    viewer.add_image(pixels, contrast_limits=(0, 1))

    run(widget)

    said = widget.form.status.text()
    assert said.startswith("Done: ")
    assert "4 values of the result, from " in said


def test_the_border_is_the_form_s_choice_and_remembered(viewer, widget):
    layer = widget.form.layers.layer() or viewer.add_image(np.zeros((20, 20), np.float32))
    assert widget.form.settings(layer).border == "auto"

    widget.form.border.setCurrentText("zeros, as in papers")

    assert widget.form.settings(layer).border == "zeros"
    assert "border zeros, as in papers" in widget.form.differences()
    assert widget.form.choices()["border"] == "zeros"
    widget.form.use_defaults()
    assert widget.form.settings(layer).border == "auto"


def test_what_becomes_of_outliers_is_the_form_s_choice(viewer, widget):
    form, layer = widget.form, viewer.add_image(np.zeros((4, 5)))
    assert widget.form.settings(layer).outliers == "clip"

    form.outliers.setCurrentIndex(form.outliers.findData("keep"))

    assert widget.form.settings(layer).outliers == "keep"


@pytest.mark.parametrize(
    ("chosen", "engine", "kernels"),
    [
        ("automatic", "auto", "auto"),
        ("PyTorch", "torch", "reference"),
        ("OpenVINO", "openvino", "auto"),
        ("Triton kernels", "auto", "triton"),
    ],
)
def test_precision_and_engine_of_the_form_reach_the_run(viewer, widget, chosen, engine, kernels):
    form = widget.form
    form.precision.setCurrentIndex(form.precision.findData("float16"))
    form.engine.setCurrentText(chosen)

    settings = widget.form.settings(viewer.add_image(np.zeros((4, 5))))

    assert (settings.precision, settings.engine, settings.kernels) == ("float16", engine, kernels)


def test_an_engine_that_is_not_installed_is_shown_at_its_field(viewer, widget):
    widget._show_forecast(EngineError("engine='openvino' is not installed: pip install ..."))

    assert "not installed" in widget.form.engine.toolTip()
    assert "not installed" in widget.form.status.text()


# a part, several layers, and what is remembered


def choose(box, words):
    index = box.findText(words)
    box.setCurrentIndex(index)
    box.activated.emit(index)


def test_the_visible_region_lies_on_its_place(viewer, widget, loader, run, random):
    pixels = random.integers(0, 255, (60, 80), np.uint8)
    source = viewer.add_image(pixels, name="cells", scale=(0.5, 0.5), translate=(3, 4))
    resize_canvas(viewer, 20, 30)
    camera_of(viewer).center, camera_of(viewer).zoom = (0, 13, 19), 1
    choose(widget.form.region.area, "visible region")

    run(widget)

    result = viewer.layers["cells, part [FSRCNN x2]"]
    (top, bottom), (left, right) = result.metadata[METADATA_KEY]["region"]
    assert (top, bottom, left, right) == (0, 41, 0, 61)
    np.testing.assert_array_equal(
        result.data, pixels[top:bottom, left:right].repeat(2, 0).repeat(2, 1)
    )
    edge = source.data_to_world((top - 0.5, left - 0.5))
    np.testing.assert_allclose(result.data_to_world((-0.5, -0.5)), edge)


def test_a_shape_of_the_current_slice_is_upscaled_in_its_place(viewer, widget, loader, run, random):
    pixels = random.integers(0, 255, (4, 60, 80), np.uint8)
    source = viewer.add_image(pixels, name="cells", scale=(2, 0.5, 0.5))
    viewer.add_shapes([np.array([(2.6, 5), (10, 20.1)])], shape_type="rectangle", name="box")
    viewer.layers.selection.active = source
    viewer.dims.set_point(0, 4)
    choose(widget.form.region.area, "shape in box")

    run(widget)

    result = viewer.layers["cells, part [FSRCNN x2]"]
    np.testing.assert_array_equal(result.data, pixels[2:3, 5:21, 10:41].repeat(2, 1).repeat(2, 2))
    corner = source.data_to_world((2, 4.5, 9.5))
    np.testing.assert_allclose(result.data_to_world((0, -0.5, -0.5)), corner)


def test_nothing_is_upscaled_unasked_if_the_chosen_shapes_are_removed(viewer, widget, loader):
    viewer.add_image(np.zeros((60, 80), np.uint8), name="cells")
    box = viewer.add_shapes([np.array([(3, 5), (10, 20)])], shape_type="rectangle", name="box")
    choose(widget.form.region.area, "shape in box")
    widget.check()
    assert widget.form.run.isEnabled()

    viewer.layers.remove(box)
    widget.form.run.click()

    assert not widget.form.run.isEnabled()
    words = "The Shapes layer box was removed: choose another Region."
    assert widget.form.status.text() == words
    assert "border" in widget.form.region.area.styleSheet()
    assert widget._worker is None

    choose(widget.form.region.area, "whole layer")
    widget.check()

    assert widget.form.run.isEnabled()
    assert widget.form.status.text() == ""


def test_the_forecast_follows_the_view(viewer, widget, loader, qtbot):
    viewer.add_image(np.zeros((600, 800), np.uint8))
    resize_canvas(viewer, 100, 100)
    camera_of(viewer).center, camera_of(viewer).zoom = (0, 300, 300), 1
    choose(widget.form.region.area, "visible region")
    forecast = widget.form.forecast
    qtbot.waitUntil(lambda: "202 \u00d7 202" in forecast.text(), timeout=PATIENCE)

    camera_of(viewer).zoom = 4

    qtbot.waitUntil(lambda: "50 \u00d7 50" in forecast.text(), timeout=PATIENCE)

    camera_of(viewer).center = (0, 3000, 3000)

    qtbot.waitUntil(lambda: "does not show" in widget.form.status.text(), timeout=PATIENCE)
    assert "border" in widget.form.region.area.styleSheet()
    assert not widget.form.run.isEnabled()


def test_run_checks_a_view_that_changed_a_moment_ago(viewer, widget, camera, qtbot):
    resize_canvas(viewer, 20, 30)
    choose(widget.form.region.area, "visible region")
    widget.check()
    camera_of(viewer).center = (0, 3000, 3000)

    widget.form.run.click()

    assert "does not show" in widget.form.status.text()
    assert not widget.form.run.isEnabled()


def several(viewer, random):
    layers = [
        viewer.add_image(random.integers(0, 255, (12, 16), np.uint8), name=name)
        for name in ("one", "two", "three")
    ]
    viewer.layers.selection = {layers[0], layers[2]}
    return layers


def test_selected_layers_are_upscaled_one_after_the_other(viewer, widget, loader, run, random):
    layers = several(viewer, random)

    run(widget)

    assert [layer.name for layer in viewer.layers] == [
        "one",
        "one [FSRCNN x2]",
        "two",
        "three",
        "three [FSRCNN x2]",
    ]
    for layer in (layers[0], layers[2]):
        result = viewer.layers[f"{layer.name} [FSRCNN x2]"]
        np.testing.assert_array_equal(result.data, layer.data.repeat(2, 0).repeat(2, 1))
    assert widget.form.status.text() == "Done: 2 of 2 layers"
    assert widget.form.run.isEnabled()


def test_several_layers_have_one_forecast(viewer, widget, loader, qtbot, random):
    several(viewer, random)

    qtbot.waitUntil(lambda: "2 results, 1.5 kB" in widget.form.forecast.text(), timeout=PATIENCE)


def test_after_a_layer_that_fails_the_next_one_is_upscaled(viewer, widget, loader, run, random):
    several(viewer, random)[0].visible = True
    viewer.layers["one"].data = np.full((12, 16), np.inf, np.float32)

    run(widget)

    assert "three [FSRCNN x2]" in viewer.layers
    assert widget.form.status.text().startswith("Done: 1 of 2 layers. Failed: one: ")
    assert "infinite" in widget.form.status.text()


@pytest.mark.parametrize("where", ["form", "activity dock"])
def test_one_cancel_ends_all(viewer, widget, loader, qtbot, random, where):
    loader.network = Gated(scale=2)
    several(viewer, random)
    widget.form.run.click()
    qtbot.waitUntil(lambda: loader.network.begun.acquire(blocking=False), timeout=PATIENCE)

    (widget.form.stop.click if where == "form" else widget._bar.cancel)()
    finish(widget, loader.network, qtbot)

    assert len(viewer.layers) == 3
    assert widget.form.status.text() == "Cancelled. Done: 0 of 2 layers"


def test_more_than_one_layer_does_not_fit_into_one_folder(viewer, widget, loader, random):
    several(viewer, random)

    choose(widget.form.output.kind, FOLDER)

    assert "2 layers are selected" in widget.form.status.text()
    assert widget.form.more.is_open
    widget.form.more.defaults.click()
    assert widget.form.run.isEnabled()


def test_the_form_remembers_what_was_chosen(viewer, docked, loader):
    first = docked(viewer).form
    first.model.choose("edsr-slim")
    first.model.scale.setCurrentIndex(first.model.scale.findData(4))
    first.tile.setValue(96)
    first.ensemble.setChecked(True)
    first.consistent.setChecked(True)
    first.precision.setCurrentIndex(first.precision.findData("float16"))
    first.more.open()
    first.parent()._leave()

    second = docked(viewer).form

    assert second.model.choice().label == "EDSR slim x4"
    assert (second.tile.value(), second.ensemble.isChecked()) == (96, True)
    assert second.consistent.isChecked()
    assert second.precision.currentData() == "float16"
    assert second.more.is_open
    assert second.differences() == [
        "mean of eight views",
        "consistent with the source",
        "precision float16",
    ]

    second.more.defaults.click()

    assert second.differences() == []
    assert second.model.choice().label == "EDSR slim x4"


def test_a_model_that_is_gone_is_not_remembered(viewer, docked, loader):
    remember("upscale", {"model": "gone", "scale": 7, "tile": "large", "engine": 3, "more": 1})

    form = docked(viewer).form

    assert form.model.choice().label == "FSRCNN x2"
    assert (form.tile.value(), form.engine.currentText()) == (0, "automatic")


@pytest.mark.parametrize(("tile", "shown"), [(10**12, 16384), (-(10**12), 0)])
def test_a_tile_that_no_form_offers_is_not_remembered(viewer, docked, loader, tile, shown):
    remember("upscale", {"tile": tile})

    assert docked(viewer).form.tile.value() == shown


def test_a_result_can_be_compared_with_its_source(viewer, widget, camera, loader, run):
    assert widget.compare.isHidden()

    run(widget)

    assert not widget.compare.isHidden()
    assert widget.compare.pair() == (camera, viewer.layers["camera [FSRCNN x2]"])

    viewer.layers.remove("camera [FSRCNN x2]")

    assert widget.compare.isHidden()


def test_how_a_result_was_made_can_be_copied(viewer, widget, camera, loader, run, qapp):
    run(widget)

    widget.record.menu().actions()[0].trigger()

    assert not widget.record.isHidden()
    assert "napari_sr" in qapp.clipboard().text()
