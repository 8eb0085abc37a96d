"""Only the newest question is answered, and one is asked at a time."""

from __future__ import annotations

import threading

import pytest
from forms import PATIENCE
from superqt.utils import WorkerBase

from napari_sr.widgets.common.latest import Latest


@pytest.fixture
def latest():
    yield Latest()
    WorkerBase.await_workers(PATIENCE)


def test_the_newest_question_is_answered(latest, qtbot):
    answers, asked = [], []
    latest.answered.connect(answers.append)

    def double(number):
        asked.append(number)
        return 2 * number

    for number in range(4):
        latest.ask(double, number)
    qtbot.waitUntil(lambda: answers == [6], timeout=PATIENCE)

    assert asked == [3]


def test_a_slow_answer_is_announced_once(qtbot, monkeypatch):
    monkeypatch.setattr("napari_sr.widgets.common.latest.SLOW", 20)
    latest, told, go_on = Latest(waiting="wait"), [], threading.Event()
    latest.slow.connect(told.append)
    with qtbot.waitSignal(latest.answered, timeout=PATIENCE):
        latest.ask(go_on.wait, PATIENCE / 1000)
        qtbot.waitUntil(lambda: told == ["wait"], timeout=PATIENCE)
        go_on.set()

    assert not latest._late.isActive()
    latest.ask(go_on.wait, 0)
    assert latest._late.isActive()
    latest.forget()
    assert not latest._late.isActive()


def test_an_answer_that_came_too_late_is_not_told(latest, qtbot):
    answers, gate, begun = [], threading.Event(), threading.Event()
    latest.answered.connect(answers.append)

    def wait(word):
        begun.set()
        gate.wait(PATIENCE / 1000)
        return word

    latest.ask(wait, "first")
    qtbot.waitUntil(begun.is_set, timeout=PATIENCE)
    latest.ask(wait, "second")
    gate.set()
    qtbot.waitUntil(lambda: answers == ["second"], timeout=PATIENCE)


def test_what_is_forgotten_is_not_asked(latest, qtbot):
    asked = []

    latest.ask(asked.append, 1)
    latest.forget()
    qtbot.wait(100)

    assert asked == []


def test_errors_are_answers(latest, qtbot):
    def fail():
        raise ValueError("no such plane")

    with qtbot.waitSignal(latest.answered, timeout=PATIENCE) as told:
        latest.ask(fail)

    assert str(told.args[0]) == "no such plane"
