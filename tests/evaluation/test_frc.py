"""What two noisy images of one thing agree in."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_sr.evaluation import frc


def exposures(sigma, noise=0.01, side=128):
    """Return two noisy images of a blurred random thing."""
    rng = np.random.default_rng(0)
    thing = gaussian_filter(rng.standard_normal((side, side)), sigma, mode="wrap")
    thing /= thing.std()
    return [thing + noise * rng.standard_normal(thing.shape) for _ in range(2)]


def test_an_image_agrees_with_itself_to_the_finest_detail():
    [image, _] = exposures(1)

    found = frc(image, image, pixel_size=0.1)

    np.testing.assert_allclose(found.correlation, 1)
    assert found.resolution == pytest.approx(0.2)
    assert found.frequencies[-1] == pytest.approx(5)  # half a cycle per pixel of 0.1


def test_noise_agrees_in_nothing():
    first, second = np.random.default_rng(0).standard_normal((2, 128, 128))

    assert np.abs(frc(first, second).correlation[5:]).max() < 0.3
    assert frc(first, second).resolution > 20


def test_detail_is_lost_where_signal_meets_noise():
    # a ring's correlation is S / (S + N), a seventh where the signal's power S is a sixth of the
    # noise's; a blur of standard deviation s leaves S = S(0) exp(-(2 pi s f)^2)
    sigma, noise = 2.0, 0.05
    blur = gaussian_filter(np.eye(1, 128**2).reshape(128, 128), sigma, mode="wrap")
    power = np.abs(np.fft.fft2(blur)) ** 2
    power *= 128**2 / power.sum()  # as the thing is scaled to a variance of one
    frequency = math.sqrt(math.log(6 * power.max() / noise**2)) / (2 * math.pi * sigma)

    found = frc(*exposures(sigma, noise))

    assert found.resolution == pytest.approx(1 / frequency, rel=0.05)


def test_brightness_and_contrast_do_not_matter():
    first, second = exposures(1.5)

    changed = frc(first, 3 * second + 7)

    np.testing.assert_allclose(changed.correlation, frc(first, second).correlation, atol=1e-9)


def test_one_image_is_split_without_a_shift():
    rng = np.random.default_rng(0)
    thing = gaussian_filter(rng.standard_normal((256, 256)), 4, mode="wrap") * 20
    split = frc(thing + 0.3 * rng.standard_normal(thing.shape))
    pair = frc(*(thing + 0.3 * rng.standard_normal(thing.shape) for _ in range(2)))

    assert split.resolution == pytest.approx(pair.resolution, rel=0.15)


@pytest.mark.parametrize(
    ("images", "options", "words"),
    [
        ((np.eye(40), np.eye(41)), {}, r"\(40, 40\) and \(41, 41\)"),
        ((np.eye(31), np.eye(31)), {}, "at least 32 x 32 px"),
        ((np.eye(40),), {}, "after splitting"),
        ((np.ones((40, 40)), np.eye(40)), {}, "with detail, got 1 everywhere"),
        ((np.zeros((40, 40, 3)), np.eye(40)), {}, "grey images"),
        ((np.eye(40), np.eye(40)), {"pixel_size": 0}, "pixel size above 0"),
        ((np.eye(40), np.eye(40)), {"threshold": 1.5}, "threshold in 0..1"),
    ],
)
def test_what_cannot_be_judged_is_refused(images, options, words):
    with pytest.raises(ValueError, match=words):
        frc(*images, **options)
