"""A fine-tuning as a form's worker runs it."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest
from fakes import finish

from napari_sr.runs.model import ModelReference
from napari_sr.training.finetuning import finetune, job
from napari_sr.training.finetuning.config import BaseModel, FineTuneConfig, Update
from napari_sr.training.finetuning.job import TrainError, run


def config(name="fsrcnn", scale=2):
    base_model = BaseModel(f"{name.upper()} x{scale}", ModelReference(name, scale))
    return FineTuneConfig((), base_model, scale, Path("mine.safetensors"))


def never():
    return False


def test_a_model_that_is_not_here_is_fetched_first(monkeypatch):
    asked = []

    def fetch(entry):
        asked.append(entry.name)
        yield 1000, 2000

    monkeypatch.setattr(job, "fetch_steps", fetch)
    monkeypatch.setattr(finetune, "fine_tune", lambda task, stopped: (yield Update("training")))

    told, _ = finish(run(config("bsrn", 4), never))

    assert asked == ["bsrn-x4"]
    assert [update.doing for update in told] == ["Downloading: 1.0 kB of 2.0 kB", "training"]
    assert (told[0].done, told[0].total) == (1000, 2000)


def test_a_runtime_error_becomes_one_that_workers_keep(monkeypatch):
    def broken(task, stopped):
        yield Update("training")
        raise RuntimeError("CUDA error")

    monkeypatch.setattr(finetune, "fine_tune", broken)

    with pytest.raises(TrainError, match="training of FSRCNN x2 failed: CUDA error"):
        finish(run(config(), never))


def test_memory_that_runs_out_is_told_in_words(monkeypatch):
    def broken(task, stopped):
        yield Update("training")
        raise MemoryError

    monkeypatch.setattr(finetune, "fine_tune", broken)

    with pytest.raises(TrainError, match="training of FSRCNN x2 failed: memory ran out;"):
        finish(run(config(), never))


def test_stop_and_closing_reach_the_trainer(monkeypatch):
    seen = []

    def train(task, stopped):
        try:
            while True:
                seen.append(stopped())
                yield Update("training")
        finally:
            seen.append("closed")

    monkeypatch.setattr(finetune, "fine_tune", train)
    stop = Event()
    steps = run(config(), stop.is_set)
    next(steps)
    stop.set()
    next(steps)

    steps.close()

    assert seen == [False, True, "closed"]
