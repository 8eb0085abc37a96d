"""The form *Measure two layers* beside a viewer without a window."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from forms import PATIENCE
from qtpy.QtWidgets import QApplication
from superqt.utils import WorkerBase

from napari_sr.evaluation.measurements import Measurement
from napari_sr.runs.record import KEY
from napari_sr.widgets.common.layer_source import PREVIEW_KEY
from napari_sr.widgets.functions.measure import MeasureWidget, _short


@pytest.fixture
def layers(viewer, random):
    source = viewer.add_image(random.random((16, 16)), name="source")
    viewer.add_image(random.random((16, 16)), name="other")
    metadata = {KEY: {"source": "source"}}
    result = viewer.add_image(source.data + 0.5, name="result", metadata=metadata)
    for layer in (source, result):
        layer.contrast_limits = (0, 2)
    return result, source


@pytest.fixture
def widget(viewer, layers, qtbot):
    widget = MeasureWidget(viewer)
    qtbot.addWidget(widget)
    yield widget
    WorkerBase.await_workers(PATIENCE)
    qtbot.wait(20)


def run(widget, qtbot):
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        widget.form.run.click()


def shown(widget):
    table = widget.table.native
    return [
        [table.item(row, column).text() for column in range(table.columnCount())]
        for row in range(table.rowCount())
    ]


def test_the_newest_result_and_its_source_are_chosen(widget, layers):
    assert (widget.gui.result.value, widget.gui.reference.value) == layers
    assert widget.gui.rectangles.value is None


def test_numbers_are_shown_and_copied(widget, layers, qtbot):
    run(widget, qtbot)

    rows = {row[0]: row for row in shown(widget)}
    mean = layers[1].data.mean()
    assert rows["mean"][1:3] == [f"{mean + 0.5:.6g}", f"{mean:.6g}"]
    assert rows["mean"][3] == f"0.5 (+{50 / mean:.2f} %)"
    assert float(rows["PSNR, dB"][1]) == pytest.approx(20 * np.log10(2 / 0.5))
    assert rows["PSNR, dB"][2:] == ["", ""]

    widget.copy.click()

    copied = list(csv.DictReader(io.StringIO(QApplication.clipboard().text())))
    assert {row["layer"] for row in copied} == {"result"}
    by_name = {row["measure"]: row for row in copied}
    assert float(by_name["sum"]["difference"]) == pytest.approx(128)
    assert widget.form.status.text() == f"Copied {len(copied)} rows."


def test_only_rectangles_count_if_a_layer_of_shapes_is_chosen(widget, layers, viewer, qtbot):
    corners = np.array([(1.5, 1.5), (1.5, 5.5), (5.5, 5.5), (5.5, 1.5)])
    shapes = viewer.add_shapes([corners, corners + 5])
    widget.reset_choices()
    widget.gui.rectangles.value = shapes

    run(widget, qtbot)
    both = shown(widget)
    shapes.selected_data = {1}
    run(widget, qtbot)

    assert {row[0] for row in both} == {"1", "2"}
    assert shown(widget)[0][:3] == ["pixels", "16", "16"]


def test_what_cannot_be_measured_is_told(widget, layers, viewer, qtbot):
    widget.gui.reference.value = layers[0]
    assert widget.form.status.text() == "Choose a layer other than the result."
    assert not widget.form.run.isEnabled()
    widget.gui.reference.value = layers[1]
    shapes = viewer.add_shapes(name="drawn")
    widget.reset_choices()
    widget.gui.rectangles.value = shapes

    widget.form.run.click()

    assert widget.form.status.text() == "Drawn is empty: draw a rectangle in it."
    assert not widget.copy.isEnabled()


def test_layers_that_come_and_go_are_followed_and_previews_are_left_out(widget, viewer):
    viewer.add_image(np.zeros((4, 4)), name="preview", metadata={PREVIEW_KEY: True})
    viewer.add_image(np.zeros((4, 4)), name="new")
    del viewer.layers["other"]
    widget.reset_choices()

    assert [layer.name for layer in widget.gui.result.choices] == ["source", "result", "new"]
    viewer.layers.clear()
    widget.reset_choices()
    assert widget.form.status.text().startswith("Open two image layers")


def test_a_tiny_difference_is_no_signed_zero():
    row = Measurement("plane", "sum", "", 4_649_541.0, 4_649_550.0)

    assert _short(row)[-1] == "-9 (0 %)"
