from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakes import finish

from napari_sr.runs.model_list import Choice, Model, known_models
from napari_sr.training.finetuning import finetune
from napari_sr.training.finetuning.config import Update
from napari_sr.widgets.common.source import Source
from napari_sr.widgets.train import job as _train_job
from napari_sr.widgets.train.degradation import Shrinking
from napari_sr.widgets.train.job import TrainError, TrainJob, run_training, task_of
from napari_sr.widgets.train.models import Fresh

PIXELS = np.zeros((40, 40), np.uint8)


def job(choice):
    source = Source("cells", PIXELS, (40, 40), "YX", False)
    blur = Shrinking("blur", "a blur", {"sigma": 2.0})
    return TrainJob(((source, (0.0, 99.0)),), choice, blur, 3.0, "cpu", Path("mine.safetensors"))


def known(name="fsrcnn"):
    return next(model for model in known_models() if model.name == name)


def test_a_job_is_told_to_the_trainer():
    task = task_of(job(Choice(known(), 3)))

    (image,) = task.images
    assert (image.name, image.axes, image.value_range) == ("cells", "YX", (0.0, 99.0))
    assert image.array is PIXELS
    assert (task.base_model.title, task.base_model.checkpoint) == ("FSRCNN x3", "fsrcnn-x3")
    assert (task.scale, task.minutes, task.device) == (3, 3.0, "cpu")
    assert (task.degradation.kind, task.degradation.options) == ("blur", {"sigma": 2.0})
    assert task.degradation_words == "a blur"


def test_a_file_brings_the_answers_that_its_tensors_lack():
    model = Model("mine.pth", "mine", "", "", (2,), options=(("input_range", 1.0),))

    origin = task_of(job(Choice(model, 2, (("res_scale", 0.1),)))).base_model

    assert origin.checkpoint == "mine.pth"
    assert origin.options == {"input_range": 1.0, "res_scale": 0.1}


def test_a_fresh_network_is_told_by_its_recipe():
    fresh = Fresh("fsrcnn", "FSRCNN, fresh", "", "", (2, 3))

    origin = task_of(job(Choice(fresh, 3))).base_model

    assert (origin.recipe, origin.checkpoint) == ("fsrcnn-x2", "")


def test_a_model_that_is_not_here_is_fetched_first(monkeypatch):
    asked = []

    def fetch(entry):
        asked.append(entry.name)
        yield 1000, 2000

    monkeypatch.setattr(_train_job, "fetch_steps", fetch)
    monkeypatch.setattr(finetune, "fine_tune", lambda task, stopped: (yield Update("training")))

    told, _ = finish(run_training(job(Choice(known("bsrn"), 4))))

    assert asked == ["bsrn-x4"]
    assert [news.doing for news in told] == ["Downloading: 1.0 kB of 2.0 kB", "training"]
    assert (told[0].done, told[0].total) == (1000, 2000)


def test_a_runtime_error_becomes_one_that_workers_keep(monkeypatch):
    def broken(task, stopped):
        yield Update("training")
        raise RuntimeError("CUDA error")

    monkeypatch.setattr(finetune, "fine_tune", broken)

    with pytest.raises(TrainError, match="training of FSRCNN x2 stopped: CUDA error"):
        finish(run_training(job(Choice(known(), 2))))


def test_memory_that_runs_out_is_told_in_words(monkeypatch):
    def broken(task, stopped):
        yield Update("training")
        raise MemoryError

    monkeypatch.setattr(finetune, "fine_tune", broken)

    with pytest.raises(TrainError, match="training of FSRCNN x2 stopped: memory ran out;"):
        finish(run_training(job(Choice(known(), 2))))


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
    one = job(Choice(known(), 2))
    steps = run_training(one)
    next(steps)
    one.stop.set()
    next(steps)

    steps.close()

    assert seen == [False, True, "closed"]
