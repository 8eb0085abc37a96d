from __future__ import annotations

import threading

import pytest
import torch
from forms import PATIENCE

from napari_sr import models
from napari_sr.runs.model_list import COMPUTED, OPENED, ListedModel, about, known_models
from napari_sr.widgets.common import checkpoint as checkpoint_module
from napari_sr.widgets.common.model_chooser import ModelChooser


@pytest.fixture
def chooser(qtbot):
    chooser = ModelChooser()
    qtbot.addWidget(chooser)
    return chooser


@pytest.fixture
def checkpoint(tmp_path):
    """Return a small FSRCNN's file, which does not show its scale."""
    record = models.architecture("fsrcnn")
    path = tmp_path / "mine.pth"
    torch.save(record.network(**record.example).state_dict(), path)
    return path


def scales(chooser):
    return [chooser.scale.itemData(index) for index in range(chooser.scale.count())]


def choose(chooser, title):
    listed = [chooser.models.itemData(index) for index in range(chooser.models.count())]
    names = [None if model is None else model.title for model in listed]
    chooser.models.setCurrentIndex(names.index(title))


def test_it_starts_with_a_model_that_needs_no_download(chooser):
    choice = chooser.choice()

    assert choice.label == "FSRCNN x2"
    assert choice.entry.url is None


def test_models_are_listed_with_what_they_are_for(chooser):
    assert chooser.models.currentText() == "FSRCNN: photographs, fast"


def test_only_the_scales_of_the_model_are_offered(chooser):
    choose(chooser, "BSRN")

    assert scales(chooser) == [2, 4]


def test_the_scale_is_kept_where_the_next_model_has_it(chooser):
    chooser.scale.setCurrentIndex(scales(chooser).index(4))

    choose(chooser, "BSRN")

    assert chooser.choice().label == "BSRN x4"


def test_a_model_is_chosen_with_its_scale(chooser, qtbot):
    with qtbot.waitSignal(chooser.changed, timeout=PATIENCE):
        chooser.choose("edsr-slim", 4)

    assert chooser.choice().label == "EDSR slim x4"
    chooser.choose("microscope", 3)  # has no such scale
    assert chooser.choice().label == "Microscope x2"


def test_a_download_elsewhere_is_told(chooser, monkeypatch, tmp_path):
    monkeypatch.setenv("NAPARI_SR_CACHE", str(tmp_path))
    monkeypatch.delenv("NAPARI_SR_WEIGHTS", raising=False)
    choose(chooser, "BSRN")
    before = chooser.about.text()
    monkeypatch.setattr("napari_sr.runs.model_list.local_path", lambda entry: tmp_path)

    chooser.renew()

    assert "to download once" in before
    assert "on this machine" in chooser.about.text()


def test_headings_cannot_be_chosen(chooser):
    items = chooser.models.model()
    headings = [
        index for index in range(chooser.models.count()) if chooser.models.itemData(index) is None
    ]

    assert headings[0] == 0
    assert all(not items.item(index).isEnabled() for index in headings)


def test_the_line_says_whether_a_download_is_needed(monkeypatch, tmp_path, shared):
    monkeypatch.setenv("NAPARI_SR_CACHE", str(tmp_path))
    by_title = {model.title: model for model in known_models()}
    missing = about(by_title["BSRN-S"])

    monkeypatch.setenv("NAPARI_SR_WEIGHTS", str(shared / "weights"))

    assert "included" in about(by_title["FSRCNN"])
    assert "to download once" in missing
    assert "on this machine" in about(by_title["BSRN-S"])


LEARNED = [model for model in known_models() if model.heading != COMPUTED]


@pytest.mark.parametrize("model", LEARNED, ids=lambda model: model.name)
def test_the_line_names_size_licence_and_training(model):
    line = about(model)

    assert model.summary in line
    assert f"licence: {model.entries[0].licence}" in line
    assert f"trained on: {model.entries[0].trained_on}" in line
    assert " kB" in line or " MB" in line


def test_an_opened_file_is_chosen_and_asks_for_its_scale(chooser, checkpoint, qtbot):
    with qtbot.waitSignal(chooser.changed, timeout=PATIENCE):
        chooser.open_file(checkpoint)

    choice = chooser.choice()
    assert chooser.models.findText(OPENED) > 0
    assert choice.reference.name == checkpoint
    assert scales(chooser) == [2, 3, 4, 8]
    assert "does not show" in chooser.scale.toolTip()


def test_the_answer_to_a_question_reaches_the_loader(chooser, checkpoint, qtbot):
    with qtbot.waitSignal(chooser.changed, timeout=PATIENCE):
        chooser.open_file(checkpoint)

    chooser._boxes()["input_range"].setValue(255)

    assert chooser.choice().reference.options == (("input_range", 255),)


