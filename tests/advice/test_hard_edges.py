"""Flat areas with hard edges, and images that only look like them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, zoom

from napari_sr.advice.hard_edges import has_hard_edges


@pytest.fixture
def squares(random):
    """Flat squares of 10 x 10 pixels, from 0 to 1."""
    return zoom(random.random((24, 24)), 10, order=0)


def found(image):
    return has_hard_edges([np.asarray(image, float)], float(np.ptp(image)))


@pytest.mark.parametrize(("blur", "hard"), [(0.2, True), (0.35, False), (1.0, False)])
def test_edges_are_hard_up_to_some_blur(random, blur, hard):
    large = zoom(random.random((24, 24)), 20, order=0)
    blurred = gaussian_filter(large, 2 * blur)  # and by the mean over a pixel's area

    assert found(blurred.reshape(240, 2, 240, 2).mean(axis=(1, 3))) == hard


def test_contrast_and_offset_do_not_count(squares):
    assert found(squares)
    assert found(300 - 40 * squares)
    assert found((10 * squares).round())


def test_noise_photons_ramps_and_constant_images_have_no_hard_edges(squares, random):
    assert not found(squares + random.normal(0, 0.01, squares.shape))
    assert not found(random.poisson(0.005, squares.shape))  # flat and hard, but single pixels
    assert not found(np.add.outer(np.arange(240), np.arange(240)) // 5)
    assert not found(np.ones((64, 64)))


def test_a_masked_noisy_image_has_no_hard_edges(random):
    noisy = random.normal(5, 1, (240, 240))
    noisy[:, :120] = 0

    assert not found(noisy)
