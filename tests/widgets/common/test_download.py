from __future__ import annotations

import pytest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QMessageBox

from napari_sr.widgets.common.download import (
    may_download,
    may_download_all,
    question,
    question_on_all,
)
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


def test_one_question_is_asked_about_several_models(entry, qtbot):
    box = question_on_all([entry, registry.find("imdn-x4")])
    qtbot.addWidget(box)

    assert box.text() == "Download 2 models (4.4 MB)?"
    assert f"BSRN x4: 1.5 MB, licence: {entry.licence}\nIMDN x4: " in box.informativeText()
    assert str(download.cache_folder()) in box.informativeText()


def test_a_long_list_of_models_is_cut(entry, qtbot):
    box = question_on_all([entry] * 11)
    qtbot.addWidget(box)

    assert box.informativeText().count("BSRN x4") == 8
    assert "and 3 more" in box.informativeText()


@pytest.mark.parametrize("count", [1, 2])
def test_agreeing_to_several_is_told(entry, qtbot, count):
    answer(QMessageBox.ButtonRole.AcceptRole)

    assert may_download_all([entry] * count)
