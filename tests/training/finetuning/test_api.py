"""`napari_sr.fine_tune`: one call from arrays to a file."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import napari_sr
from napari_sr.runs.model import ModelReference
from napari_sr.training.component import ComponentSpec
from napari_sr.training.data.noise_model import NoiseModel
from napari_sr.training.data.spot import Spot
from napari_sr.training.finetuning import finetune, sizing
from napari_sr.training.finetuning.config import BaseModel, Image, Update
from napari_sr.training.finetuning.pacing import Pacer
from napari_sr.training.finetuning.self_supervision import SelfSupervision
from napari_sr.training.finetuning.sizing import Size


@pytest.fixture
def configs(monkeypatch):
    """Keep what the trainer is given, and train nothing."""
    given = []

    def train(config):
        given.append(config)
        yield Update("training")
        return "the result"

    monkeypatch.setattr(finetune, "fine_tune", train)
    return given


def test_an_array_becomes_a_file_that_loads_at_its_scale(tmp_path, monkeypatch, random):
    def counts(self, stopped):
        return 4, 1
        yield

    monkeypatch.setattr(Pacer, "counts", counts)
    monkeypatch.setattr(sizing, "LADDER", (Size(2, 24),))
    image = random.integers(0, 255, (12, 12), np.uint8).repeat(4, 0).repeat(4, 1)
    told = []

    tuned = napari_sr.fine_tune(
        [image], "fsrcnn", 2, tmp_path / "mine.safetensors", minutes=0.5, progress=told.append
    )

    assert tuned.steps == 4
    assert napari_sr.load(tuned.path).scale == 2
    assert torch.isfinite(torch.tensor(tuned.psnr))
    assert any(update.scores for update in told)


def test_arrays_are_named_and_share_axes_and_range(configs, tmp_path):
    own = Image("own", np.zeros((2, 8, 8)), "ZYX")

    result = napari_sr.fine_tune(
        [np.zeros((3, 8, 8)), own], "fsrcnn-x2", 2, tmp_path / "a", axes="TYX", value_range=(0, 9)
    )

    [config] = configs
    assert result == "the result"
    assert [one.name for one in config.images] == ["image 1", "own"]
    assert (config.images[0].axes, config.images[0].value_range) == ("TYX", (0, 9))
    assert config.images[1] is own


@pytest.mark.parametrize(
    ("model", "base"),
    [
        ("fsrcnn", BaseModel("fsrcnn-x2", ModelReference("fsrcnn", 2))),
        ("runs/mine.safetensors", BaseModel("mine", ModelReference("runs/mine.safetensors", 2))),
    ],
)
def test_a_model_is_a_name_or_a_file(configs, model, base):
    napari_sr.fine_tune([], model, 2, "a.safetensors")

    assert configs[0].base_model == base


def test_a_degradation_is_a_name_or_has_options(configs):
    blur = ComponentSpec("blur", {"sigma": 2.0})

    for given in ("microscope", blur):
        napari_sr.fine_tune([], "fsrcnn", 2, "a.safetensors", degradation=given)

    assert [one.degradation for one in configs] == [ComponentSpec("microscope"), blur]
    assert [one.degradation_words for one in configs] == ["microscope", "blur"]


def test_one_array_instead_of_a_list_is_refused():
    with pytest.raises(ValueError, match=r"must be a list of arrays, got one array"):
        napari_sr.fine_tune(np.zeros((8, 8)), "fsrcnn", 2, "a.safetensors")


def test_another_scale_than_the_models_is_refused():
    with pytest.raises(ValueError, match=r"fsrcnn-x3 upscales 3 times, got scale=2"):
        napari_sr.fine_tune([], "fsrcnn-x3", 2, "a.safetensors")


def test_noisy_images_are_learnt_from_alone(configs, tmp_path):
    noisy = SelfSupervision("thinning", Spot(sigma=1.0))
    napari_sr.fine_tune([np.zeros((8, 8))], "fsrcnn", 2, tmp_path / "a", supervision="self")
    napari_sr.fine_tune(
        [np.zeros((8, 8))], "fsrcnn", 2, tmp_path / "a", supervision="self", noisy=noisy
    )

    assert [config.supervision for config in configs] == [SelfSupervision(), noisy]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"supervision": "none"}, "got 'none' without settings"),
        ({"noisy": SelfSupervision()}, "got 'sharp' with settings"),
        ({"degradation": "thinning"}, "one for sharp images.* got 'thinning'"),
    ],
    ids=["unknown", "contradiction", "degradation"],
)
def test_a_contradiction_about_the_images_is_refused(wrong, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        napari_sr.fine_tune([np.zeros((8, 8))], "fsrcnn", 2, tmp_path / "a", **wrong)


@pytest.mark.parametrize("number", [{"minutes": True}, {"minutes": 0}, {"minutes": "2"}])
def test_minutes_that_are_no_number_above_0_are_refused(configs, tmp_path, number):
    with pytest.raises(ValueError, match="minutes must be a number above 0, got "):
        napari_sr.fine_tune([np.zeros((8, 8))], "fsrcnn", 2, tmp_path / "a", **number)

    assert configs == []


def test_a_bool_is_no_scale_and_no_noise(configs, tmp_path):
    with pytest.raises(ValueError, match="scale must be a whole number of at least 1, got True"):
        napari_sr.fine_tune([np.zeros((8, 8))], "fsrcnn", True, tmp_path / "a")
    with pytest.raises(ValueError, match="got gain True, offset 0"):
        NoiseModel(True)
    with pytest.raises(ValueError, match="sigma True"):
        Spot(sigma=True)
    with pytest.raises(ValueError, match="weight must be above 0, got True"):
        SelfSupervision(weight=True)
