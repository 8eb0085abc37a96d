"""Which batches are drawn from sharp images, and from noisy ones."""

from __future__ import annotations

import pytest
import torch
from noisy import photons, picture, waves
from trainings import tiny, training_data

from napari_sr.training.data.draws import crops_of, draws_of
from napari_sr.training.data.training_data import TrainingData

CPU = torch.device("cpu")


def shapes(config, data):
    draw = draws_of(data, config, 1, 0, CPU)[2]
    return [tuple(one.shape[-1] for one in draw(number)) for number in range(4)]


def noisy(random, size=64):
    return TrainingData([picture(photons(random, waves(size)))])


def recipe_of(kind, **options):
    return tiny(data={"degradation": {"kind": kind, "options": options}}, loss=[{"kind": "mse"}])


def test_hr_crops_of_sharp_images_are_larger():
    assert shapes(tiny(), training_data()) == [(8, 16)] * 4


def test_every_third_batch_takes_the_noisy_image_as_the_hr_image(random):
    assert shapes(recipe_of("recorruption"), noisy(random)) == [(8, 8), (8, 8), (8, 16), (8, 8)]


@pytest.mark.parametrize(
    ("kind", "options"), [("recorruption", {"spot": {"sigma": 1.0}}), ("blind_spots", {})], ids=str
)
def test_sharper_results_and_hidden_pixels_need_the_sources_size(kind, options, random):
    assert shapes(recipe_of(kind, **options), noisy(random)) == [(8, 8)] * 4


def test_an_image_too_small_for_hr_crops_is_learnt_at_its_own_size(random):
    config = recipe_of("recorruption", noise={"gain": 0.02})

    assert shapes(config, noisy(random, 15)) == [(8, 8)] * 4


def test_crops_of_noisy_images_have_scale_1(random):
    assert crops_of(noisy(random), recipe_of("thinning"), 1, 0)[2].pairs.scale == 1
