from __future__ import annotations

import pytest
import torch
from forms import PATIENCE

import napari_sr
from napari_sr import models
from napari_sr.runs.model_list import known_models
from napari_sr.runs.words import TIMES
from napari_sr.widgets.common.then_chooser import ThenChooser


@pytest.fixture
def chooser(qtbot):
    chooser = ThenChooser()
    qtbot.addWidget(chooser)
    chooser.relist()
    return chooser


def offered(chooser):
    return [chooser.models.itemText(at) for at in range(chooser.models.count())]


def test_nothing_follows_until_that_is_wanted(chooser):
    assert chooser.model() is None
    assert offered(chooser)[0] == "nothing"


def test_models_are_listed_when_the_list_is_opened(qtbot):
    chooser = ThenChooser()
    qtbot.addWidget(chooser)
    before = offered(chooser)

    chooser.models.opening.emit()

    assert before == ["nothing"]
    assert len(offered(chooser)) > 10


def test_known_models_are_offered_at_each_scale_without_those_that_take_the_noise(chooser):
    chooser.models.setCurrentText(f"FSRCNN, 3 {TIMES}")

    assert (chooser.model().model.name, chooser.model().scale) == ("fsrcnn", 3)
    assert not any("Micrograph" in name for name in offered(chooser))


def test_an_opened_file_is_chosen(chooser, tmp_path, qtbot):
    record = models.architecture("edsr")
    torch.save(record.network(**{**record.example, "scale": 4}).state_dict(), tmp_path / "own.pth")

    with qtbot.waitSignal(chooser.changed, timeout=PATIENCE):
        chooser.open_file(tmp_path / "own.pth")

    assert (chooser.model().model.title, chooser.model().scale) == ("own", 4)
    assert chooser.model().reference.name == tmp_path / "own.pth"


def test_of_two_files_with_one_title_the_chosen_one_stays_chosen(chooser, tmp_path, qtbot):
    record = models.architecture("edsr")
    files = [tmp_path / folder / "best.pth" for folder in ("first", "second")]
    for file in (*files, files[1]):
        file.parent.mkdir(exist_ok=True)
        torch.save(record.network(**record.example).state_dict(), file)
        with qtbot.waitSignal(chooser.changed, timeout=PATIENCE):
            chooser.open_file(file)

    chooser.relist()  # as when the list is opened

    assert chooser.model().reference.name == files[1]
    assert sum(name.startswith("best") for name in offered(chooser)) == 2


def test_no_scale_is_guessed_for_a_file_with_several(chooser, tmp_path, qtbot):
    torch.save(napari_sr.load("fsrcnn-x3").state_dict(), tmp_path / "own.pth")

    with qtbot.waitSignal(chooser.changed, timeout=PATIENCE):
        chooser.open_file(tmp_path / "own.pth")

    assert chooser.model() is None
    assert chooser.problem() == "own has several possible scales: choose one."
    chooser.models.setCurrentText(f"own, 3 {TIMES}")
    chooser.models.activated.emit(chooser.models.currentIndex())
    assert (chooser.model().scale, chooser.problem()) == (3, None)


def test_a_file_that_is_no_network_is_told(chooser, tmp_path, qtbot):
    (tmp_path / "notes.pth").write_text("notes")

    with qtbot.waitSignal(chooser.changed, timeout=PATIENCE):
        chooser.open_file(tmp_path / "notes.pth")

    assert "Cannot use notes.pth" in chooser.problem()
    chooser.choose_none()
    assert chooser.problem() is None


def test_a_model_that_is_gone_is_told(qtbot):
    shelf = known_models()
    chooser = ThenChooser(lambda: list(shelf))
    qtbot.addWidget(chooser)
    chooser.relist()
    chooser.models.setCurrentText(f"FSRCNN, 2 {TIMES}")

    shelf[:] = [model for model in shelf if model.name != "fsrcnn"]
    chooser.relist()

    assert chooser.model() is None
    assert chooser.problem() == (
        f"The model FSRCNN, 2 {TIMES} is no longer available: choose another one."
    )
