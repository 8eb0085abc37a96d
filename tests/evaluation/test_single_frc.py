"""Resolution of one exposure, split in three ways, against that of two exposures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_sr.evaluation import frc, single_frc
from napari_sr.evaluation._single_frc import FINEST_CUT, SPLITS, corrected, counts_of, thinned


def exposures(random, blur=3.0, photons=100, side=256):
    """Return two exposures of a blurred scene, as counts of photons."""
    scene = gaussian_filter(random.random((side, side)), blur, mode="wrap")
    scene = (scene - scene.min()) / np.ptp(scene) * photons
    return random.poisson(scene), random.poisson(scene)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("blur", [3.5, 5.0])
def test_a_split_exposure_has_nearly_the_resolution_of_two(split, blur, random):
    first, second = exposures(random, blur)

    found = single_frc(first, split, gain=1, pixel_size=0.5)

    # half of the light, or a correction from others' measurements: see benchmarks/quality
    assert 0.9 < found.resolution / frc(first, second, pixel_size=0.5).resolution < 1.25


def test_the_correction_is_that_of_the_authors():
    # a cut-off of half the split images' highest frequency is a period of 8 pixels there: the
    # authors divide two pixels of the image, over the cut-off, by a exp(c (x - b)) + d
    factor = 0.95988146 * math.exp(13.90441896 * (0.5 - 0.97979108)) + 0.55146136

    assert corrected(8, 1) == pytest.approx(2 / 0.5 / factor)
    assert corrected(0.8, 0.1) == pytest.approx(0.2 / 0.5 / factor)
    assert math.isnan(corrected(4 / FINEST_CUT - 0.01, 1))
    assert math.isinf(corrected(math.inf, 1))


def test_detail_that_is_too_fine_for_the_correction_gets_no_figure(random):
    first, _ = exposures(random, blur=1.0, photons=2000)

    assert math.isnan(single_frc(first, "diagonals").resolution)


def test_both_halves_of_the_photons_are_independent_and_together_all():
    counts = np.random.default_rng(1).poisson(40.0, (200, 200))

    halves = list(thinned(counts))

    for first, second in halves:
        np.testing.assert_array_equal(first + second, counts)
        assert first.var() == pytest.approx(20, rel=0.03)
        # a share of 1 / sqrt(40 000) is one standard deviation
        assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 4 / 200
    assert not np.array_equal(halves[0][0], halves[1][0])
    np.testing.assert_array_equal(next(thinned(counts))[0], halves[0][0])


def test_gain_and_offset_give_photons_and_the_noise_of_reading_is_added(random):
    photons = random.integers(5, 50, (64, 64))

    found = counts_of((photons * 2.5 + 100).astype(np.float32), 2.5, 100)
    read = counts_of(photons, 1, 0, read_noise=2)

    np.testing.assert_array_equal(found, photons)
    np.testing.assert_array_equal(read, photons + 4)


def test_gain_and_offset_do_not_change_the_resolution(random):
    first, _ = exposures(random)

    counted = single_frc(first, "counts", gain=1)
    stored = single_frc((first * 3 + 90).astype(np.uint16), "counts", gain=3, offset=90)

    assert stored.resolution == counted.resolution


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"split": "halves"}, "checkerboard, diagonals, counts, got 'halves'"),
        ({"split": "counts"}, "got gain none"),
        ({"split": "counts", "gain": 0}, "got gain 0"),
        ({"split": "counts", "gain": 1, "offset": math.nan}, "got gain 1, offset nan"),
        ({"split": "counts", "gain": 1, "read_noise": -1}, "offset 0 and read noise -1"),
        ({"split": "counts", "gain": 1, "offset": 60}, "below the offset 60 .* or the read noise"),
        ({"split": "counts", "gain": 1e-12}, "more than 1e"),
        ({"split": "diagonals", "pixel_size": 0}, "above 0, got 0"),
    ],
)
def test_wrong_parameters_are_refused(options, words, random):
    with pytest.raises(ValueError, match=words):
        single_frc(random.poisson(50.0, (64, 64)), **options)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.full((64, 64), 7), "got 7 everywhere|with detail"),
        (np.ones((1, 1)), "with detail"),
        (np.eye(64)[..., None].repeat(3, -1), "grey images"),
        (np.where(np.eye(64) > 0, np.nan, 1), "64 of 4096 values are NaN"),
    ],
    ids=["constant", "one pixel", "colour", "nan"],
)
def test_images_without_a_resolution_are_refused(split, image, words):
    with pytest.raises(ValueError, match=words):
        single_frc(image, split, gain=1)


def test_an_image_too_small_to_split_is_refused(random):
    with pytest.raises(ValueError, match=r"at least 64 x 64 px to split, got \(63, 80\)"):
        single_frc(random.random((63, 80)), "diagonals")
