"""Powers of detail and noise, and the gains that they forecast."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, zoom

from napari_sr.advice.forecast import (
    BELIEVED,
    FEW,
    FLAT,
    TRIED,
    UNTRIED,
    Powers,
    gains_of,
    powers_of,
)
from napari_sr.advice.hard_edges import WORSE
from napari_sr.engine.image.sample import sample_of


def powers(image):
    return powers_of(sample_of(image, "YX"))


def used(image):
    """Return the range of values that an image uses."""
    return float(np.ptp(np.percentile(image, (0.1, 99.9))))


@pytest.fixture
def sharp(random):
    """A sharp image without noise, from 0 to 1."""
    return gaussian_filter(zoom(random.random((60, 60)), 5, order=0), 0.7)


def test_white_noise_has_no_detail(random):
    noise = random.normal(5, 2, (300, 300))
    found = powers(noise)

    assert found.noise * used(noise) ** 2 == pytest.approx(4, rel=0.12)  # a geometric mean
    assert max(found.coarse, found.middle, found.fine) < 0.2 * found.noise
    assert gains_of(found).denoising > 2
    assert gains_of(found).photographs == pytest.approx(-2.9, abs=0.5)


def test_powers_follow_neither_contrast_nor_offset(sharp):
    one, other = powers(sharp), powers(1000 - 3 * sharp)

    for name in ("coarse", "middle", "fine"):
        assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-6)


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

    wider = (used(sparse + noise) / used(texture + noise)) ** 2  # of the range of values
    assert found.middle * wider > spread.middle
    assert found.hidden * wider < 0.6 * spread.hidden
    assert gains_of(found).denoising > gains_of(spread).denoising


def test_rounding_of_integers_counts_as_noise():
    flat = np.tile(np.arange(64, dtype=np.uint8), (64, 1))

    assert powers(flat).noise * used(flat) ** 2 == pytest.approx(1 / 12)


def test_a_forecast_is_the_weighted_sum_in_decibels():
    found = Powers(coarse=100, middle=10, fine=4, hidden=0.5, noise=1)
    weights, plain = UNTRIED["denoising"], UNTRIED["interpolation"]

    least = 4 * plain["fine"] + plain["noise"]
    other = 100 * weights["coarse"] + 10 * weights["middle"] + 0.5 * weights["hidden"]
    assert gains_of(found).denoising == pytest.approx(BELIEVED * 10 * math.log10(least / other))


def test_a_constant_image_has_no_gain():
    found = gains_of(powers(np.zeros((50, 50))))

    assert found.denoising == found.photographs == 0


def test_the_trial_counts_with_the_powers_and_tells_who_knows_the_finest_detail():
    found = Powers(coarse=0.02, middle=0.01, fine=0.004, hidden=0.002, noise=0.001)
    tried = {"interpolation": 0.008, "photographs": 0.006, "denoising": 0.01, "conditioned": 0.002}
    weights, plain = TRIED["conditioned"], TRIED["interpolation"]

    errors = (
        0.004 * plain["fine"] + 0.001 * plain["noise"] + 0.008 * plain["tried"],
        0.002 * weights["hidden"] + 0.002 * weights["tried"]
        + 0.004 * 0.25 * weights["unseen"],  # the spectrum falls slowly: all of it
    )  # fmt: skip
    gain = gains_of(found, tried).conditioned
    assert gain == pytest.approx(BELIEVED * 10 * math.log10(errors[0] / errors[1]))
    assert gains_of(found, tried | {"conditioned": 0.001}).conditioned > gain + 1.2


def test_the_trial_of_a_small_image_counts_half():
    found = Powers(coarse=0.02, middle=0.01, fine=0.004, hidden=0.002, noise=0.001)
    tried = {"interpolation": 0.008, "photographs": 0.006, "denoising": 0.01, "conditioned": 0.002}
    powers_alone, with_trial = gains_of(found), gains_of(found, tried)
    small = gains_of(found, tried, side=FEW - 1)

    for name in ("denoising", "photographs", "conditioned"):
        ends = getattr(powers_alone, name), getattr(with_trial, name)
        assert getattr(small, name) == pytest.approx(sum(ends) / 2)
    assert gains_of(found, tried, side=FEW) == with_trial


def test_less_detail_lies_beyond_what_an_image_shows_if_its_spectrum_falls_fast():
    falls = Powers(coarse=0.1, middle=0.01, fine=0.25 * FLAT * 0.01, hidden=0, noise=0)

    assert falls.beyond == pytest.approx(0.5 * falls.fine)
    assert replace(falls, middle=falls.fine).beyond == falls.fine
    assert replace(falls, middle=0.0).beyond == falls.fine
    assert replace(falls, fine=0.0).beyond == 0


def test_hard_edges_count_against_networks_that_get_the_level_of_the_noise(sharp):
    found = powers(sharp)
    tried = {"interpolation": 3e-4, "photographs": 2e-4, "denoising": 2e-3, "conditioned": 5e-5}
    soft, hard = gains_of(found, tried), gains_of(found, tried, hard_edges=True)

    less = soft.photographs - hard.conditioned
    assert less == pytest.approx(BELIEVED * 10 * math.log10(WORSE))
    assert hard.photographs == soft.photographs
    assert hard.denoising == soft.denoising
    worse = gains_of(found, tried | {"conditioned": 1e-2}, hard_edges=True)
    assert worse == gains_of(found, tried | {"conditioned": 1e-2})
    assert gains_of(found, hard_edges=True).conditioned < gains_of(found).photographs


def test_noise_that_was_clipped_at_black_counts_against_removing_blur(random):
    noisy = 0.05 + random.normal(0, 0.05, (64, 64))
    tried = dict.fromkeys(TRIED, 0.01)
    whole, clipped = powers(noisy), powers(noisy.clip(0, None))

    assert whole.clipped == 0
    assert clipped.clipped == pytest.approx(clipped.noise * 2 * np.mean(noisy <= 0), rel=0.1)
    without = replace(clipped, clipped=0.0)
    assert gains_of(clipped, tried).denoising < gains_of(without, tried).denoising
