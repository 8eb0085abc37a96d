"""The form *Check a result* beside a viewer without a window."""

from __future__ import annotations

import numpy as np
import pytest
from forms import PATIENCE
from scipy.ndimage import gaussian_filter
from superqt.utils import WorkerBase

import napari_sr
from napari_sr.runs.record import KEY
from napari_sr.widgets.compare import check_map as module
from napari_sr.widgets.functions.check import CheckWidget, check_layers


@pytest.fixture
def layers(viewer, random):
    """Add a turned source and its result, which claims too much in one place."""
    pixels = (200 * gaussian_filter(random.random((3, 40, 50)), (0, 2, 2))).astype(np.float32)
    larger = napari_sr.upscale(pixels, "bicubic", 2, axes="ZYX", value_range=(0, 200), device="cpu")
    larger[1, 40:48, 60:72] += 90
    place = {"scale": (2, 0.5, 0.5), "rotate": 10, "translate": (0, 3, 4)}
    source = viewer.add_image(pixels, name="source", **place)
    metadata = {KEY: {"source": "source", "model": "bicubic-x2"}}
    return viewer.add_image(larger, name="result", metadata=metadata), source


@pytest.fixture
def widget(viewer, layers, qtbot):
    widget = CheckWidget(viewer)
    qtbot.addWidget(widget)
    yield widget
    WorkerBase.await_workers(PATIENCE)
    qtbot.wait(20)


def run(widget, qtbot):
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        widget.form.run.click()


@pytest.mark.parametrize("most", [module.MOST_IN_MEMORY, 0])
def test_the_map_lies_on_the_source_and_shows_the_place(
    widget, viewer, layers, qtbot, monkeypatch, most
):
    monkeypatch.setattr(module, "MOST_IN_MEMORY", most)
    run(widget, qtbot)

    added = viewer.layers[-1]
    assert added.name == "result minus source, shrunk, in values"
    assert added.data.shape == layers[1].data.shape
    np.testing.assert_allclose(added.affine.affine_matrix, layers[1].affine.affine_matrix)
    corners = [(0, 0, 0), (2, 39, 49)]
    for corner in corners:
        np.testing.assert_allclose(added.data_to_world(corner), layers[1].data_to_world(corner))
    differs = np.abs(np.asarray(added.data)) > 45
    assert differs[1, 21:23, 31:35].all()
    assert differs.sum() < 40
    assert "differs from the source by" in widget.form.status.text()


def test_colours_give_one_map(viewer, random, qtbot):
    pixels = random.random((40, 40, 3)).astype(np.float32)
    viewer.add_image(pixels, name="source", rgb=True)
    viewer.add_image(np.kron(pixels, np.ones((2, 2, 1))), name="result", rgb=True)

    found = check_layers(viewer.layers[1], viewer.layers[0])

    assert found.map.shape == (40, 40)


def test_the_result_of_a_region_is_checked_against_its_part(widget, viewer, layers, qtbot):
    result, source = layers
    result.metadata[KEY] = {"region": ((4, 30), (10, 50)), "model": "bicubic-x2"}
    result.data = result.data[:, 8:60, 20:100]
    run(widget, qtbot)

    added = viewer.layers[-1]
    assert added.data.shape == (3, 26, 40)
    np.testing.assert_allclose(added.data_to_world((0, 0, 0)), source.data_to_world((0, 4, 10)))
    assert (np.abs(added.data[1, 17:19, 21:25]) > 45).all()
    assert np.isnan(added.data[:, :2]).all()  # of the rows above, nothing was computed


def test_what_cannot_be_checked_is_said(widget, viewer, layers, qtbot):
    widget.gui.source.value = layers[0]
    assert not widget.form.run.isEnabled()
    widget.gui.source.value = layers[1]
    assert widget.form.run.isEnabled()

    widget.gui.result.value, widget.gui.source.value = layers[::-1]
    assert "Are they swapped?" in widget.form.frame("result").toolTip()
    assert not widget.form.run.isEnabled()
    widget.gui.result.value, widget.gui.source.value = layers

    layers[0].metadata[KEY] = {"region": ((0, 99), (0, 9))}
    widget._refresh()
    assert "The result shows the part" in widget.form.frame("source").toolTip()
    assert not widget.form.run.isEnabled()

    layers[0].metadata[KEY] = {}
    layers[0].data = layers[0].data[:, :-1]
    widget._refresh()
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        widget.form.run.click()
    assert "esult needs the source's shape" in widget.form.status.text()
    assert len(viewer.layers) == 2
