"""Pixels and weights that places along an axis are computed from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_sr.engine.image.sampling import cubic_taps, mirrored
from napari_sr.layers.resize import cubic


@pytest.mark.parametrize(
    ("twice", "expected"),
    [(True, [2, 2, 1, 0, 0, 1, 2, 2, 1]), (False, [0, 1, 2, 1, 0, 1, 2, 1, 0])],
)
def test_the_end_pixels_of_an_axis_appear_twice_or_once(twice, expected):
    assert mirrored(np.arange(-4, 5), 3, twice=twice).tolist() == expected


def test_one_pixel_is_its_own_reflection():
    for twice in (True, False):
        assert mirrored(np.arange(-3, 4), 1, twice=twice).tolist() == [0] * 7


def test_the_four_nearest_pixels_have_the_weights_of_the_kernel(random):
    places = random.uniform(-3, 8, (5, 7))

    pixels, weights = cubic_taps(places)

    assert pixels.shape == weights.shape == (5, 7, 4)
    assert ((pixels[..., 1] <= places) & (places < pixels[..., 2])).all()
    expected = cubic(torch.from_numpy(places[..., None] - pixels)).numpy()
    np.testing.assert_allclose(weights, expected, rtol=0, atol=1e-15)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-14)


def test_a_parabola_is_met_between_pixels():
    places = np.array([2.25, 3.5, 4.0])

    pixels, weights = cubic_taps(places)

    # Keys: the kernel is exact for polynomials of degree 2
    np.testing.assert_allclose((weights * pixels**2).sum(axis=-1), places**2, rtol=1e-14)
