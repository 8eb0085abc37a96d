"""What all degradations of noisy sources have in common; each must hide the source's noise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from noisy import averaged, photons, picture, repeated, waves

from napari_sr.engine.image.plane_values import ValueRange
from napari_sr.training.data.blind_spots import BlindSpots
from napari_sr.training.data.from_source import FromSource, estimated_in, smoothed
from napari_sr.training.data.noise_model import NoiseModel
from napari_sr.training.data.pictures import of_array
from napari_sr.training.data.recorruption import Recorruption
from napari_sr.training.data.spot import Spot
from napari_sr.training.data.thinning import Thinning
from napari_sr.training.measurement import Measurement
from napari_sr.training.noisy_pairs import NoisyPair
from napari_sr.training.noisy_validation import psnr_of

KINDS = [Recorruption, Thinning, BlindSpots]
TARGET = {Recorruption: 1 + 1 / 0.7**2, Thinning: 5, BlindSpots: 0}
"""Variance of the target's noise, relative to that of the source."""


def pairs_of(kind, random, truth=None):
    truth = waves() if truth is None else truth
    source = picture(photons(random, truth))
    degradation = kind(noise=NoiseModel(gain=0.02)).fitted(source)
    image = source.whole()
    noise = float(degradation.variance(image).mean()) * TARGET[kind]
    measurement = Measurement(degradation.spot)
    return [NoisyPair(*degradation.split(image, image, random), noise, measurement, 2)
            for _ in range(4)]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_the_identity_does_not_win(kind, random):
    pairs = pairs_of(kind, random)

    assert psnr_of(averaged, pairs) > psnr_of(repeated, pairs) + 1


@pytest.mark.parametrize("kind", [Recorruption, Thinning])
def test_noise_of_input_and_target_is_uncorrelated(kind, random):
    truth = np.full((200, 200), 0.5)

    ((source, target),) = [pair[:2] for pair in pairs_of(kind, random, truth)[:1]]

    noises = source.numpy().ravel() - 0.5, target.numpy().ravel() - 0.5
    # of n independent pairs, the correlation varies by 1 / sqrt(n) = 0.005
    assert abs(np.corrcoef(*noises)[0, 1]) < 0.02


@pytest.mark.parametrize("kind", [Recorruption, Thinning])
def test_both_realisations_have_the_mean_of_the_source(kind, random):
    truth = np.full((200, 200), 0.5)

    pair = pairs_of(kind, random, truth)[0]

    # variance 0.01; at most five times as much in the target
    assert pair.source.mean() == pytest.approx(0.5, abs=6 * (0.015 / 40_000) ** 0.5)
    assert pair.target.mean() == pytest.approx(0.5, abs=6 * (0.05 / 40_000) ** 0.5)


@pytest.mark.parametrize("kind", [Recorruption, Thinning])
def test_the_targets_variance_is_as_told(kind, random):
    truth = np.full((200, 200), 0.5)

    pair = pairs_of(kind, random, truth)[0]

    assert pair.noise == pytest.approx(0.01 * TARGET[kind], rel=0.05)
    assert pair.target.var() == pytest.approx(pair.noise, rel=0.05)


def test_given_noise_is_converted_to_the_pictures_range():
    noise = NoiseModel(2.0, 100.0, 3.0)
    bright = picture(waves())
    values = ValueRange(100.0, 1100.0)
    object.__setattr__(bright, "values", values)

    assert FromSource(noise=noise).fitted(bright).noise == noise.encoded(values)


@pytest.mark.parametrize("shared", [0.0, 0.5, 1.0])
def test_noise_of_colours_is_that_of_one_colour(shared, random):
    common, own = random.normal(0, 0.05, (64, 64, 1)), random.normal(0, 0.05, (64, 64, 3))
    pixels = 0.5 + shared**0.5 * common + (1 - shared) ** 0.5 * own

    coloured = of_array(pixels, axes="YXC", value_range=(0.0, 1.0))[0]

    found = estimated_in(coloured).variance(torch.tensor([0.5])).sqrt()
    assert float(found) == pytest.approx(0.05, rel=0.1)


def test_the_gain_of_grey_saved_as_colours_is_that_of_grey(random):
    bright = np.linspace(0.1, 0.9, 128)[None, :].repeat(128, axis=0)
    grey = random.poisson(bright * 100) / 100

    coloured = of_array(np.stack([grey] * 3, axis=-1), axes="YXC", value_range=(0.0, 1.0))[0]

    assert estimated_in(coloured).gain == pytest.approx(0.01, rel=0.3)


def test_a_small_picture_is_named():
    with pytest.raises(ValueError, match="array: noise can be estimated from at least 32 x 32"):
        estimated_in(picture(waves(20)))


def test_smoothing_keeps_constants_and_shape():
    image = torch.full((3, 5, 6), 0.25)

    torch.testing.assert_close(smoothed(image), image)


@pytest.mark.parametrize("kind", [Recorruption, Thinning])
def test_as_an_hr_image_the_source_gets_an_input_with_noise_like_its_own(kind, random):
    image = picture(photons(random, np.full((200, 200), 0.5))).whole()
    degradation = kind(noise=NoiseModel(gain=0.02))

    source, target = degradation.split(degradation.shrink(image, 2, None), image, random)

    assert source.shape == (1, 100, 100)
    assert source.var() == pytest.approx(0.01, rel=0.1)
    coarse = torch.nn.functional.avg_pool2d(target, 2)
    assert abs(np.corrcoef(source.numpy().ravel(), coarse.numpy().ravel())[0, 1]) < 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_a_sharper_result_cannot_be_learnt_from_the_source_as_an_hr_image(kind):
    assert kind().across == (kind is not BlindSpots)
    assert not kind(spot=Spot(sigma=1.0)).across
