"""Noise is estimated from the image alone, and known in either unit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from noisy import photons, waves
from scipy.ndimage import gaussian_filter

from napari_sr.engine.image.noise_floor import NoiseFloors
from napari_sr.engine.image.plane_values import ValueRange
from napari_sr.training.data import noise_model
from napari_sr.training.data.noise_model import NoiseModel, estimated

RANGES = [ValueRange(100.0, 1100.0), ValueRange(255.0, 0.0)]


def test_variance_is_photon_noise_and_read_noise():
    noise = NoiseModel(gain=2.0, offset=100.0, read_noise=3.0)

    variance = noise.variance(torch.tensor([90.0, 100.0, 150.0]))

    # below the offset there are no photons; in pixel values, the read noise is 2 * 3
    assert variance.tolist() == [36.0, 36.0, 36.0 + 2 * 50]


def test_without_gain_read_noise_is_in_pixel_values():
    assert NoiseModel(read_noise=3.0).variance(torch.tensor([5.0])).tolist() == [9.0]


@pytest.mark.parametrize("values", RANGES, ids=str)
@pytest.mark.parametrize("noise", [NoiseModel(2.0, 100.0, 3.0), NoiseModel(0.0, 7.0, 3.0)], ids=str)
def test_encoding_keeps_the_noise_relative_to_the_range(values, noise):
    pixels = np.array([100.0, 130.0, 250.0])
    encoded = torch.from_numpy(values.encode(pixels)).double()

    variance = noise.encoded(values).variance(encoded)

    width = (values.high - values.low) ** 2
    expected = noise.variance(torch.from_numpy(pixels)) / width
    torch.testing.assert_close(variance, expected, rtol=1e-5, atol=0)
    back = noise.encoded(values).decoded(values)
    assert (back.gain, back.offset, back.read_noise) == pytest.approx(
        (noise.gain, noise.offset, noise.read_noise)
    )


@pytest.mark.parametrize("read", [0.0, 4.0])
def test_photon_noise_is_estimated_within_a_quarter(read, random):
    truth = waves(256)

    found = estimated(photons(random, truth, gain=0.02, read=read))

    values = torch.tensor([0.2, 0.5, 0.8])
    expected = 0.02 * values + (0.02 * read) ** 2
    torch.testing.assert_close(found.variance(values), expected, rtol=0.25, atol=0)


@pytest.mark.parametrize("dark", ["counts", "mask"])
def test_parts_without_any_noise_do_not_hide_its_growth(dark, random):
    truth = 10 * waves(256)
    truth[:90] = 0
    pixels = random.poisson(truth) + (0.0 if dark == "counts" else 100.0)
    if dark == "mask":
        pixels[:90] = 0

    found = estimated(pixels)

    assert found.gain == pytest.approx(1, rel=0.25)


def test_a_growth_of_rounding_errors_is_none(monkeypatch, random):
    floors = NoiseFloors(np.array([1.0, 2.0]), np.array([1.0, 1.0 + 1e-9]))
    monkeypatch.setattr(noise_model, "floors_of", lambda _: floors)

    assert estimated(random.normal(0, 1, (64, 64))).gain == 0


def test_noise_that_does_not_grow_gets_almost_no_gain(random):
    pixels = waves(256) + random.normal(0, 0.05, (256, 256))

    found = estimated(pixels).variance(torch.tensor([0.1, 0.9]))

    torch.testing.assert_close(found, torch.full((2,), 0.05**2), rtol=0.2, atol=0)


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.05])
def test_fine_detail_is_not_taken_for_noise(noise, random):
    truth = gaussian_filter(random.normal(0, 1, (256, 256)), 1.5)
    truth = truth.reshape(128, 2, 128, 2).mean((1, 3)) / np.ptp(truth)

    found = estimated(truth + random.normal(0, noise, truth.shape))

    level = float(found.variance(torch.tensor(truth.mean())).sqrt())
    # the usual estimate takes the texture for a noise of 0.029
    assert level < 0.007 if noise == 0 else level == pytest.approx(noise, rel=0.25)


def test_a_small_image_is_refused_with_its_size():
    with pytest.raises(ValueError, match="at least 32 x 32 pixels, got 31 x 40"):
        estimated(np.zeros((31, 40)))


def test_a_constant_image_has_no_noise():
    assert not estimated(np.full((64, 64), 3.0)).given


@pytest.mark.parametrize("wrong", [{"gain": float("nan")}, {"read_noise": -1.0}], ids=str)
def test_impossible_numbers_are_refused(wrong):
    with pytest.raises(ValueError, match=f"got gain {wrong.get('gain', 0):g}"):
        NoiseModel(**wrong)


def test_words_have_the_numbers():
    assert NoiseModel(2.0, 100.0, 1.6).words == "gain 2, offset 100, read noise 1.6 photons"
    assert NoiseModel(0.0, 0.0, 0.25).words == "noise of 0.25"
