"""Generators run to their end, and are closed."""

from __future__ import annotations

import pytest
from fakes import finish

from napari_sr.runs.drive import drive, translate


@pytest.fixture
def closed():
    return []


@pytest.fixture
def steps(closed):
    def run():
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)
        return "result"

    return run()


def test_every_step_is_shown_and_the_result_returned(steps, closed):
    shown = []

    assert drive(steps, shown.append) == "result"
    assert (shown, closed) == ([1, 2], [True])


def test_nothing_need_be_shown(steps):
    assert drive(steps) == "result"


def test_a_generator_is_closed_where_showing_fails(steps, closed):
    def fail(step):
        raise KeyError(step)

    with pytest.raises(KeyError, match="1"):
        drive(steps, fail)

    assert closed == [True]


def test_steps_are_put_in_words(steps):
    assert finish(translate(steps, "step {}".format)) == (["step 1", "step 2"], "result")


def test_closing_the_words_closes_the_steps(steps, closed):
    words = translate(steps, str)
    next(words)

    words.close()

    assert closed == [True]
