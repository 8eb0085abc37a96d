"""As many steps are taken, of such a size, as the time allows."""

from __future__ import annotations

import pytest
from trainings import pictures, tiny

from napari_sr.training.data.training_data import TrainingData
from napari_sr.training.finetuning import pacing
from napari_sr.training.finetuning.pacing import LEAST_JUDGED, MOST_JUDGED, Pacer
from napari_sr.training.finetuning.sizing import Size
from napari_sr.training.session import Progress, Session

SIZES = [Size(16, 24), Size(4, 24), Size(1, 24), Size(1, 8)]


@pytest.fixture
def make(tmp_path):
    """Return a function that makes a pacer of a training run of five minutes."""

    def made(minutes=5.0, judging=0.1, sizes=SIZES):
        session = Session(tmp_path, lasting=False)
        return Pacer(tiny(), TrainingData(pictures(1)), sizes, session, minutes, judging)

    return made


@pytest.fixture
def clock(monkeypatch, replace_time):
    """Let steps take as long as they have pixels; return a dict with the seconds of a pixel."""
    told = {"second": 0.0, "pixel": 0.0, "taken": 0}

    def train(config, training_data, session):
        yield Progress(0, 9, message="begins")
        for step in range(1, 1000):
            told["second"] += told["pixel"] * config.data.batch * config.data.crop**2
            told["taken"] += 1
            yield Progress(step, 1000)

    monkeypatch.setattr(pacing, "train", train)
    replace_time(pacing, monotonic=lambda: told["second"])
    return told


def ask(pacer, stopped=lambda: False):
    """Return what comes of the timing, and what it told meanwhile."""
    steps, told = pacer.counts(stopped), []
    while True:
        try:
            told.append(next(steps).doing)
        except StopIteration as end:
            return end.value, told


@pytest.mark.parametrize(
    ("pixel", "size"), [(1e-6, Size(16, 24)), (0.9 / 2304, Size(4, 24)), (0.1, Size(1, 8))]
)
def test_a_step_is_as_large_as_its_time_allows(make, clock, pixel, size):
    clock["pixel"] = pixel
    pacer = make()

    (steps, judged), told = ask(pacer)

    assert pacer.size == size
    assert (pacer.config.data.batch, pacer.config.data.crop) == (size.batch, size.crop)
    assert steps == pytest.approx(max(10, 270 / (pixel * size.pixels)), rel=0.01)
    assert LEAST_JUDGED <= judged <= MOST_JUDGED
    assert told[0] == f"Timing steps of {Size(1, 24).words} …"


def test_it_is_judged_less_often_where_judging_takes_long(make, clock):
    clock["pixel"] = 1e-4

    assert ask(make(judging=0.01))[0][1] == MOST_JUDGED
    assert ask(make(judging=3.0))[0][1] == 10
    assert ask(make(judging=60.0))[0][1] == LEAST_JUDGED


def test_timing_ends_when_it_is_stopped(make, clock):
    clock["pixel"] = 1e-6

    ask(make(), lambda: True)

    assert clock["taken"] == 1


def test_few_and_small_steps_are_noted(make):
    pacer = make()

    few, small = pacer.notes(7, early=False)

    assert "in 5 minutes, this device took only 7 steps" in few
    assert "each step used 1 crop of 24 x 24 pixels, because 16 crops of 24 x 24 pixels" in small
    pacer.minutes = 1
    assert next(pacer.notes(1, early=False)).startswith(
        "in 1 minute, this device took only 1 step:"
    )
    assert list(pacer.notes(7, early=True)) == [small]
    assert list(pacer.notes(100, early=False)) == [small]
