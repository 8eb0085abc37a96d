from __future__ import annotations

import pytest
import torch
from forms import PATIENCE

from napari_sr import models
from napari_sr.runs.model_file import inspect_checkpoint
from napari_sr.runs.model_list import known_models
from napari_sr.widgets.common.blend_chooser import BlendChooser


@pytest.fixture
def file_of(tmp_path):
    """Return a function that saves a small network under a name."""

    def save(name, architecture="edsr", **changes):
        record = models.architecture(architecture)
        path = tmp_path / f"{name}.pth"
        torch.save(record.network(**{**record.example, **changes}).state_dict(), path)
        return path

    return save


@pytest.fixture
def psnr(file_of):
    return inspect_checkpoint(file_of("psnr"))


@pytest.fixture
def chooser(qtbot, psnr):
    chooser = BlendChooser()
    qtbot.addWidget(chooser)
    chooser.offer(psnr, 2, [psnr])
    return chooser


def open_in(chooser, path, qtbot):
    with qtbot.waitSignal(chooser.changed, timeout=PATIENCE):
        chooser.open_file(path)


def offered(chooser):
    return [chooser.models.itemText(at) for at in range(chooser.models.count())]


def test_nothing_is_blended_and_no_slider_shown_until_that_is_wanted(chooser):
    assert chooser.model() is None
    assert chooser.weight.isHidden()
    assert offered(chooser) == ["nothing"]


def test_only_checkpoints_of_the_network_at_its_scale_are_offered(chooser, psnr, file_of):
    others = [
        inspect_checkpoint(file_of("gan")),
        inspect_checkpoint(file_of("coarse", scale=3)),
        inspect_checkpoint(file_of("foreign", "rfdn")),
    ]

    chooser.offer(psnr, 2, [psnr, *others, *known_models()])

    assert offered(chooser) == ["nothing", "gan", "EDSR slim"]


def test_a_network_of_grey_is_not_offered_to_one_of_luma(chooser):
    known = {model.name: model for model in known_models()}
    assert known["microscope"].grey
    assert not known["fsrcnn"].grey

    for first in (known["fsrcnn"], known["microscope"]):
        chooser.offer(first, 2, known_models())
        assert offered(chooser) == ["nothing"]


def test_a_file_that_hides_its_scale_is_offered_at_every_scale(chooser, file_of):
    first, second = (inspect_checkpoint(file_of(name, "fsrcnn")) for name in ("one", "two"))

    chooser.offer(first, 3, [first, second])

    assert offered(chooser) == ["nothing", "two"]


def test_an_opened_file_is_chosen_and_brings_the_slider(chooser, file_of, qtbot):
    open_in(chooser, file_of("gan"), qtbot)

    assert chooser.model().title == "gan"
    assert not chooser.weight.isHidden()
    assert chooser.weight.value() == 0.5
    assert chooser.problem() is None


def test_the_slider_tells_of_every_move(chooser, file_of, qtbot):
    open_in(chooser, file_of("gan"), qtbot)

    with qtbot.waitSignal(chooser.changed, timeout=PATIENCE):
        chooser.weight.setValue(0.3)

    assert chooser.weight.value() == pytest.approx(0.3)
    chooser.weight.setValue(7)
    assert chooser.weight.value() == 1


def test_the_second_stays_where_it_still_fits_and_comes_back(chooser, psnr, file_of, qtbot):
    open_in(chooser, file_of("gan"), qtbot)
    foreign = inspect_checkpoint(file_of("foreign", "rfdn"))

    chooser.offer(psnr, 2, [psnr, foreign])
    kept = chooser.model().title
    chooser.offer(foreign, 2, [psnr, foreign])
    gone = chooser.model(), chooser.weight.isHidden()
    chooser.offer(psnr, 2, [psnr, foreign])

    assert kept == "gan"
    assert gone == (None, True)
    assert offered(chooser) == ["nothing", "gan"]


@pytest.mark.parametrize(
    ("name", "architecture", "changes", "what"),
    [
        ("other", "rfdn", {}, r"psnr (edsr, x2) with other (rfdn, x"),
        ("other", "edsr", {"scale": 3}, "psnr (edsr, x2) with other (edsr, x3): both must have"),
        ("psnr", "edsr", {}, "Cannot blend psnr with itself"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_both(
    chooser, file_of, qtbot, name, architecture, changes, what
):
    open_in(chooser, file_of(name, architecture, **changes), qtbot)

    assert what in chooser.problem()
    assert chooser.model() is None


def test_a_file_that_is_no_checkpoint_says_why_until_another_choice(chooser, tmp_path, qtbot):
    open_in(chooser, tmp_path / "missing.pth", qtbot)
    problem = chooser.problem()

    chooser.models.activated.emit(0)

    assert problem.startswith("Cannot use missing.pth: ")
    assert chooser.problem() is None


def test_a_formula_is_blended_with_nothing(chooser):
    formulas = [model for model in known_models() if model.computed]

    chooser.offer(formulas[0], 2, formulas)

    assert offered(chooser) == ["nothing"]
    assert not chooser.isEnabled()
