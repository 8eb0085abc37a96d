"""The button that copies or saves how a result was made."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from napari.layers import Image
from qtpy.QtWidgets import QApplication, QFileDialog, QWidget
from records import record_of

from napari_sr.runs.record import as_toml
from napari_sr.runs.record_forms import FORMS
from napari_sr.widgets.common.record_menu import RecordMenu


@pytest.fixture
def menu(qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    menu = RecordMenu(parent)
    menu.sentences = []
    menu.told.connect(menu.sentences.append)
    parent.show()
    yield menu
    parent.close()


@pytest.fixture
def result():
    return Image(np.zeros((4, 5)), name="cells [x2]", metadata={"napari-sr": record_of()})


def choose(menu, title):
    (action,) = [action for action in menu.menu().actions() if action.text() == title]
    action.trigger()


def test_it_is_visible_for_results_only(menu, result):
    visible = [menu.isVisible()]
    unfinished = Image(np.zeros((4, 5)), metadata={"napari-sr": {"folder": "/a"}})
    for layer in (result, Image(np.zeros((4, 5))), result, unfinished, result, None):
        menu.offer(layer)
        visible.append(menu.isVisible())

    assert visible == [False, True, False, True, False, True, False]


def test_it_goes_with_the_layer_of_its_result(menu, result):
    menu.offer(result)
    menu.forget_without([result])
    assert menu.isVisible()

    menu.forget_without([])
    assert not menu.isVisible()


@pytest.mark.parametrize(
    ("title", "form"),
    [("Python code", "python"), ("Command line", "command"), ("TOML", "toml")],
)
def test_each_entry_copies_its_form(menu, result, title, form):
    menu.offer(result)

    choose(menu, title)

    assert QApplication.clipboard().text().strip() == FORMS[form](record_of()).strip()
    assert menu.sentences[0].startswith("Copied how cells [x2] was made, as ")


def test_a_file_is_saved_with_its_suffix(menu, result, tmp_path, monkeypatch):
    proposed = []

    def asked(parent, title, path, kinds):
        proposed.append(Path(path).name)
        return str(tmp_path / "mine"), kinds

    monkeypatch.setattr(QFileDialog, "getSaveFileName", asked)
    menu.offer(result)

    choose(menu, "Save as TOML file …")

    assert proposed == ["cells_fsrcnn-x2.toml"]
    saved = tmp_path / "mine.toml"
    assert tomllib.loads(saved.read_text()) == tomllib.loads(as_toml(record_of()))
    assert menu.sentences == [f"Saved how cells [x2] was made: {saved}"]


def test_nothing_is_saved_or_told_if_the_dialog_is_closed(menu, result, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: ("", ""))
    menu.offer(result)

    choose(menu, "Save as TOML file …")

    assert menu.sentences == []


def test_what_cannot_be_done_is_told(menu, result, tmp_path, monkeypatch):
    missing = tmp_path / "none" / "a.toml"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(missing), ""))
    menu.offer(result)
    choose(menu, "Save as TOML file …")
    result.metadata["napari-sr"]["scale"] = "two"

    menu.offer(result)
    choose(menu, "Python code")

    assert "No such file or directory" in menu.sentences[0]
    assert "its scale must be a valid integer" in menu.sentences[1]