def test_what_is_left_automatic_is_not_passed_on(chooser, checkpoint, qtbot):
    with qtbot.waitSignal(chooser.changed, timeout=PATIENCE):
        chooser.open_file(checkpoint)

    chooser._boxes()["input_range"].setValue(0)

    assert chooser.choice().options == ()


def test_another_model_asks_no_questions(chooser, checkpoint, qtbot):
    with qtbot.waitSignal(chooser.changed, timeout=PATIENCE):
        chooser.open_file(checkpoint)

    choose(chooser, "FSRCNN")

    assert chooser._boxes() == {}
    assert chooser.choice().options == ()


def test_a_file_that_is_no_checkpoint_says_why(chooser, tmp_path, qtbot):
    path = tmp_path / "notes.pth"
    path.write_text("nothing")

    with qtbot.waitSignal(chooser.changed, timeout=PATIENCE):
        chooser.open_file(path)

    assert chooser.choice() is None
    assert chooser.problem().startswith("Cannot use notes.pth: ")


def test_choosing_a_model_takes_back_an_unusable_file(chooser, tmp_path, qtbot):
    with qtbot.waitSignal(chooser.changed, timeout=PATIENCE):
        chooser.open_file(tmp_path / "missing.pth")

    chooser.models.activated.emit(chooser.models.currentIndex())

    assert chooser.problem() is None
    assert chooser.choice().label == "FSRCNN x2"


@pytest.fixture
def slow(monkeypatch):
    """Let files be read only when this is set, except for quick.pth."""
    go, inspect = threading.Event(), checkpoint_module.inspect_checkpoint

    def late(path):
        assert path.name == "quick.pth" or go.wait(PATIENCE / 1000)
        return inspect(path)

    monkeypatch.setattr(checkpoint_module, "inspect_checkpoint", late)
    yield go
    go.set()


def test_a_file_that_was_read_late_does_not_replace_a_newer_choice(
    chooser, checkpoint, slow, qtbot
):
    chooser.open_file(checkpoint)
    chooser.choose("edsr-slim", 4)

    slow.set()

    qtbot.waitUntil(lambda: chooser.models.findText(OPENED) > 0, timeout=PATIENCE)
    assert chooser.choice().label == "EDSR slim x4"


def test_an_error_that_comes_late_is_told_beside_the_newer_choice(
    chooser, tmp_path, slow, qtbot, monkeypatch
):
    told = []
    monkeypatch.setattr(checkpoint_module, "show_info", told.append)
    chooser.open_file(tmp_path / "missing.pth")
    chooser.models.activated.emit(chooser.models.currentIndex())

    slow.set()

    qtbot.waitUntil(lambda: bool(told), timeout=PATIENCE)
    assert told[0].startswith("Cannot use missing.pth: ")
    assert chooser.choice().label == "FSRCNN x2"


def test_of_two_files_the_one_that_was_opened_last_is_chosen(
    chooser, checkpoint, tmp_path, slow, qtbot, monkeypatch
):
    told = []
    monkeypatch.setattr(checkpoint_module, "show_info", told.append)
    chooser.open_file(tmp_path / "missing.pth")
    chooser.open_file(checkpoint.rename(tmp_path / "quick.pth"))
    qtbot.waitUntil(lambda: chooser.models.findText(OPENED) > 0, timeout=PATIENCE)

    slow.set()

    qtbot.waitUntil(lambda: bool(told), timeout=PATIENCE)
    assert chooser.problem() is None
    assert chooser.choice().reference.name.name == "quick.pth"


def test_the_reading_of_a_slow_file_can_be_cancelled(chooser, checkpoint, slow, qtbot, monkeypatch):
    told, before = [], (chooser.about.text(), chooser.browse.toolTip())
    monkeypatch.setattr(checkpoint_module, "show_info", told.append)
    chooser._slow.setInterval(0)
    chooser.open_file(checkpoint)
    qtbot.waitUntil(lambda: chooser.browse.text() == "Cancel", timeout=PATIENCE)

    chooser.browse.click()

    assert (chooser.browse.text(), chooser.browse.accessibleName()) == (
        "Browse…", "Browse for a checkpoint"
    )  # fmt: skip
    assert (chooser.about.text(), chooser.browse.toolTip()) == before
    slow.set()
    chooser.open_file(checkpoint.rename(checkpoint.with_name("quick.pth")))
    qtbot.waitUntil(lambda: chooser.models.findText(OPENED) > 0, timeout=PATIENCE)
    assert [model.title for model in chooser._opened] == ["quick"]
    assert (told, chooser.browse.text()) == ([], "Browse…")


