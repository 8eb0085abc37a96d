from __future__ import annotations

import pytest

from napari_sr.widgets._label import WrappedLabel


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
