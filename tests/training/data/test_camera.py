"""A camera's noise: its mean and variance, its whole numbers, and where it saturates."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_sr.training.data.camera import Camera

COUNT = 40_000


def recorded(camera, light, random):
    """Return what the camera makes of many pixels of one light."""
    return camera.record(torch.full((COUNT,), light), random).double().numpy()


@pytest.mark.parametrize("light", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("gain", [0.5, 2.2])
def test_mean_and_variance_are_poissons_and_gausss(light, gain, random):
    camera = Camera(photons=200, background=7, read_noise=3, gain=gain, offset=100)

    values = recorded(camera, light, random)

    # in electrons: photons vary as many as there are, reading by 9, rounding by 1/12 of a number
    variance = 200 * light + 7 + 3**2 + 1 / (12 * gain**2)
    assert values.mean() == pytest.approx(light, abs=6 * (variance / COUNT) ** 0.5 / 200)
    # of n draws, a variance varies by sqrt(2 / n) of itself
    assert values.var() * 200**2 == pytest.approx(variance, rel=6 * (2 / COUNT) ** 0.5)


def test_without_reading_noise_numbers_are_whole_photons(random):
    camera = Camera(photons=10, read_noise=0)

    photons = recorded(camera, 0.5, random) * 10

    np.testing.assert_allclose(photons, photons.round(), atol=1e-5)


def test_light_saturates_at_the_numbers_the_bits_hold(random):
    camera = Camera(photons=1000, read_noise=0, offset=20, bits=8)

    # 8 bits end at 255, which are 235 photons above the offset
    assert recorded(camera, 1.0, random).max() == pytest.approx(0.235)
    assert recorded(camera, 0.0, random).min() == 0


def test_noise_below_zero_is_kept_down_to_the_offset_only(random):
    camera = Camera(photons=100, read_noise=5, offset=3)

    assert recorded(camera, 0.0, random).min() == pytest.approx(-0.03)


def test_negative_light_is_none(random):
    assert np.all(recorded(Camera(photons=100, read_noise=0), -0.5, random) == 0)


def test_one_seed_makes_one_image():
    light, camera = torch.rand(2, 5, 5), Camera()

    images = [camera.record(light, np.random.default_rng(seed)) for seed in (1, 1, 2)]

    assert torch.equal(images[0], images[1])
    assert not torch.equal(images[0], images[2])
    assert images[0].dtype == torch.float32


def test_ranges_are_drawn(random):
    drawn = Camera(photons=(10, 1000), read_noise=(1.0, 2.0)).drawn(random)

    assert 10 <= drawn.photons <= 1000
    assert 1 <= drawn.read_noise <= 2


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"photons": 0}, "photons needs a number above 0, .* got 0"),
        ({"gain": -1}, "gain needs a number above 0, .* got -1"),
        ({"read_noise": -2}, "read_noise must be at least 0, got -2"),
        ({"offset": -5}, "at least 0, got background=0.0, offset=-5"),
        ({"bits": 0}, "bits must be from 1 to 32, got bits=0"),
    ],
)
def test_what_no_camera_does_is_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        Camera(**wrong)
