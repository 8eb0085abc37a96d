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


def by_definition(first, second):
    """Return FRC by the paper's formula, with Fourier sums written out, ring by ring."""
    height, width = first.shape
    taper = [0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(n) + 1) / (n + 1)) for n in first.shape]
    turns = [np.outer(np.arange(n) - n // 2, np.arange(n)) / n for n in first.shape]
    rows, columns = (np.exp(-2j * np.pi * one) for one in turns)
    one, two = (
        rows @ ((image - image.mean()) * np.outer(*taper)) @ columns.T for image in (first, second)
    )
    across = (np.arange(height) - height // 2)[:, None] / height
    along = (np.arange(width) - width // 2)[None] / width
    side, found = min(height, width) // 2 * 2, []  # rings divide the frequencies up to a half
    for ring in range(1, side // 2 + 1):
        away = np.sqrt(across**2 + along**2) * side - ring
        inside = (away >= -0.5) & (away < 0.5)
        shared = (one[inside] * two[inside].conj()).sum()
        power = (abs(one[inside]) ** 2).sum() * (abs(two[inside]) ** 2).sum()
        found.append((shared / np.sqrt(power)).real)
    return np.array(found)


@pytest.mark.parametrize("shape", [(64, 64), (65, 65), (48, 80), (81, 49)])
def test_the_curve_is_that_of_the_paper_written_out(random, shape):
    thing = gaussian_filter(random.normal(size=shape), 1.5)
    first, second = (thing / thing.std() + random.normal(0, 0.7, shape) for _ in range(2))

    found = frc(first, second)

    np.testing.assert_allclose(found.correlation, by_definition(first, second), atol=1e-6)
    np.testing.assert_allclose(
        found.frequencies, np.arange(1, min(shape) // 2 + 1) / (min(shape) // 2 * 2)
    )