def test_an_opened_file_is_blended_with_another_at_the_slider_s_share(
    chooser, checkpoint, tmp_path, qtbot
):
    (tmp_path / "other.pth").write_bytes(checkpoint.read_bytes())
    with qtbot.waitSignal(chooser.changed, timeout=PATIENCE):
        chooser.open_file(checkpoint)
    chooser.scale.setCurrentIndex(scales(chooser).index(3))
    chooser.scale.activated.emit(1)

    with qtbot.waitSignal(chooser.changed, timeout=PATIENCE):
        chooser.blend.open_file(tmp_path / "other.pth")
    with qtbot.waitSignal(chooser.changed, timeout=PATIENCE):
        chooser.blend.weight.setValue(0.3)

    assert chooser.choice().label == "0.7 mine + 0.3 other x3"
    choose(chooser, "BSRN")
    assert chooser.choice().label == "BSRN x2"


def test_a_file_opened_as_a_model_is_offered_to_blend_another_with(
    chooser, checkpoint, tmp_path, qtbot
):
    (tmp_path / "other.pth").write_bytes(checkpoint.read_bytes())

    for path in (checkpoint, tmp_path / "other.pth"):
        with qtbot.waitSignal(chooser.changed, timeout=PATIENCE):
            chooser.open_file(path)

    second = chooser.blend.models
    assert [second.itemText(at) for at in range(second.count())] == ["nothing", "FSRCNN", "mine"]


def test_a_second_file_that_cannot_be_used_leaves_no_choice(chooser, tmp_path, qtbot):
    with qtbot.waitSignal(chooser.changed, timeout=PATIENCE):
        chooser.blend.open_file(tmp_path / "missing.pth")

    assert chooser.choice() is None
    choose(chooser, "BSRN")
    assert chooser.choice().label == "BSRN x2"


def test_the_line_of_a_formula_says_that_it_has_no_weights(chooser):
    choose(chooser, "Lanczos")

    assert "Windowed sine" in chooser.about.text()
    assert "has no weights" in chooser.about.text()
    assert chooser.choice().label == "Lanczos x2"


def model(name, title):
    return ListedModel(name, title, "Trained here", "", (2,), architecture="fsrcnn")


@pytest.fixture
def shelf():
    """Return a list of models that a test changes."""
    return [model("a", "A"), model("b", "B")]


@pytest.fixture
def growing(qtbot, shelf):
    chooser = ModelChooser(lambda: list(shelf))
    qtbot.addWidget(chooser)
    return chooser


def titles(chooser):
    return [chooser.models.itemText(index) for index in range(chooser.models.count())]


def test_what_comes_while_it_is_shown_is_listed_when_the_list_opens(growing, shelf):
    choose(growing, "B")
    shelf.insert(0, model("new", "New"))
    told = []
    growing.changed.connect(lambda: told.append(1))

    growing.models.opening.emit()

    assert titles(growing) == ["Trained here", "New", "A", "B"]
    assert growing.choice().model.name == "b"
    assert told == []


def test_a_model_that_is_gone_is_not_replaced_unasked(growing, shelf, qtbot):
    choose(growing, "B")
    del shelf[1]

    with qtbot.waitSignal(growing.changed, timeout=1000):
        growing.relist()

    assert growing.choice() is None
    assert growing.problem() == "The model B is no longer available: choose another one."

    growing.relist()
    assert growing.choice() is None

    growing.choose("a")

    assert growing.problem() is None
    assert growing.choice().model.name == "a"
    assert scales(growing) == [2]


def test_a_second_checkpoint_that_is_gone_does_not_end_the_blend_unasked(growing, shelf):
    choose(growing, "A")
    second = growing.blend
    second.models.setCurrentText("B")
    second.models.activated.emit(second.models.currentIndex())
    del shelf[1]

    growing.relist()
    growing.relist()

    assert growing.choice() is None
    said = "The checkpoint B is no longer available: choose another one, or nothing."
    assert second.problem() == said

    second.models.activated.emit(0)

    assert growing.choice().model.name == "a"


def test_opened_files_stay_when_the_list_is_made_again(growing, shelf, checkpoint, qtbot):
    with qtbot.waitSignal(growing.changed, timeout=20_000):
        growing.open_file(checkpoint)
    shelf.append(model("c", "C"))

    growing.relist()

    assert titles(growing)[-2:] == [OPENED, "mine"]
    assert growing.choice().model.name == str(checkpoint)


def test_a_model_is_chosen_by_its_name_though_it_has_just_come(growing, shelf):
    shelf.append(model("c", "C"))

    growing.choose("c")

    assert growing.choice().model.title == "C"
    growing.choose("never heard of")
    assert growing.choice().model.title == "C"
