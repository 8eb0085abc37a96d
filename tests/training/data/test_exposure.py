"""An exposure: its noise has the level that the network is told; its truth keeps the optics."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from napari_sr.layers.resize import imresize
from napari_sr.training.data.exposure import Exposure
from napari_sr.training.data.optics import Optics
from napari_sr.training.data.pairs import Pairs
from napari_sr.training.data.pictures import of_array

PLAIN = {"light": 1.0, "interpolated": 0.0, "sharp": 1.0, "without": 0.0}


@pytest.mark.parametrize("photons", [0.01, 0.5, 1.0])
def test_the_noise_has_its_level_over_the_whole_image(photons, random):
    light = torch.rand(1, 300, 300, generator=torch.Generator().manual_seed(0)) * 0.6
    exposure = Exposure(level=0.05, photons=photons, **PLAIN).of_image(float(light.mean()))

    noise = exposure.disturb(light, random) - light

    assert float(noise.std()) == pytest.approx(0.05, rel=0.02)
    assert float(noise.mean()) == pytest.approx(0, abs=1e-3)


def test_photon_noise_grows_with_the_light(random):
    light = torch.full((1, 200, 200), 0.1)
    light[..., 100:] = 0.9
    exposure = Exposure(level=0.05, photons=1.0, **PLAIN).of_image(0.5)

    noise = exposure.disturb(light, random) - light

    ratio = noise[..., 100:].std() / noise[..., :100].std()
    assert float(ratio) == pytest.approx(3, rel=0.05)


def test_the_told_level_is_the_true_one_up_to_an_error_of_ten_percent(random):
    drawn = [Exposure(level=0.05, **PLAIN).drawn(random) for _ in range(300)]

    told = np.log([one.noise_at(0.5) / 0.05 for one in drawn])

    assert told.mean() == pytest.approx(0, abs=0.02)
    assert told.std() == pytest.approx(0.1, rel=0.15)


def test_crops_without_noise_are_told_little(random):
    drawn = [Exposure(without=1.0).drawn(random) for _ in range(100)]
    image = torch.rand(1, 8, 8)

    assert all(torch.equal(one.disturb(image, random), image) for one in drawn)
    assert max(one.noise_at(0.5) for one in drawn) < 0.007


def test_the_truth_is_blurred_by_the_optics_and_then_binned():
    optics = Optics(pixel=0.1)
    exposure = Exposure(**{**PLAIN, "sharp": 0.0}, optics=optics)
    hr = torch.zeros(1, 80, 80)
    hr[0, 40, 41] = 1

    truth = exposure.seen(hr, 2)

    spot, reach = optics.kernel(2), optics.kernel(2).shape[0] // 2
    part = truth[0, 40 - reach : 41 + reach, 41 - reach : 42 + reach]
    torch.testing.assert_close(part.double(), spot, atol=1e-7, rtol=1e-4)
    binned = truth.unflatten(1, (-1, 2)).unflatten(3, (-1, 2)).mean((2, 4))
    torch.testing.assert_close(exposure.shrink(truth, 2, None), binned)


def test_some_crops_are_shrunk_by_interpolation():
    hr = torch.rand(1, 20, 20)

    lr = Exposure(interpolated=1.0).shrink(hr, 2, 255)

    assert torch.equal(lr, imresize(hr[None], 0.5)[0])


def test_dim_crops_keep_the_ratio_of_light_and_noise(random):
    drawn = [Exposure(level=0.1, light=(0.2, 1.0), without=0.0).drawn(random) for _ in range(200)]

    assert all(one.level == pytest.approx(0.1 * one.light) for one in drawn)
    lights = [math.log(one.light) for one in drawn]
    assert np.mean(lights) == pytest.approx(math.log(0.2) / 2, abs=0.1)


def test_a_pair_has_one_plane_more_with_the_level(random):
    pictures = of_array((random.random((60, 60)) * 255).astype(np.uint8))
    pairs = Pairs(
        pictures, Exposure(), scale=2, channels=1, full_range=True, takes_noise=True, memory=0
    )

    lr, hr = pairs.window(0, slice(4, 20), slice(5, 21), random)

    assert (lr.shape, hr.shape) == ((2, 16, 16), (1, 32, 32))
    assert lr[1].unique().numel() == 1
    assert 0 < float(lr[1, 0, 0]) < 0.3


def test_the_truth_of_a_crop_is_that_part_of_the_whole_truth(random):
    pictures = of_array((random.random((200, 200)) * 255).astype(np.uint8))
    exposure = Exposure(**{**PLAIN, "sharp": 0.0, "without": 1.0}, optics=Optics(aperture=1.3))
    pairs = Pairs(pictures, exposure, scale=2, channels=1, full_range=True)

    lr, hr = pairs.whole(0, np.random.default_rng(0))
    part = pairs.window(0, slice(40, 60), slice(30, 55), np.random.default_rng(0))

    torch.testing.assert_close(part[0], lr[:, 40:60, 30:55], atol=1e-6, rtol=0)
    torch.testing.assert_close(part[1], hr[:, 80:120, 60:110], atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"photons": 1.5}, "photons must be a share of at most 1, got 1.5"),
        ({"without": 2.0}, "without must be from 0 to 1, got 2.0"),
        ({"sharp": -0.1}, "sharp must be from 0 to 1, got -0.1"),
        ({"level": 0.0}, "level"),
    ],
)
def test_impossible_options_are_refused(option, message):
    with pytest.raises(ValueError, match=message):
        Exposure(**option)
