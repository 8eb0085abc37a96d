"""The cut-off of band-limited noise is found, and agrees with NanoPyx where that is installed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_sr.evaluation import decorrelation


def limited(random, cut, noise, shape=(256, 300), lens=False):
    """Return noise of variance 1 below a cut-off in cycles per pixel, plus white noise.

    It is cut out of a larger image, so that opposite borders differ, as those of a photograph do.
    """
    height, width = (2 * size for size in shape)
    share = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None]) / cut
    inside = np.clip(share, 0, 1)
    # the transfer function of a lens in incoherent light
    passed = 2 / math.pi * (np.arccos(inside) - inside * np.sqrt(1 - inside**2))
    passed = passed if lens else share <= 1
    spectrum = np.fft.fft2(random.standard_normal((height, width))) * passed
    signal = np.fft.ifft2(spectrum).real[: shape[0], : shape[1]]
    return signal / signal.std() + noise * random.standard_normal(shape)


@pytest.mark.parametrize("noise", [0.01, 0.1, 0.3])
@pytest.mark.parametrize("period", [14, 10, 6.5, 5, 3.3, 2.2])
def test_a_sharp_cut_off_is_found_within_six_per_cent(random, period, noise):
    image = limited(random, 1 / period, noise)

    found = decorrelation(image, pixel_size=0.1)

    # the window smears the edge over two of 128 rings: six per cent at a period of 14 px
    assert found.resolution == pytest.approx(0.1 * period, rel=0.06)


def test_more_noise_makes_the_cut_off_of_a_lens_coarser(random):
    clean, noisy = (decorrelation(limited(random, 0.2, noise, lens=True)) for noise in (0.03, 1.0))

    assert 5 < clean.resolution < noisy.resolution < 8
    assert clean.amplitude > noisy.amplitude > 0


def test_brightness_contrast_and_type_do_not_matter(random):
    image = limited(random, 0.2, 0.3, (128, 128))
    stored = np.rint(2000 + 300 * image).astype(np.uint16)

    assert decorrelation(stored).resolution == decorrelation(image).resolution


@pytest.mark.parametrize("axis", [0, 1])
def test_a_jump_between_opposite_borders_is_no_detail(random, axis):
    image = limited(random, 0.2, 0.03, (256, 256))
    ramp = np.moveaxis(np.linspace(0, 300, 256)[:, None] + np.zeros((256, 256)), 0, axis)

    assert decorrelation(image + ramp).resolution == pytest.approx(5, rel=0.06)


def test_noise_has_no_cut_off():
    for seed in range(100):
        random = np.random.default_rng(seed)
        shape = (64 + seed, 80)
        image = random.poisson(30.0, shape) if seed % 2 else random.standard_normal(shape)
        found = decorrelation(image)
        assert (found.resolution, found.amplitude) == (math.inf, 0.0), seed


def test_cut_offs_of_a_few_rings_are_not_told(random):
    # three and twelve of 64 rings
    coarse, finer = (limited(random, rings / 128, 0.3, (128, 128)) for rings in (3, 12))

    assert decorrelation(coarse).resolution == math.inf
    assert decorrelation(finer).resolution == pytest.approx(128 / 12, rel=0.16)


@pytest.mark.parametrize(
    ("image", "size", "words"),
    [
        (np.eye(63), 1, r"at least 64 x 64 px.*\(63, 63\)"),
        (np.eye(64), 0, "and 0"),
        (np.zeros((64, 64)), 1, "decorrelation needs an image with detail, got 0"),
        (np.zeros((64, 64, 3)), 1, "decorrelation takes grey images"),
        (np.full((64, 64), np.nan), 1, "4096 of 4096 values are NaN"),
    ],
)
def test_what_cannot_be_judged_is_refused(image, size, words):
    with pytest.raises(ValueError, match=words):
        decorrelation(image, pixel_size=size)


@pytest.mark.parametrize("period", [10, 6.5, 5, 4])
def test_nanopyx_agrees_on_images_of_a_lens(random, period, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))  # it writes into the home folder when imported
    nanopyx = pytest.importorskip("nanopyx", reason="needs NanoPyx: pip install nanopyx")
    image = limited(random, 1 / period, 0.1, (256, 256), lens=True)

    theirs = nanopyx.calculate_decorr_analysis(image.astype(np.float32))

    # its 50 radii are 2 % of the range apart, and its window is another one
    assert decorrelation(image).resolution == pytest.approx(theirs, rel=0.06)
