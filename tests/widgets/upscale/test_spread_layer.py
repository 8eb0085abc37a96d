"""The layer of a spread: exactly on its result, in the result's values, with one sentence."""

from __future__ import annotations

import numpy as np
import pytest

import napari_sr
from napari_sr.engine.execution.upscale import Upscaled, upscale_array
from napari_sr.engine.planning.settings import Settings
from napari_sr.evaluation import known_calibration
from napari_sr.evaluation.conformal import Calibration
from napari_sr.evaluation.spread_figures import spread_figures
from napari_sr.runs.model import ModelReference
from napari_sr.runs.run import Request, drive
from napari_sr.training.checkpointing import export
from napari_sr.widgets.common.layer_source import METADATA_KEY, source_of
from napari_sr.widgets.upscale.output_chooser import FOLDER
from napari_sr.widgets.upscale.spread_layer import (
    SPREAD_KEY,
    add_spread,
    of_colours,
    run_for_layers,
)


def result_of(spread):
    return Upscaled(np.zeros(spread.shape), "YX", {}, spread)


def test_colours_give_one_spread_without_opacity():
    spread = np.array([[[3.0, 0.0, 6.0, 100.0]]], np.float32)

    np.testing.assert_allclose(of_colours(spread), [[np.sqrt(45 / 3)]])


def test_it_lies_on_its_result_and_keeps_the_selection(viewer, random):
    result = viewer.add_image(
        random.random((30, 40)), scale=(0.5, 0.25), translate=(3, 4), rotate=30, name="out"
    )
    other = viewer.add_image(np.zeros((4, 4)), name="other")
    viewer.layers.selection = {other}
    spread = random.random((30, 40)).astype(np.float32)
    spread[3, 4] = np.nan

    told = add_spread(viewer, result, result_of(spread))

    layer = viewer.layers["out, spread"]
    np.testing.assert_array_equal(layer.data_to_world((7, 9)), result.data_to_world((7, 9)))
    assert [one.name for one in viewer.layers] == ["out", "out, spread", "other"]
    assert viewer.layers.selection == {other}
    assert layer.contrast_limits == pytest.approx([0, np.nanpercentile(spread, 99.5)])
    assert f"half of the values are below {np.nanmedian(spread):.2g}" in told


@pytest.mark.parametrize("level", [0.0, np.nan])
def test_a_constant_spread_has_limits_all_the_same(viewer, level):
    result = viewer.add_image(np.zeros((30, 40)), name="out")

    add_spread(viewer, result, result_of(np.full((30, 40), level, np.float32)))

    assert tuple(viewer.layers["out, spread"].contrast_limits) == (0, 1)


@pytest.mark.parametrize("rgb", [False, True])
def test_the_form_adds_the_spread_of_its_result(
    viewer, widget, loader, example, qtbot, rgb, random
):
    pixels = (random.random((30, 40, 3) if rgb else (30, 40)) * 255).astype(np.uint8)
    source = viewer.add_image(pixels, rgb=rgb, name="cells", scale=(2, 3), translate=(5, 6))
    widget.form.spread.setChecked(True)
    loader.network = example("edsr")  # last, so that nothing else is loaded
    widget.check()

    with qtbot.waitSignal(widget.run_ended, timeout=60_000):
        widget.form.run.click()

    names = [layer.name for layer in viewer.layers]
    assert names == ["cells", names[1], f"{names[1]}, spread"]
    assert "ensemble" in names[1]
    result, layer = viewer.layers[1:]
    settings = Settings(device="cpu", ensemble=True, spread=True)
    expected = drive(upscale_array(pixels, loader.network, settings))
    np.testing.assert_array_equal(result.data, expected.pixels)
    spread = of_colours(expected.spread) if rgb else expected.spread
    np.testing.assert_array_equal(layer.data, spread)
    corner = [source.data_to_world((-0.5, -0.5)), layer.data_to_world((-0.5, -0.5))]
    np.testing.assert_allclose(*corner)
    assert np.ptp(result.data) > 5
    assert layer.metadata[SPREAD_KEY]["of"] == result.name
    assert METADATA_KEY not in layer.metadata
    assert "spread: half of the values are below" in widget.form.status.text()
    about = " ".join(layer.metadata[SPREAD_KEY]["about"])
    assert "was not measured" in about
    assert "is not calibrated" in about
    assert result.metadata[METADATA_KEY]["spread"]["shows"] == "spread"
    assert widget.form.layers.currentText() == "cells"


