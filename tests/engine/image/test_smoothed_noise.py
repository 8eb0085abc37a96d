"""Smoothed noise is recognised; white noise and detail are not mistaken for it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import convolve, gaussian_filter, zoom

from napari_sr.engine.image.smoothed_noise import is_smoothed

SIDE = 192


@pytest.fixture
def light(random):
    """Smooth light with a few sharp squares, from 0 to about 1."""
    squares = zoom(random.random((6, 6)) > 0.7, SIDE // 6, order=0)
    return 0.5 * gaussian_filter(random.random((SIDE, SIDE)), 12) / 0.5 + 0.3 * squares


def demosaiced(noise):
    """Return one colour of a camera's mosaic, as interpolation completes it."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    seen = np.where((rows % 2 == 0) & (columns % 2 == 0), noise, 0)
    return convolve(seen, np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 4)


HOW = {
    "blurred": lambda noise: gaussian_filter(noise, 0.7),
    "averaged": lambda noise: convolve(noise, np.ones((2, 2)) / 4),
    "enlarged": lambda noise: zoom(noise, 1.5, order=1)[:SIDE, :SIDE],
    "demosaiced": demosaiced,
}


@pytest.mark.parametrize("how", HOW)
def test_smoothed_noise_is_recognised(how, light, random):
    noise = HOW[how](random.normal(size=(SIDE, SIDE)))

    assert is_smoothed([light + 0.02 * noise / noise.std()])


def test_white_noise_and_clean_images_are_not_smoothed(light, random):
    for photons in (30, 300, 1e6):
        assert not is_smoothed([random.poisson(light * photons) / photons])
    assert not is_smoothed([light + random.normal(0, 0.02, light.shape)])
    assert not is_smoothed([light])
    assert not is_smoothed([np.zeros((SIDE, SIDE))])
    assert not is_smoothed([gaussian_filter(random.random((10, 10)), 1)])  # too few blocks
