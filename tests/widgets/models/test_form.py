"""The form Models beside a viewer without a window: what it lists, downloads, imports, removes."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
import torch
from forms import PATIENCE
from napari.utils import progress
from qtpy.QtCore import QMimeData, QPoint, Qt, QUrl
from qtpy.QtGui import QDesktopServices, QDragEnterEvent, QDropEvent
from superqt.utils import WorkerBase

from napari_sr import models
from napari_sr.runs import model_list, model_speed, model_table
from napari_sr.widgets.models import form as module
from napari_sr.widgets.models.fields import NONE_FOUND, READING
from napari_sr.widgets.models.form import ModelsWidget
from napari_sr.zoo import download, trained


@pytest.fixture
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_SR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(trained.VARIABLE, str(tmp_path / "networks"))
    monkeypatch.delenv("NAPARI_SR_WEIGHTS", raising=False)
    return tmp_path


@pytest.fixture
def widget(viewer, folders, qtbot):
    widget = ModelsWidget(viewer)
    listed(widget, qtbot)
    yield widget
    WorkerBase.await_workers(PATIENCE)
    qtbot.wait(20)  # what the workers told last is dealt with while the form still lives
    if not widget._closed:
        widget.deleteLater()


@pytest.fixture
def agrees(monkeypatch):
    """Answer yes to questions, and remember them."""
    asked = []
    for name in ("may_download_all", "may_remove"):
        monkeypatch.setattr(module, name, lambda what, parent: asked.append(list(what)) or True)
    return asked


@pytest.fixture
def checkpoint(folders):
    record = models.architecture("fsrcnn")
    torch.save(record.network(**record.example).state_dict(), folders / "photo.pth")
    return folders / "photo.pth"


def listed(widget, qtbot):
    """Wait until the table shows what is there now."""
    with qtbot.waitSignal(widget.listed, timeout=PATIENCE):
        widget.relist()


def names(widget):
    shown = widget.form.table.shown
    return [shown.row(at).model.name for at in range(shown.rowCount())]


def chosen(widget):
    return [row.model.name for row in widget.form.table.selected()]


def ended(widget, qtbot, button):
    """Press a button, and wait until what it starts is over and shown."""
    with qtbot.waitSignals([widget.run_ended, widget.listed], timeout=PATIENCE):
        button.click()


def put_into_cache(monkeypatch, folders):
    """Let downloads write a file that counts as the model."""

    def fetch(entry, watch=None):
        path = download.cache_folder() / entry.file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
        return path

    def local(entry):
        path = download.cache_folder() / entry.file
        return path if path.exists() else None if entry.url else folders

    monkeypatch.setattr(download, "fetch", fetch)
    for place in (download, model_list):
        monkeypatch.setattr(place, "local_path", local)


def test_all_models_are_listed_and_nothing_can_be_done_without_a_choice(widget):
    form = widget.form

    assert {"fsrcnn", "bsrn", "lanczos"} <= set(names(widget))
    assert not any(each.isEnabled() for each in (form.use, form.run, form.measure, form.remove))
    assert form.add.isEnabled()
    assert form.folder.isEnabled()


def test_a_search_that_finds_nothing_says_so(widget):
    form = widget.form
    assert form.status.text() == ""

    form.search.setText("nothing like this")
    assert form.status.text() == NONE_FOUND
    form.search.clear()

    assert form.status.text() == ""


def test_search_scale_and_installed_filter_the_rows(widget):
    form = widget.form
    form.search.setText("photographs MIT")
    by_words = set(names(widget))
    form.scale.setCurrentIndex(form.scale.findData(2))
    form.scale.activated.emit(1)
    by_scale = names(widget)
    form.search.clear()
    form.installed.setChecked(True)

    assert by_words == {"bsrn", "bsrn-s", "rfdn", "imdn-ntire"}
    assert by_scale == ["bsrn"]
    assert "fsrcnn" in names(widget)
    assert "bsrn" not in names(widget)


def test_the_selected_model_is_described_and_its_buttons_work(widget):
    form = widget.form
    form.table.select({"bsrn"})

    assert "Licence: MIT" in form.details.toPlainText()
    assert "SHA-256" in form.details.toPlainText()
    assert (form.use.isEnabled(), form.run.isEnabled()) == (True, True)
    assert (form.measure.isEnabled(), form.remove.isEnabled()) == (False, False)
    form.table.select({"bsrn", "fsrcnn"})
    assert form.details.toPlainText().startswith("2 models are selected")
    assert (form.use.isEnabled(), form.measure.isEnabled()) == (False, True)


def test_the_window_does_not_wait_for_the_rows(viewer, folders, qtbot, monkeypatch):
    gate, rows = threading.Event(), model_table.rows
    monkeypatch.setattr(model_table, "rows", lambda: gate.wait(PATIENCE / 1000) and rows())

    widget = ModelsWidget(viewer)

    assert (names(widget), widget.form.status.text()) == ([], READING)
    assert not widget.form.run.isEnabled()
    with qtbot.waitSignal(widget.listed, timeout=PATIENCE):
        gate.set()
    assert "bsrn" in names(widget)
    assert widget.form.status.text() == ""
    widget.deleteLater()


def test_an_error_of_the_list_is_told(widget, monkeypatch, qtbot):
    def fail():
        raise OSError("the folder vanished")

    monkeypatch.setattr(model_table, "rows", fail)

    widget.relist()

    told = widget.form.status
    qtbot.waitUntil(lambda: "the folder vanished" in told.text().lower(), timeout=PATIENCE)


def test_opening_the_table_needs_no_connection(viewer, folders, qtbot, monkeypatch):
    monkeypatch.setattr(download, "fetch", lambda *_: pytest.fail("downloaded"))
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("connected"))

    widget = ModelsWidget(viewer)
    listed(widget, qtbot)

    assert "bsrn" in names(widget)
    WorkerBase.await_workers(PATIENCE)
    widget.deleteLater()


def test_several_models_are_downloaded_after_one_question(
    widget, agrees, folders, monkeypatch, qtbot
):
    put_into_cache(monkeypatch, folders)
    widget.form.table.select({"bsrn", "mslapsrn"})

    ended(widget, qtbot, widget.form.run)

    assert [[entry.file for entry in asked] for asked in agrees] == [
        ["bsrn-x2.pth", "bsrn-x4.pth", "mslapsrn-d5r5.mat"]
    ]
    assert widget.form.status.text() == "Downloaded 3 files."
    assert chosen(widget) == ["bsrn", "mslapsrn"]
    assert not widget.form.run.isEnabled()
    assert widget.form.remove.isEnabled()
    assert not progress._all_instances


def test_nothing_is_downloaded_if_the_user_says_no(widget, monkeypatch):
    monkeypatch.setattr(module, "may_download_all", lambda entries, parent: False)
    monkeypatch.setattr(download, "fetch", lambda *_: pytest.fail("downloaded"))
    widget.form.table.select({"bsrn"})

    widget.form.run.click()

    assert widget._worker is None


def test_a_download_that_fails_says_in_one_sentence_what_to_do(
    widget, agrees, folders, monkeypatch, qtbot
):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # no server listens there
    widget.form.table.select({"rfdn"})

    ended(widget, qtbot, widget.form.run)

    status = widget.form.status.text()
    assert status.startswith("Could not download rfdn-x4 (1.8 MB) from https://")
    assert "there is no connection to the server" in status
    assert "NAPARI_SR_WEIGHTS" in status
    assert str(folders / "cache" / "rfdn-x4.pth") in status
    assert widget.form.run.isEnabled()


def test_cancel_ends_a_download(widget, agrees, monkeypatch, qtbot):
    form = widget.form

    def fetch(entry, watch):
        while True:
            watch(1000, entry.size)

    monkeypatch.setattr(download, "fetch", fetch)
    form.table.select({"bsrn"})
    form.run.click()
    qtbot.waitUntil(lambda: "Downloading BSRN x2" in form.status.text(), timeout=PATIENCE)
    shown = form.bar.maximum(), form.run.isEnabled(), form.remove.isEnabled()

    ended(widget, qtbot, form.stop)

    assert shown == (2_966_490, False, False)
    assert form.status.text() == "Cancelled. Finished downloads and measurements are kept."
    assert form.run.isEnabled()


def test_the_speed_of_installed_models_is_measured_on_demand(widget, monkeypatch, qtbot):
    timed = []

    def measure(reference):
        timed.append(reference.name)
        speed = model_speed.Speed(0.42, "cpu", "2", "here")
        monkeypatch.setattr(model_speed, "speeds", lambda: {"edsr-slim-x2 x2": speed})

    monkeypatch.setattr(model_speed, "measure", measure)
    table = widget.form.table
    table.select({"edsr-slim", "bsrn"})
    widget.resize(400, 700)
    widget.show()

    ended(widget, qtbot, widget.form.measure)

    assert timed == ["edsr-slim-x2", "edsr-slim-x3", "edsr-slim-x4"]
    assert widget.form.status.text() == "Timed 3 models."
    assert "0.42 s per megapixel" in widget.form.details.toPlainText()
    (place,) = (
        at for at in range(table.model().columnCount())
        if table.model().headerData(at, Qt.Orientation.Horizontal) == "s per MP"
    )  # fmt: skip
    right = table.columnViewportPosition(place) + table.columnWidth(place)
    assert 0 < right <= table.viewport().width()


def test_dropped_files_are_imported_and_selected(widget, checkpoint, folders, qtbot):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(checkpoint))])
    where = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    entering = QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, data, *where)
    widget.dragEnterEvent(entering)

    with qtbot.waitSignal(widget.listed, timeout=PATIENCE):
        widget.dropEvent(
            QDropEvent(QPoint(5, 5).toPointF(), Qt.DropAction.CopyAction, data, *where)
        )

    assert entering.isAccepted()
    assert chosen(widget) == [str(folders / "networks" / "photo.pth")]
    assert widget.form.status.text() == "Imported photo."
    assert widget.form.remove.isEnabled()


def test_other_things_cannot_be_dropped(widget):
    data = QMimeData()
    data.setText("hello")
    event = QDragEnterEvent(
        QPoint(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    event.ignore()

    widget.dragEnterEvent(event)

    assert not event.isAccepted()


def test_a_file_that_is_no_checkpoint_gets_its_sentence(widget, folders, qtbot):
    (folders / "notes.pth").write_text("nothing")

    with qtbot.waitSignal(widget.listed, timeout=PATIENCE):
        widget.import_files([folders / "notes.pth"])

    assert widget.form.status.text().startswith("Cannot import notes.pth: ")


def test_an_imported_file_is_removed_after_a_question(widget, checkpoint, agrees, folders, qtbot):
    with qtbot.waitSignal(widget.listed, timeout=PATIENCE):
        widget.import_files([checkpoint])

    with qtbot.waitSignal(widget.listed, timeout=PATIENCE):
        widget.form.remove.click()

    assert agrees == [[folders / "networks" / "photo.pth"]]
    assert list((folders / "networks").iterdir()) == []
    assert checkpoint.exists()
    assert widget.form.status.text() == "Removed 1 file."


def test_the_folder_of_own_networks_is_opened_without_a_choice(widget, folders, monkeypatch):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url) or True)

    widget.form.folder.click()
    widget.form.table.select({"fsrcnn"})
    widget.form.folder.click()

    assert [url.toLocalFile() for url in opened] == [
        str(folders / "networks"),
        str(download.SHIPPED),
    ]


def test_use_chooses_model_and_scale_in_the_open_form(widget, docked, viewer, loader, monkeypatch):
    upscaling = docked(viewer)
    monkeypatch.setattr(module, "docked", lambda viewer, kind: [upscaling])
    form = widget.form
    form.scale.setCurrentIndex(form.scale.findData(4))
    form.scale.activated.emit(form.scale.currentIndex())
    form.table.select({"edsr-slim"})

    form.use.click()

    assert upscaling.form.model.choice().label == "EDSR slim x4"
    assert form.status.text() == "EDSR slim is chosen in the upscaling form."


def test_use_opens_the_form_if_none_is_open(widget, monkeypatch):
    opened = []
    model = SimpleNamespace(choose=lambda *what: opened.append(what))
    form = SimpleNamespace(form=SimpleNamespace(model=model))
    monkeypatch.setattr(module, "open_form", lambda viewer, name: opened.append(name) or form)
    widget.form.table.select({"bsrn"})

    widget.form.table.chosen.emit()

    assert opened == ["Upscale layer", ("bsrn", None)]


def test_open_upscaling_forms_follow_a_download(
    widget, docked, viewer, loader, agrees, folders, monkeypatch, qtbot
):
    upscaling = docked(viewer)
    upscaling.form.model.choose("bsrn", 2)
    before = upscaling.form.model.about.text()
    put_into_cache(monkeypatch, folders)
    monkeypatch.setattr(module, "docked", lambda viewer, kind: [upscaling])
    widget.form.table.select({"bsrn"})

    ended(widget, qtbot, widget.form.run)

    assert "to download once" in before
    assert "on this machine" in upscaling.form.model.about.text()


def test_closing_the_dock_ends_a_download(widget, agrees, monkeypatch, qtbot):
    began, stopped = threading.Event(), threading.Event()

    def fetch(entry, watch):
        try:
            while True:
                began.set()
                watch(1, entry.size)
        finally:
            stopped.set()

    monkeypatch.setattr(download, "fetch", fetch)
    widget.form.table.select({"bsrn"})
    widget.form.run.click()

    qtbot.waitUntil(began.is_set, timeout=PATIENCE)
    widget._leave()

    qtbot.waitUntil(stopped.is_set, timeout=PATIENCE)
