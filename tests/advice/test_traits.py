"""Traits that an image was given are found, and no others."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_sr.advice.traits import emptiness_of, spectra_of, traits_of
from napari_sr.engine.image.sample import sample_of


@pytest.fixture
def scene(random):
    """An image of soft structures from 0 to 200."""
    image = gaussian_filter(random.random((600, 600)), 2)
    return 200 * (image - image.min()) / np.ptp(image)


def traits(image):
    return traits_of(sample_of(image))


@pytest.mark.parametrize("side", [16, 25])
def test_spectra_have_all_frequencies_of_both_signs(random, side):
    parts = random.normal(3, 1, (4, side, side))
    line = np.hanning(side + 2)[1:-1]
    taper = np.outer(line, line) / (line**2).sum()
    centred = (parts - parts.mean(axis=(1, 2), keepdims=True)) * taper

    assert spectra_of(parts) == pytest.approx(np.abs(np.fft.fft2(centred)) ** 2)


def test_the_share_of_squares_with_one_value_is_that_of_each_part(random):
    parts = random.normal(0, 1, (3, 10, 10))
    parts[1, :4, :4] = parts[2, :8, :8] = 7
    parts[2, 5, 6] = 8

    assert emptiness_of(parts).tolist() == [0, 0.25, 0.75]


def test_noise_alone_has_no_detail(random):
    found = traits(random.normal(0, 1, (300, 300)))

    assert found.coarse == pytest.approx(1, abs=0.2)
    assert found.fine == pytest.approx(1, abs=0.2)


def test_blur_and_noise_take_fine_detail_away(random):
    sharp = random.choice([0.0, 200.0], (300, 300)).repeat(2, 0).repeat(2, 1)
    blurred = gaussian_filter(sharp, 1.5)
    noise = random.normal(0, 5, sharp.shape)

    clean, soft = traits(sharp + noise), traits(blurred + noise)

    assert clean.fine > 5 * soft.fine
    assert soft.fine < 2
    assert soft.coarse > 30


def test_a_clean_image_of_integers_is_limited_by_rounding(scene):
    rounded = traits(np.rint(scene).astype(np.uint8))

    assert rounded.coarse == pytest.approx(traits(np.rint(scene)).coarse, rel=0.3)
    assert np.isfinite(rounded.fine)


def test_a_constant_image_has_nothing():
    found = traits(np.full((60, 60), 7, np.uint16))

    assert (found.coarse, found.fine, found.saturated) == (0, 0, 0)
    assert found.used == (7, 7)
    assert found.period is None
    assert not found.columns


def test_saturated_pixels_are_counted(scene):
    assert traits(scene).saturated == 0

    cut = traits(scene.clip(max=np.quantile(scene, 0.97)))

    assert cut.saturated == pytest.approx(0.03, abs=0.01)


def test_a_pattern_that_repeats_is_found_with_its_period(scene, random):
    noisy = scene + random.normal(0, 2, scene.shape)
    assert traits(noisy).period is None

    found = traits(noisy + 15 * np.sin(2 * np.pi * np.arange(600) / 4)[:, None])

    assert found.period == pytest.approx(4, rel=0.02)


def test_the_columns_of_a_camera_are_found(scene, random):
    noisy = scene + random.normal(0, 2, scene.shape)
    assert not traits(noisy).columns

    assert traits(noisy + random.normal(0, 5, 600)).columns


@pytest.mark.parametrize("side", [256, 300, 512])
def test_windows_that_overlap_do_not_make_columns_of_noise(side):
    """One of ten images of 256 x 256 pixels was said to have columns, as windows share half."""
    noises = (np.random.default_rng(seed).normal(0, 1, (side, side)) for seed in range(40))

    assert not any(traits(noise).columns for noise in noises)


@pytest.mark.parametrize("side", [256, 384])
def test_columns_are_found_where_windows_overlap(random, side):
    image = random.normal(0, 2, (side, side)) + random.normal(0, 2, side)

    assert traits(image).columns


@pytest.mark.parametrize("blur", [0.4, 0.8, 1.2])
@pytest.mark.parametrize("level", [0.0, 0.01])
def test_the_blur_of_a_scene_is_found(random, blur, level):
    frequency = np.hypot(*np.meshgrid(*[np.fft.fftfreq(256)] * 2))
    frequency[0, 0] = 1
    spectrum = np.fft.fft2(random.normal(0, 1, (256, 256))) / frequency
    turn = np.exp(-2 * (np.pi * frequency * blur) ** 2)
    binned = np.sinc(np.fft.fftfreq(256))
    scene = np.fft.ifft2(spectrum * turn * binned[:, None] * binned).real
    scene = scene / scene.std() + random.normal(0, level, scene.shape)

    assert traits_of(sample_of(scene)).blur == pytest.approx(blur, abs=0.25)


def test_noise_has_no_blur(random):
    assert traits_of(sample_of(random.normal(0, 1, (100, 100)))).blur is None
