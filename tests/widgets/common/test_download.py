from __future__ import annotations

import threading

import pytest
from fakes import finish
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QMessageBox

from napari_sr.widgets.common.download import fetch_steps, may_download, question
from napari_sr.zoo import download, registry


@pytest.fixture
def entry():
    return registry.find("bsrn-x4")


def answer(role):
    """Press a button of the question that is about to be asked."""

    def press():
        box = QApplication.activeModalWidget()
        next(button for button in box.buttons() if box.buttonRole(button) == role).click()

    QTimer.singleShot(50, press)


def test_the_question_names_size_licence_and_address(entry, qtbot):
    box = question(entry)
    qtbot.addWidget(box)

    assert box.text() == "Download BSRN x4 (1.5 MB)?"
    assert f"Licence: {entry.licence}" in box.informativeText()
    assert entry.url in box.informativeText()
    assert str(download.cache_folder()) in box.informativeText()


def test_agreeing_is_told(entry, qtbot):
    answer(QMessageBox.ButtonRole.AcceptRole)

    assert may_download(entry)


def test_refusing_is_told(entry, qtbot):
    answer(QMessageBox.ButtonRole.RejectRole)

    assert not may_download(entry)


def test_closing_the_question_refuses(entry, qtbot):
    QTimer.singleShot(50, lambda: QApplication.activeModalWidget().close())

    assert not may_download(entry)


def test_what_is_here_is_not_fetched(monkeypatch):
    monkeypatch.setattr(download, "fetch", lambda *_: pytest.fail("fetched"))

    told, _ = finish(fetch_steps(registry.find("fsrcnn-x2")))

    assert told == []


def test_bytes_are_told_while_they_come(entry, monkeypatch):
    go_on = threading.Event()

    def fetch(entry, watch):
        watch(700, entry.size)
        assert go_on.wait(10)

    monkeypatch.setattr(download, "local_path", lambda entry: None)
    monkeypatch.setattr(download, "fetch", fetch)
    steps = fetch_steps(entry)

    seen = next(told for told in steps if told[0])
    go_on.set()

    assert seen == (700, entry.size)
    finish(steps)


def test_closing_it_ends_the_download(entry, monkeypatch):
    ended = []

    def fetch(entry, watch):
        try:
            while True:
                watch(1, entry.size)
        finally:
            ended.append(True)

    monkeypatch.setattr(download, "local_path", lambda entry: None)
    monkeypatch.setattr(download, "fetch", fetch)
    steps = fetch_steps(entry)
    next(steps)

    steps.close()

    assert ended == [True]


def test_a_download_that_fails_raises_its_reason(entry, monkeypatch):
    def fetch(entry, watch):
        raise download.DownloadError("there is no connection to the server")

    monkeypatch.setattr(download, "local_path", lambda entry: None)
    monkeypatch.setattr(download, "fetch", fetch)

    with pytest.raises(download.DownloadError, match="no connection"):
        finish(fetch_steps(entry))
