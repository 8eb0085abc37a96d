"""Noise of known level is found in images with structure."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_sr.engine.image.noise import noise_of


@pytest.fixture
def scene(random):
    """An image of soft structures from 0 to 1000."""
    image = gaussian_filter(random.random((256, 256)), 4)
    return 1000 * (image - image.min()) / np.ptp(image)


def windows(image):
    return [image[:128, :128], image[:128, 128:], image[128:, :128], image[128:, 128:]]


@pytest.mark.parametrize("sigma", [2.0, 20.0, 150.0])
def test_the_level_is_found_within_a_tenth(scene, random, sigma):
    noise = noise_of(windows(scene + random.normal(0, sigma, scene.shape)), 1000)

    assert noise.sigma == pytest.approx(sigma, rel=0.1)
    assert noise.share == noise.sigma / 1000
    assert not noise.grows
    assert noise.gain == 0


@pytest.mark.parametrize("gain", [2.0, 10.0])
def test_noise_of_photons_grows_and_its_gain_is_found(scene, random, gain):
    noise = noise_of(windows(gain * random.poisson(scene / gain)), 1000)

    assert noise.grows
    assert noise.gain == pytest.approx(gain, rel=0.2)
    assert noise.sigma == pytest.approx(np.sqrt(gain * scene.mean()), rel=0.2)


def test_a_constant_image_has_none():
    assert noise_of([np.full((40, 40), 7.0)], 0.0).sigma == 0


def test_a_smooth_image_has_hardly_any(scene):
    assert noise_of(windows(scene), 1000).share < 1e-3


def test_the_level_of_photon_noise_is_that_over_the_whole_image(random):
    light = np.linspace(10, 190, 256)[None].repeat(256, axis=0)

    noise = noise_of([random.poisson(light).astype(float)], 200.0)

    assert noise.sigma == pytest.approx(10, rel=0.06)
    assert noise.at([40.0, 100.0, 190.0]) == pytest.approx(np.sqrt([40, 100, 190]), rel=0.15)