def test_a_model_that_ships_shows_bounds_and_their_limits(viewer, random):
    source = source_of(viewer.add_image(random.random((20, 24)).astype(np.float32)))
    settings = Settings(device="cpu", ensemble=True, spread=True)

    found = drive(run_for_layers(Request(source, ModelReference("fsrcnn", 2), settings)))

    layer = viewer.add_image(found.pixels, name="out")
    told = add_spread(viewer, layer, found)
    assert told.startswith("error below this with 90% probability: half of the values are below")
    assert "on images like these (7 photographs of Set14" in told
    assert "and for 78% (worst image 55%) between Set5 and Set14" in told


def test_the_figures_of_a_known_model_are_told(viewer, random, monkeypatch):
    monkeypatch.setattr(known_calibration, "shipped_calibration", lambda sha256: None)
    source = source_of(viewer.add_image(random.random((20, 24)).astype(np.float32)))
    settings = Settings(device="cpu", ensemble=True, spread=True)

    found = drive(run_for_layers(Request(source, ModelReference("fsrcnn", 2), settings)))

    measured = spread_figures("fsrcnn-x2")["Set14"]["spearman"]
    assert f"{measured:.2f} on Set14" in found.record["spread"]["about"][0]
    assert "fsrcnn-x2 is not calibrated" in found.record["spread"]["about"][1]


@pytest.mark.parametrize("rgb", [False, True])
def test_a_calibrated_model_shows_bounds_of_the_error(viewer, example, rgb, random, tmp_path):
    network = example("fsrcnn")
    calibration = Calibration((0.9,), (0.001, 0.01), ((0.1, 0.2, 0.4),), 1000, 5, "made cells")
    path = tmp_path / "mine.safetensors"
    card = {"scale": 2, "network": "fsrcnn", "calibration": calibration.as_json()}
    export(path, network.state_dict(), card)
    pixels = (random.random((30, 40, 3) if rgb else (30, 40)) * 255).astype(np.uint8)
    source = source_of(viewer.add_image(pixels, rgb=rgb))
    request = Request(
        source, ModelReference(path, 2), Settings(device="cpu", ensemble=True, spread=True),
        source.axes,
    )  # fmt: skip

    found = drive(run_for_layers(request))
    told = add_spread(viewer, viewer.add_image(found.pixels, rgb=rgb, name="out"), found)

    layer = viewer.layers["out, error below this with 90% probability"]
    plain = napari_sr.uncertainty(pixels, path, axes=source.axes, device="cpu")
    bounds = plain.error_below(0.9)
    np.testing.assert_array_equal(layer.data, bounds.max(axis=-1) if rgb else bounds)
    assert set(np.unique(bounds)) <= set(np.float32([25.5, 51, 102]))
    assert told.startswith("error below this with 90% probability: half of the values are below")
    assert "on images like these (made cells)" in layer.metadata[SPREAD_KEY]["about"][0]


def test_a_folder_holds_no_spread(viewer, widget, random):
    viewer.add_image(random.random((30, 40)).astype(np.float32), name="cells")
    widget.form.output.kind.setCurrentText(FOLDER)
    widget.form.spread.setChecked(True)
    widget.check()

    assert "cannot store a spread" in widget.form.status.text()
    assert not widget.form.run.isEnabled()
