from __future__ import annotations

import pytest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QMessageBox

from napari_sr.widgets.common.download import may_download, question
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
