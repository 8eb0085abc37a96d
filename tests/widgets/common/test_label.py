from __future__ import annotations

import pytest
from qtpy.QtWidgets import QLabel

from napari_sr.widgets.common.label import WrappedLabel


@pytest.fixture
def label(qtbot):
    label = WrappedLabel()
    qtbot.addWidget(label)
    label.resize(200, 20)
    label.show()
    return label


def test_a_long_text_gets_the_height_that_it_needs(label):
    label.say("one line")
    low = label.minimumHeight()

    label.say("many words " * 30)

    assert label.minimumHeight() >= 5 * low


def test_a_narrower_label_grows(label):
    label.say("many words " * 10)
    before = label.minimumHeight()

    label.resize(100, label.height())

    assert label.minimumHeight() > before


def test_no_line_breaks_between_a_number_and_its_unit(label):
    words = "at most 1.01 in 99 % of 3 pixels, 12 MB, 0.2 µm"
    label.say(words)

    assert QLabel.text(label) == "At most 1.01 in 99\xa0% of 3 pixels, 12\xa0MB, 0.2\xa0µm"
    assert label.text() == words.capitalize().replace("mb", "MB")


def test_sentences_begin_with_a_capital(label):
    label.say("a tile must be at least 17 px")

    assert label.text() == "A tile must be at least 17 px"


def test_it_gives_back_the_height_that_a_shorter_text_does_not_need(label):
    label.say("one")
    before = label.height()

    label.say("many words " * 30)
    tall = label.height()
    label.say("one")

    assert tall > before
    assert label.height() == before


@pytest.fixture
def reserved(qtbot):
    """Return a label of two lines, which cuts what is longer."""
    label = WrappedLabel(lines=2, cut=True)
    qtbot.addWidget(label)
    label.resize(200, 20)
    label.show()
    return label


def shown(label):
    return QLabel.text(label)


def test_reserved_lines_are_there_before_any_text(reserved):
    empty = reserved.height()

    reserved.say("one")
    one = reserved.height()
    reserved.say("many words " * 30)

    assert empty == one == reserved.height() >= 2 * reserved.fontMetrics().lineSpacing()


@pytest.mark.parametrize("size", [7, 9, 10, 11, 13])
@pytest.mark.parametrize("lines", [1, 2, 3, 5])
def test_as_many_lines_as_are_reserved_fit(qtbot, lines, size):
    # a line takes more than `lineSpacing` with some fonts, and Qt adds a margin to all of them
    label = WrappedLabel(lines=lines)
    qtbot.addWidget(label)
    label.setStyleSheet(f"font-size: {size}pt;")
    label.resize(200, 20)
    label.show()
    label.say("")
    before = label.height()

    label.say("\n".join(["Apply"] * lines))
    full = label.height()
    label.say("\n".join(["Apply"] * (lines + 1)))

    assert full == before
    assert label.height() > before


def test_a_text_of_as_many_lines_as_are_reserved_is_not_cut(reserved):
    reserved.setStyleSheet("font-size: 10pt;")

    reserved.say("Apply\nApply")

    assert (shown(reserved), reserved.toolTip()) == ("Apply\nApply", "")


def test_what_is_cut_is_in_the_tooltip(reserved):
    long = "Many words " * 30

    reserved.say(long)

    assert shown(reserved).endswith("…")
    assert 10 < len(shown(reserved)) < len(long)
    assert reserved.toolTip() == reserved.text() == long


def test_a_text_that_fits_has_no_tooltip(reserved):
    reserved.say("many words " * 30)
    reserved.say("one")

    assert (shown(reserved), reserved.toolTip()) == ("One", "")


def test_more_room_shows_more(reserved):
    reserved.say("many words " * 30)
    before = len(shown(reserved))

    reserved.resize(400, reserved.height())

    assert len(shown(reserved)) > before


def test_a_label_may_be_higher_than_what_is_reserved(qtbot):
    label = WrappedLabel(lines=2)
    qtbot.addWidget(label)
    label.resize(200, 20)
    low = label.height()

    label.say("many words " * 30)

    assert label.height() > low


PATH = "/home/somebody/results/2026-11-29_experiment_17_plate_3_well_B04/cells_x2.ome.tif"


def test_a_word_that_is_longer_than_a_line_is_broken_after_a_mark(label):
    label.say(f"Saved {PATH} now")

    lines = shown(label).split("\n")
    assert len(lines) > 2
    assert all(line[-1] in "/_-." for line in lines[:-1])
    assert "".join(lines) == f"Saved {PATH} now" == label.text()
    width = label.fontMetrics().horizontalAdvance
    assert all(width(word) <= label.width() for line in lines for word in line.split())


def test_a_long_word_without_marks_is_broken_anywhere(label):
    label.say("X" * 100)

    assert all(
        label.fontMetrics().horizontalAdvance(line) <= label.width()
        for line in shown(label).split("\n")
    )


def test_words_that_fit_are_not_broken(label):
    label.say("many words " * 10)

    assert shown(label) == label.text()


def test_a_wider_label_breaks_less(label):
    label.say(PATH)
    before = shown(label).count("\n")

    label.resize(2000, label.height())

    assert before > 0
    assert shown(label) == PATH
