from __future__ import annotations

import threading

import pytest
from superqt.utils import WorkerBase

from napari_sr.widgets.upscale import forecaster as module
from napari_sr.widgets.upscale.forecaster import Forecaster


@pytest.fixture
def forecaster(qtbot):
    forecaster = Forecaster()
    forecaster._pause.setInterval(1)
    yield forecaster
    WorkerBase.await_workers(10_000)


def test_only_the_last_of_many_questions_is_answered(forecaster, monkeypatch, qtbot):
    asked, told = [], []
    monkeypatch.setattr(
        module, "forecast_all", lambda question, folder: asked.append(question) or question
    )
    forecaster.told.connect(told.append)

    for number in range(50):
        forecaster.ask(number)
    qtbot.waitUntil(lambda: bool(told))

    assert told == [49]
    assert len(asked) == 1


def test_an_answer_that_comes_too_late_is_not_told(forecaster, monkeypatch, qtbot):
    begun, go_on, told = threading.Event(), threading.Event(), []

    def slow(question, folder):
        begun.set()
        assert go_on.wait(10)
        return question

    monkeypatch.setattr(module, "forecast_all", slow)
    forecaster.told.connect(told.append)
    forecaster.ask(1)
    qtbot.waitUntil(begun.is_set)

    forecaster.ask(2)
    qtbot.wait(20)
    go_on.set()
    qtbot.waitUntil(lambda: bool(told))

    assert told == [2]


def test_what_was_forgotten_is_not_told(forecaster, monkeypatch, qtbot):
    told = []
    monkeypatch.setattr(module, "forecast_all", lambda question: question)
    forecaster.told.connect(told.append)
    forecaster.ask(1)

    forecaster.forget()
    qtbot.wait(50)

    assert told == []


def test_an_error_is_told_and_the_next_question_answered(forecaster, monkeypatch, qtbot):
    told = []

    def grumpy(question, folder):
        if question == 1:
            raise ValueError("a tile must be at least 17 px, got 1")
        return question

    monkeypatch.setattr(module, "forecast_all", grumpy)
    forecaster.told.connect(told.append)
    forecaster.ask(1)
    qtbot.waitUntil(lambda: len(told) == 1)

    forecaster.ask(2)
    qtbot.waitUntil(lambda: len(told) == 2)

    assert str(told[0]) == "a tile must be at least 17 px, got 1"
    assert told[1] == 2
