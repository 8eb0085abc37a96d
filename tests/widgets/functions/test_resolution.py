"""The form *Resolution* beside a viewer without a window."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from forms import PATIENCE
from qtpy.QtWidgets import QApplication
from scipy.ndimage import gaussian_filter
from superqt.utils import WorkerBase

from napari_sr.engine.planning.settings import Settings
from napari_sr.evaluation.resolution_figures import CAVEAT
from napari_sr.runs.model import ModelReference
from napari_sr.runs.record import KEY
from napari_sr.runs.run import Request, drive, run_request
from napari_sr.widgets.functions.resolution import ResolutionWidget


@pytest.fixture
def layers(viewer, random):
    """Add counts of photons and their result, with a record."""
    scene = gaussian_filter(random.random((80, 90)), 3, mode="wrap")
    counts = random.poisson((scene - scene.min()) / np.ptp(scene) * 200).astype(np.uint16)
    settings = Settings(value_range=(0, 400), device="cpu")
    made = drive(run_request(Request(counts, ModelReference("bicubic", 2), settings)))
    source = viewer.add_image(counts, name="source")
    metadata = {KEY: {**made.record, "source": "source"}}
    return source, viewer.add_image(made.pixels, name="result", scale=(0.5, 0.5), metadata=metadata)


@pytest.fixture
def widget(viewer, layers, qtbot):
    widget = ResolutionWidget(viewer)
    qtbot.addWidget(widget)
    yield widget
    WorkerBase.await_workers(PATIENCE)
    qtbot.wait(20)


def run(widget, qtbot):
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        widget.form.run.click()


def test_figures_of_source_and_result_are_shown_drawn_and_copied(widget, layers, qtbot):
    assert (widget.gui.source.value, widget.gui.result.value) == layers
    assert widget.caveat.text() == CAVEAT
    widget.gui.gain.value = 1

    run(widget, qtbot)

    rows = widget._found.rows
    table = widget.table.native
    shown = [[table.item(row, at).text() for at in range(3)] for row in range(table.rowCount())]
    assert shown == [list(row.shown()) for row in rows]
    photons = widget._found.figure("FRC, split photons")
    assert photons.result == pytest.approx(photons.source, rel=0.15)  # interpolation adds nothing
    assert set(widget.plot.profile.values) == {"source", "result", "1/7"}
    assert "neighbouring pixels of a result share noise" in widget.form.status.text()

    widget.copy.click()

    copied = list(csv.DictReader(io.StringIO(QApplication.clipboard().text())))
    assert float(copied[2]["result"]) == pytest.approx(photons.result)
    assert copied[0]["result layer"] == "result"


def test_the_error_map_lies_on_the_result(widget, layers, viewer, qtbot):
    layers[1].affine = [[0, 2, 5], [-2, 0, 1], [0, 0, 1]]
    run(widget, qtbot)

    widget.add_map.click()

    added = viewer.layers[-1]
    assert added.name == "result, error by source"
    np.testing.assert_array_equal(added.data, widget._found.errors.map)
    for corner in [(0, 0), (159, 0), (80, 179)]:
        np.testing.assert_allclose(added.data_to_world(corner), layers[1].data_to_world(corner))


def test_without_its_result_there_is_no_error_map(widget, layers, viewer, qtbot):
    run(widget, qtbot)
    assert widget.add_map.isEnabled()

    viewer.layers.remove(layers[1])
    widget.reset_choices()

    assert not widget.add_map.isEnabled()
    assert widget.add_map.toolTip() == "The measured result was removed."


def test_a_source_alone_is_measured(widget, qtbot):
    widget.gui.result.value = None

    run(widget, qtbot)

    assert [row.result for row in widget._found.rows] == [None] * 3
    assert not widget.add_map.isEnabled()
    assert set(widget.plot.profile.values) == {"source", "1/7"}


def test_what_cannot_be_measured_is_said(widget, layers, viewer, qtbot):
    widget.gui.second.value = layers[0]
    assert "chosen twice" in widget.form.frame("second").toolTip()
    assert not widget.form.run.isEnabled()
    widget.gui.second.value = None

    layers[1].metadata[KEY] = {"region": ((0, 9), (0, 9))}
    widget._refresh()
    assert "a part of its source" in widget.form.frame("result").toolTip()
    layers[1].metadata[KEY] = {}

    widget.gui.source.value, widget.gui.result.value = layers[::-1]
    assert "80 x 90 px, is smaller than its source" in widget.form.frame("result").toolTip()
    assert not widget.form.run.isEnabled()
    widget.gui.result.value, widget.gui.source.value = layers[::-1]
    assert widget.form.run.isEnabled()

    layers[0].data = np.zeros((80, 90))
    widget._refresh()
    run(widget, qtbot)
    assert "with detail, got 0 everywhere" in widget.form.status.text()
    assert not widget.copy.isEnabled()

    layers[0].scale = (1, 2)
    widget.form.run.click()
    assert "needs square pixels" in widget.form.status.text()
