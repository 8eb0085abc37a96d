"""Gaussian blur and subsampling, against a sum in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_sr.training.data.blur import Blur


def by_hand(image, scale, sigma, furthest):
    """Return each small pixel as the weighted mean of all large ones up to the furthest."""
    size = image.shape[0]
    result = np.zeros((size // scale, size // scale))
    for row, column in np.ndindex(*result.shape):
        weights, total = 0.0, 0.0
        reach = range(-20, 20 + scale)
        for y in reach:
            for x in reach:
                away = (y - (scale - 1) / 2, x - (scale - 1) / 2)
                if max(map(abs, away)) > furthest:
                    continue
                weight = np.exp(-(away[0] ** 2 + away[1] ** 2) / (2 * sigma**2))
                at = np.clip([row * scale + y, column * scale + x], 0, size - 1)
                weights, total = weights + weight, total + weight * image[tuple(at)]
        result[row, column] = total / weights
    return result


@pytest.mark.parametrize(("scale", "sigma"), [(1, 0.8), (2, 0.5), (3, 1.6), (4, 1.1)])
def test_a_small_pixel_is_a_gaussian_mean_around_its_centre(scale, sigma, random):
    image = random.random((12, 12))

    lr = Blur(sigma).shrink(torch.from_numpy(image).float()[None], scale, None)

    # some hundred products, each rounded to float32
    np.testing.assert_allclose(lr[0], by_hand(image, scale, sigma, 3 * sigma), atol=1e-6)


def test_the_papers_is_cut_to_7_by_7(random):
    image = random.random((12, 12))

    lr = Blur(1.6, width=7).shrink(torch.from_numpy(image).float()[None], 3, None)

    np.testing.assert_allclose(lr[0], by_hand(image, 3, 1.6, 3), atol=1e-6)
    assert Blur(1.6, width=7).margin(3) == 1


@pytest.mark.parametrize("scale", [2, 3])
def test_a_ramp_stays_where_it_is(scale):
    ramp = torch.arange(24.0).expand(1, 24, 24) / 24

    lr = Blur(0.9).shrink(ramp, scale, None)

    centres = (torch.arange(24 // scale) + 0.5) * scale - 0.5
    inside = slice(3, -3)
    torch.testing.assert_close(lr[0, 4, inside] * 24, centres[inside])


@pytest.mark.parametrize("steps", [255, 65_535])
def test_integers_stay_integers(steps):
    lr = Blur().shrink((torch.rand(3, 9, 9) * steps).round() / steps, 3, steps) * steps

    torch.testing.assert_close(lr, lr.round(), rtol=2**-23, atol=0)


def test_a_range_is_drawn_for_every_crop(random):
    blur = Blur((0.5, 2.0))

    sigmas = [blur.drawn(random).sigma for _ in range(3)]

    assert len(set(sigmas)) == 3
    assert all(0.5 <= sigma <= 2 for sigma in sigmas)
    assert blur.margin(2) == Blur(2.0).margin(2) == 3
    assert not blur.repeatable
    assert Blur().repeatable


def test_a_sigma_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"sigma needs a number above 0, .*, got 0"):
        Blur(0)
    with pytest.raises(ValueError, match=r"whole number of at least 0, got -3"):
        Blur(1, width=-3)
