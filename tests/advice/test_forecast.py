"""Powers of detail and noise, and the gains that they forecast."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, zoom

from napari_sr.advice.forecast import (
    DENOISING,
    INTERPOLATION,
    Combination,
    Powers,
    gains_of,
    is_clipped,
    powers_of,
)
from napari_sr.engine.image.sample import sample_of


def powers(image):
    return powers_of(sample_of(image, "YX"))


@pytest.fixture
def sharp(random):
    """A sharp image without noise, from 0 to 1."""
    return gaussian_filter(zoom(random.random((60, 60)), 5, order=0), 0.7)


def test_white_noise_has_no_detail(random):
    found = powers(random.normal(5, 2, (300, 300)))

    assert found.noise == pytest.approx(4, rel=0.12)  # a geometric mean is smaller
    assert max(found.coarse, found.middle, found.fine) < 0.2 * found.noise
    assert gains_of(found).denoising > 2
    assert gains_of(found).photographs == pytest.approx(-3.3, abs=0.5)


def test_powers_follow_the_square_of_contrast_and_no_offset(sharp):
    one, other = powers(sharp), powers(1000 - 3 * sharp)

    for name in ("coarse", "middle", "fine"):
        assert getattr(other, name) == pytest.approx(9 * getattr(one, name), rel=1e-6)


@pytest.mark.parametrize(("period", "band"), [(8.0, "coarse"), (3.6, "middle"), (2.4, "fine")])
def test_a_wave_lies_in_the_band_of_its_period(random, period, band):
    wave = np.sin(2 * np.pi * np.arange(200) / period)
    found = powers(10 * wave + random.normal(0, 0.1, (200, 200)))

    others = {"coarse", "middle", "fine"} - {band}
    assert getattr(found, band) > 4 * max(getattr(found, one) for one in others)


def test_more_noise_pays_for_denoising_and_less_for_sharpening(sharp, random):
    levels = (0.001, 0.02, 0.1, 0.3)
    found = [
        gains_of(powers(gaussian_filter(sharp, 0.5) + random.normal(0, level, sharp.shape)))
        for level in levels
    ]

    assert [one.denoising for one in found] == sorted(one.denoising for one in found)
    assert found[0].photographs > 1
    assert found[-1].photographs < -1


def test_what_is_hidden_is_at_most_the_detail_and_at_most_the_noise(sharp, random):
    found = powers(sharp + random.normal(0, 0.05, sharp.shape))

    assert 0 < found.hidden < min(found.middle, found.noise)


def test_sparse_detail_hides_less_than_spread_detail(random):
    texture = gaussian_filter(random.normal(0, 1, (256, 256)), 1.0)
    texture /= texture.std()
    inside = abs(np.arange(256) - 128) < 16
    sparse = np.where(inside, texture * math.sqrt(8), 0)
    noise = random.normal(0, 0.5, texture.shape)

    spread, found = powers(texture + noise), powers(sparse + noise)

    assert found.middle > spread.middle
    assert found.hidden < 0.6 * spread.hidden
    assert gains_of(found).denoising > gains_of(spread).denoising


def test_rounding_of_integers_counts_as_noise():
    flat = np.tile(np.arange(64, dtype=np.uint8), (64, 1))

    assert powers(flat).noise == pytest.approx(1 / 12)


def test_a_forecast_is_the_weighted_sum_in_decibels():
    found = Powers(coarse=100, middle=10, fine=4, hidden=0.5, noise=1)

    plain = 4 * INTERPOLATION["fine"] + INTERPOLATION["noise"]
    other = 100 * DENOISING["coarse"] + 10 * DENOISING["middle"] + 0.5 * DENOISING["hidden"]
    assert gains_of(found).denoising == pytest.approx(10 * math.log10(plain / other))


def test_a_constant_image_has_no_gain():
    found = gains_of(powers(np.zeros((50, 50))))

    assert found.denoising == found.photographs == 0


def test_forecast_and_trial_are_averaged_and_doubt_counts_against_removing_noise():
    powers = Powers(coarse=0.02, middle=0.01, fine=0.004, hidden=0.002, noise=0.001)
    plain = gains_of(powers)
    how = Combination(trusted=0.25, texture=0.5, denoising=1.0, clipped=0.0)
    tried = {"denoising": plain.denoising + 4, "photographs": 2.0, "conditioned": 3.0}

    found = gains_of(powers, tried, how)

    assert found.denoising == pytest.approx(plain.denoising + 3)
    assert found.photographs == pytest.approx(0.25 * plain.photographs + 0.75 * 2)
    assert found.conditioned == pytest.approx(3 - 0.5 * 4)
    assert gains_of(powers, tried | {"denoising": -20.0}, how).conditioned == 3
    assert plain.conditioned is None


def test_noise_counts_as_clipped_if_many_pixels_are_black(random):
    noisy = 0.05 + random.normal(0, 0.05, (64, 64))

    assert not is_clipped(sample_of(noisy))
    assert is_clipped(sample_of(noisy.clip(0, None)))
