"""The form *Download models* beside a viewer without a window."""

from __future__ import annotations

import threading

import pytest
from forms import PATIENCE
from superqt.utils import WorkerBase

from napari_sr.runs.prefetch import downloadable
from napari_sr.widgets.functions.prefetch import PrefetchWidget
from napari_sr.zoo import download


@pytest.fixture
def server(monkeypatch, tmp_path):
    """Let downloads write a file if the test lets them; return the gate, which is open."""
    gate = threading.Event()
    gate.set()
    monkeypatch.setenv("NAPARI_SR_CACHE", str(tmp_path / "cache"))

    def fetch(entry, watch=None):
        path = download.cache_folder() / entry.file
        if not path.exists():
            while not gate.wait(0.01):
                watch(1, entry.size)
            path.parent.mkdir(exist_ok=True)
            path.write_text(entry.name)
        return path

    def local(entry):
        path = download.cache_folder() / entry.file
        return path if path.exists() else None

    monkeypatch.setattr(download, "fetch", fetch)
    monkeypatch.setattr(download, "local_path", local)
    return gate


@pytest.fixture
def widget(viewer, server, qtbot):
    widget = PrefetchWidget(viewer)
    qtbot.addWidget(widget)
    yield widget
    WorkerBase.await_workers(PATIENCE)
    qtbot.wait(20)


@pytest.fixture
def names():
    return [entry.name for entry in downloadable()[:2]]


def lines(widget):
    box = widget.gui.models.native
    return [box.item(at).text() for at in range(box.count())]


def test_every_downloadable_model_is_listed_with_size_and_licence(widget):
    assert len(lines(widget)) == len(downloadable())
    assert lines(widget)[0].startswith(f"{downloadable()[0].title}: ")
    assert downloadable()[0].licence in lines(widget)[0]
    assert not any(line.endswith(", downloaded") for line in lines(widget))
    assert not widget.form.run.isEnabled()
    assert widget.form.status.text() == "Select one or several models."


def test_selected_models_are_downloaded_and_then_shown_as_here(widget, names, qtbot):
    widget.gui.models.value = names
    assert widget.sizes.text().startswith("To download: 2 of 2 selected, ")

    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        widget.form.run.click()

    assert widget.form.status.text() == "2 models can be used without a connection."
    assert [line.endswith(", downloaded") for line in lines(widget)][:3] == [True, True, False]
    assert widget.gui.models.value == names
    assert widget.sizes.text().startswith("To download: 0 of 2 selected, ")


def test_copies_for_another_machine_go_into_a_folder(widget, names, tmp_path, qtbot):
    widget.gui.models.value, widget.gui.folder.value = names, tmp_path / "mirror"

    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        widget.form.run.click()

    assert len(list((tmp_path / "mirror").iterdir())) == 2
    assert "set NAPARI_SR_WEIGHTS to that folder" in widget.form.status.text()


def test_cancel_stops_a_download(widget, names, server, qtbot):
    server.clear()
    widget.gui.models.value = names
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        widget.form.run.click()
        qtbot.waitUntil(lambda: "Downloading" in widget.form.status.text(), timeout=PATIENCE)
        widget.form.stop.click()

    assert widget.form.status.text() == "Cancelled. Models that are already downloaded stay."
    assert not (download.cache_folder()).exists()


def test_a_failure_is_told(widget, names, monkeypatch, qtbot):
    def fetch(entry, watch=None):
        raise download.DownloadError(f"could not download {entry.name}")

    monkeypatch.setattr(download, "fetch", fetch)
    widget.gui.models.value = names[:1]
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        widget.form.run.click()

    assert f"{names[0]}: could not download {names[0]}" in widget.form.status.text()
