"""The field for the level of the noise."""

from __future__ import annotations

import pytest

from napari_sr.widgets.upscale.noise_box import ESTIMATED, NoiseBox


@pytest.fixture
def box(qtbot):
    box = NoiseBox()
    qtbot.addWidget(box)
    return box


def test_an_empty_field_says_that_the_level_is_estimated(box):
    assert box.placeholderText() == ESTIMATED
    assert box.level() is None
    assert box.problem() is None


@pytest.mark.parametrize(("text", "level"), [("0", 0.0), (" 12.5 ", 12.5), ("2,5", 2.5)])
def test_a_number_is_the_level(box, text, level):
    box.setText(text)

    assert box.level() == level
    assert box.problem() is None


@pytest.mark.parametrize("text", ["-1", "much", "nan", "inf"])
def test_other_text_is_a_problem(box, text):
    box.setText(text)

    assert box.level() is None
    assert box.problem() == f"Noise must be a number of at least 0, or empty; got {text!r}"


def test_a_comma_that_may_separate_thousands_is_a_problem(box):
    box.setText("1,250")

    assert box.level() is None
    assert box.problem() == "Noise: '1,250' may mean 1250 or 1.250: write one of them"
