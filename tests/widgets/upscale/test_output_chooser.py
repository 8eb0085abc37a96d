from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from napari.layers import Image

from napari_sr.files.image import FileError
from napari_sr.widgets.upscale import output_chooser
from napari_sr.widgets.upscale.output_chooser import FOLDER, MEMORY, OutputChooser


@pytest.fixture
def make(qtbot, tmp_path, monkeypatch):
    """Return a function that returns a chooser whose last folder is a temporary one."""
    monkeypatch.setattr(output_chooser, "get_save_history", lambda: [str(tmp_path)])
    monkeypatch.setattr(output_chooser, "update_save_history", lambda path: None)

    def build():
        chooser = OutputChooser()
        qtbot.addWidget(chooser)
        chooser.follow(Image(np.zeros((4, 5)), name="cells"), 2, another=True)
        return chooser

    return build


def choose(chooser, kind):
    chooser.kind.setCurrentText(kind)
    chooser.kind.activated.emit(chooser.kind.currentIndex())


def type_path(chooser, text):
    chooser.path.setText(text)
    chooser.path.textEdited.emit(text)


def test_memory_is_the_default_and_the_path_is_hidden(make):
    chooser = make()

    assert chooser.folder() is None
    assert chooser.problem() is None
    assert not chooser.path.isVisibleTo(chooser)


def test_a_folder_is_named_after_layer_and_scale(make, tmp_path, qtbot):
    chooser = make()

    with qtbot.waitSignal(chooser.changed, timeout=20_000):
        choose(chooser, FOLDER)

    assert chooser.folder() == tmp_path / "cells x2.ome.zarr"
    assert chooser.path.isVisibleTo(chooser)
    assert str(chooser.folder()) in chooser.path.toolTip()


@pytest.mark.needs("zarr")
def test_the_folder_is_proposed_for_what_does_not_fit_until_it_fits(make):
    chooser = make()

    assert chooser.propose(fits=False)
    assert chooser.in_folder
    assert not chooser.propose(fits=False)
    assert chooser.propose(fits=True)
    assert not chooser.in_folder


def test_a_choice_by_hand_stays(make):
    chooser = make()
    chooser.propose(fits=False)

    choose(chooser, MEMORY)

    assert not chooser.propose(fits=False)
    assert not chooser.in_folder


def test_another_layer_begins_with_memory_and_its_own_name(make, tmp_path):
    chooser = make()
    choose(chooser, FOLDER)
    type_path(chooser, str(tmp_path / "mine.zarr"))

    chooser.follow(Image(np.zeros((4, 5)), name="other"), 3, another=True)

    assert not chooser.in_folder
    assert Path(chooser.path.text()) == tmp_path / "other x3.ome.zarr"


def test_a_typed_path_survives_another_model(make, tmp_path):
    chooser = make()
    choose(chooser, FOLDER)
    type_path(chooser, str(tmp_path / "mine.zarr"))

    chooser.follow(Image(np.zeros((4, 5)), name="cells"), 4, another=False)

    assert chooser.folder() == tmp_path / "mine.zarr"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "needs the name"),
        ("a.zarr", "absolute path"),
        ("~nobody-here/a.zarr", "absolute path"),
    ],
)
def test_a_text_that_is_no_path_is_explained(make, text, reason):
    chooser = make()
    choose(chooser, FOLDER)

    type_path(chooser, text)

    assert reason in chooser.problem()


def test_a_browsed_path_gets_its_suffix(make, tmp_path, monkeypatch):
    chooser = make()
    choose(chooser, FOLDER)
    asked = []

    def answer(parent, title, proposed, kinds):
        asked.append(proposed)
        return str(tmp_path / "new"), kinds

    monkeypatch.setattr(output_chooser.QFileDialog, "getSaveFileName", answer)
    chooser.browse.click()

    assert asked == [str(tmp_path / "cells x2.ome.zarr")]
    assert chooser.folder() == tmp_path / "new.ome.zarr"


def test_a_cancelled_dialog_changes_nothing(make, tmp_path, monkeypatch):
    chooser = make()
    choose(chooser, FOLDER)
    monkeypatch.setattr(output_chooser.QFileDialog, "getSaveFileName", lambda *_: ("", ""))

    chooser.browse.click()

    assert chooser.folder() == tmp_path / "cells x2.ome.zarr"


def test_after_a_run_the_next_name_is_proposed(make, tmp_path):
    chooser = make()
    choose(chooser, FOLDER)
    type_path(chooser, str(tmp_path / "other" / "mine (3).ome.zarr"))
    assert not chooser.is_proposed

    chooser.renew()

    assert chooser.folder() == tmp_path / "other" / "mine (4).ome.zarr"
    assert chooser.is_proposed


def test_only_a_proposed_path_gives_way(make, tmp_path):
    chooser = make()
    chooser.propose_path(tmp_path / "a.zarr")  # the output is memory
    assert chooser.path.text().endswith("cells x2.ome.zarr")
    choose(chooser, FOLDER)

    chooser.propose_path(tmp_path / "b.zarr")
    assert chooser.folder() == tmp_path / "b.zarr"
    type_path(chooser, str(tmp_path / "mine.zarr"))
    chooser.propose_path(tmp_path / "c.zarr")

    assert chooser.folder() == tmp_path / "mine.zarr"


def test_a_line_about_the_folder_takes_room_only_if_it_says_something(make):
    chooser = make()
    choose(chooser, FOLDER)
    assert not chooser.about.isVisibleTo(chooser)

    chooser.tell("3 of 4 blocks are done.")
    assert chooser.about.isVisibleTo(chooser)

    chooser.tell("")
    assert not chooser.about.isVisibleTo(chooser)


def test_without_the_packages_the_folder_cannot_be_chosen(make, monkeypatch):
    def lack(*names):
        raise FileError("OME-Zarr files need zarr: pip install 'napari-sr[zarr]'")

    monkeypatch.setattr(output_chooser, "check_packages", lack)
    chooser = make()
    chooser.show()

    assert not chooser.kind.model().item(1).isEnabled()
    assert "napari-sr[zarr]" in chooser.missing
    assert not chooser.propose(fits=False)
