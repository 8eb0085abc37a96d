"""The form *Upscale a folder* beside a viewer without a window."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from folders import files_in, tree_of
from forms import PATIENCE, Gated
from superqt.utils import WorkerBase

from napari_sr.batch.upscale_folder import folder_steps
from napari_sr.widgets.common import dock
from napari_sr.widgets.functions.folder import FolderWidget
from napari_sr.widgets.functions.folder_fields import ANY


@pytest.fixture
def widget(viewer, qtbot, loader):
    widget = FolderWidget(viewer)
    yield widget
    WorkerBase.await_workers(PATIENCE)
    qtbot.wait(20)  # what the workers told last is dealt with while the form still lives
    if not widget._closed:
        widget.deleteLater()


@pytest.fixture
def folders(widget, tmp_path):
    """Return a folder with two images, and one for results; the form shows both."""
    source = tree_of(tmp_path / "in", "a.tif", "b.tif")
    widget.gui.source.value, widget.gui.target.value = source, tmp_path / "out"
    return source, tmp_path / "out"


def run(widget, qtbot):
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        widget.form.run.click()


def test_without_folders_nothing_can_run_and_the_form_says_why(widget, tmp_path):
    assert not widget.form.run.isEnabled()
    assert widget.form.status.text() == "Choose the folder of the images."
    widget.gui.source.value = tmp_path
    assert widget.form.status.text() == "Choose a folder for the results; it may be new."
    widget.gui.target.value = tmp_path / "out"
    assert widget.form.run.isEnabled()


def test_a_folder_of_no_user_is_wrong(widget, folders):
    widget.gui.source.line_edit.value = "~nobody-here"

    assert widget.form.status.text() == "Choose the folder of the images."


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        ("pattern", " ; ", "Say which files to upscale, such as *.tif."),
        ("pattern", "../*.tif", "names below the folder"),
        ("white", -1.0, "Black must be below white, got Black 0 and White -1"),
    ],
)
def test_wrong_values_are_told(widget, folders, field, value, what):
    widget.gui.values.value = "from black to white"
    getattr(widget.gui, field).value = value

    assert what in widget.form.status.text()
    assert not widget.form.run.isEnabled()


def test_matching_files_are_counted(widget, folders, qtbot):
    qtbot.waitUntil(lambda: widget.count.text() == "2 files match.", timeout=PATIENCE)
    widget.gui.pattern.value = "a.*"
    qtbot.waitUntil(lambda: widget.count.text() == "1 file matches.", timeout=PATIENCE)
    widget.gui.pattern.value = ""
    assert widget.count.text() == ""


def test_all_files_are_upscaled_and_the_report_lists_failures(widget, folders, qtbot):
    source, out = folders
    (source / "c.tif").write_bytes(b"nonsense")

    run(widget, qtbot)

    assert widget.form.status.text() == "3 files: 2 upscaled, 1 failed."
    assert widget.details.toPlainText().startswith("Failed: c.tif: ")
    assert tifffile.imread(out / "a.tif").shape == (18, 14)
    (source / "c.tif").unlink()
    run(widget, qtbot)
    assert widget.form.status.text() == "2 files: 2 done before."
    assert widget.details.toPlainText() == ""


def test_the_fields_reach_the_run(widget, folders, loader, qtbot):
    loader.network = loader.network.__class__(scale=3)
    widget.gui.scale.value, widget.gui.to.value = 3, ".ome.tif"

    run(widget, qtbot)

    assert loader.asked == [("fsrcnn", 3, {})]
    assert set(files_in(folders[1])) == {"a.ome.tif", "b.ome.tif"}


def test_border_ensemble_and_consistency_reach_the_run(widget, folders, loader, qtbot):
    widget.gui.border.value = "zeros"
    widget.gui.ensemble.value = widget.gui.consistent.value = True
    function, (job, pattern, to) = widget._steps(widget.gui.asdict())

    assert function is folder_steps
    assert (job.settings.border, job.settings.ensemble) == ("zeros", True)
    assert job.model.consistent
    assert (job.source, job.target, pattern, to) == (*folders, widget.gui.pattern.value, "")


def test_parameters_that_only_scripts_have_are_not_shown(widget):
    names = {field.name for field in widget.gui}

    assert {"border", "overwrite"} <= names
    assert not {"tile", "workers", "progress"} & names


def test_cancel_stops_within_a_file_and_the_next_run_continues(widget, folders, loader, qtbot):
    _, out = folders
    loader.network = network = Gated(scale=2)
    network.permits.release()  # one file
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        widget.form.run.click()
        qtbot.waitUntil(lambda: "a.tif" in files_in(out), timeout=PATIENCE)
        qtbot.waitUntil(lambda: "File 2 of 2: b.tif" in widget.form.status.text(), timeout=PATIENCE)
        widget.form.stop.click()
        network.permits.release(9)

    assert widget.form.status.text() == "Cancelled: 1 of 2 files are done; run again to continue."
    assert set(files_in(out)) == {"a.tif"}
    network.permits.release(9)
    run(widget, qtbot)
    assert widget.form.status.text() == "2 files: 1 upscaled, 1 done before."


def test_closing_the_dock_ends_the_run(widget, folders, loader, qtbot):
    loader.network = network = Gated(scale=2)
    widget.form.run.click()
    qtbot.waitUntil(lambda: network.begun.acquire(blocking=False), timeout=PATIENCE)

    widget._leave()
    network.permits.release(9)

    qtbot.waitUntil(lambda: not WorkerBase._worker_set, timeout=PATIENCE)
    assert files_in(folders[1]) == {}


def test_results_around_the_sources_are_refused(widget, folders, qtbot):
    widget.gui.target.value = folders[0].parent

    run(widget, qtbot)

    assert "must not contain the images' folder" in widget.form.status.text()
    images = {name for name in files_in(folders[0].parent) if name.endswith(".tif")}
    assert images == {"in/a.tif", "in/b.tif"}


def test_messages_name_their_file(widget, folders, qtbot):
    values = np.full((9, 7), 4000, np.uint16)
    tifffile.imwrite(folders[0] / "deep.tif", values, imagej=True)
    widget.gui.to.value = ".png"

    run(widget, qtbot)

    assert "deep.tif: a PNG cannot hold ImageJ metadata" in widget.details.toPlainText()


def test_a_missing_model_is_asked_about(widget, folders, monkeypatch):
    asked = []
    monkeypatch.setattr(dock, "may_download", lambda entry, parent: asked.append(entry.name))
    widget.gui.model.value, widget.gui.scale.value = "bsrn", 4

    widget.form.run.click()

    assert asked == ["bsrn-x4"]
    assert widget._worker is None


def test_only_the_model_s_scales_are_offered_and_black_and_white_only_where_they_count(widget):
    widget.gui.model.value = "bsrn-s"
    assert widget.gui.scale.choices == (4, ANY)
    assert not widget.gui.factor.enabled
    widget.gui.model.value = "fsrcnn"
    assert 2 in widget.gui.scale.choices
    assert not widget.gui.white.enabled
    widget.gui.values.value = "from black to white"
    assert widget.gui.white.enabled


def test_any_factor_is_that_of_its_field_and_persists(widget, folders, viewer, qtbot):
    widget.gui.scale.value = ANY
    assert widget.gui.factor.enabled
    widget.gui.factor.value = 1.5

    run(widget, qtbot)

    assert widget.form.status.text() == "2 files: 2 upscaled."
    shapes = [tifffile.imread(one / "a.tif").shape for one in folders]
    assert shapes[1] == tuple(int(1.5 * size + 0.5) for size in shapes[0])
    again = FolderWidget(viewer)
    qtbot.addWidget(again)
    assert (again.gui.scale.value, again.gui.factor.value) == (ANY, 1.5)


def test_choices_persist(widget, folders, viewer, qtbot):
    widget.gui.model.value, widget.gui.scale.value = "bsrn", 4
    widget.gui.overwrite.value = True

    again = FolderWidget(viewer)
    qtbot.addWidget(again)

    assert again.gui.source.value == folders[0]
    assert (again.gui.model.value, again.gui.scale.value) == ("bsrn", 4)
    assert again.gui.overwrite.value is False
