"""As much of the held-out part is judged as the time allows."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from noisy import photons, picture, waves
from trainings import tiny, training_data

from napari_sr.training.data.training_data import TrainingData
from napari_sr.training.finetuning import held_out, sizing
from napari_sr.training.finetuning.config import BaseModel, FineTuneConfig
from napari_sr.training.finetuning.held_out import held_out_of
from napari_sr.training.finetuning.noisy import NoisyHeldOut
from napari_sr.training.finetuning.preview import HeldOut
from napari_sr.training.finetuning.self_supervision import SelfSupervision
from napari_sr.training.learner import build

CPU = torch.device("cpu")


def task(supervision=None):
    return FineTuneConfig((), BaseModel("x"), 2, Path("x"), supervision=supervision)


@pytest.fixture
def judgeable(monkeypatch):
    monkeypatch.setattr(sizing, "judgeable", lambda network, device, seconds: (20, 4))
    return held_out


@pytest.mark.usefixtures("judgeable")
def test_sharp_images_are_judged_in_hr_pixels():
    config = tiny()

    config, data, found = held_out_of(task(), config, training_data(), build(config).eval(), CPU)

    assert isinstance(found, HeldOut)
    assert config.data.validation_size == 20
    assert found.pairs[0][1].shape == (1, 20, 20)
    assert len(data.held_out) == 1


@pytest.mark.usefixtures("judgeable")
def test_noisy_images_are_judged_in_their_own_pixels_and_count_each_realisation(random):
    config = tiny(data={"degradation": {"kind": "recorruption"}}, loss=[{"kind": "mse"}])
    pictures = [picture(photons(random, waves())) for _ in range(3)]
    every = TrainingData(pictures, pictures)

    config, data, found = held_out_of(
        task(SelfSupervision()), config, every, build(config).eval(), CPU
    )

    assert isinstance(found, NoisyHeldOut)
    # four planes may be judged: two pictures, in two realisations
    assert data.held_out == [pictures[0], pictures[2]]
    assert [pair.source.shape for pair in found.pairs] == [(1, 20, 20)] * 4
