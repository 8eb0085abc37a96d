"""Pairs of electron micrographs: noise of a measured covariance, independent in both images."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

SIDE = 256


@pytest.fixture
def em(benchmark):
    return benchmark("quality/em_pairs")


@pytest.fixture
def covariances(em):
    """Return a covariance of noise with a standard deviation of 0.1, correlated with neighbours."""
    found = np.zeros((em.REACH, em.REACH))
    found[:2, :2] = [[0.01, 0.004], [0.003, 0.0012]]
    return found


def test_noise_has_the_covariance_that_was_asked_for(em, covariances):
    drawn = em.noise((1024, 1024), covariances, np.random.default_rng(0))

    for down, across in np.ndindex(covariances.shape):
        beside = np.mean(drawn * np.roll(drawn, (-down, -across), (0, 1)))
        assert beside == pytest.approx(covariances[down, across], abs=1e-4)


def test_the_covariance_of_noise_is_found_in_the_flat_parts_of_an_image(em, covariances):
    random = np.random.default_rng(0)
    image = 0.5 + em.noise((2 * SIDE, 2 * SIDE), covariances, random)
    image[:, :SIDE] += gaussian_filter(random.normal(0, 10, (2 * SIDE, SIDE)), 6)  # detail

    found = em.covariance(image)

    np.testing.assert_allclose(found[:2, :2], covariances[:2, :2], rtol=0.1, atol=3e-4)
    assert np.abs(found[2:, 2:]).max() < 5e-4


def test_both_images_have_independent_noise(em, covariances):
    random = np.random.default_rng(0)
    own = em.noise((1024, 1024), covariances, random)

    source, target = em.recorrupted(own, covariances, random)

    assert source.var() == pytest.approx(0.01 * (1 + em.STRENGTH**2), rel=0.05)
    assert target.var() == pytest.approx(0.01 * (1 + em.STRENGTH**-2), rel=0.05)
    assert np.corrcoef(source.ravel(), target.ravel())[0, 1] == pytest.approx(0, abs=0.01)
    neighbours = np.mean(source * np.roll(target, 1, axis=1))
    assert neighbours == pytest.approx(0, abs=2e-4)


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_an_lr_pixel_covers_its_hr_pixels(em, scale, size):
    ramp = np.add.outer(np.linspace(0.2, 0.5, SIDE + 7), np.linspace(0, 0.3, SIDE + 3))
    none = np.zeros((em.REACH, em.REACH))
    seeds = (np.random.default_rng(number) for number in range(40))

    pairs = [em.pair(ramp, none, scale, size, random) for random in seeds]

    for lr, hr in pairs:
        assert tuple(scale * side for side in lr.shape) == hr.shape
    clean = min(np.abs(lr - em.binned(hr, scale)).max() for lr, hr in pairs)
    noisy = max(np.std(lr - em.binned(hr, scale)) for lr, hr in pairs)
    assert clean < 1e-12 < em.LEVEL[0] < noisy < em.LEVEL[1] * 1.2
    slopes = [np.polyfit(hr[:, 0], np.arange(len(hr)), 1)[0] for _, hr in pairs]
    assert min(slopes) < 0 < max(slopes)  # some are inverted


@pytest.mark.parametrize("scale", [2, 4])
def test_constant_pairs_have_one_value_also_in_files(em, tmp_path, scale):
    values, noisy = [], 0
    for draw in range(em.CONSTANTS):
        lr, hr = em.constant_pair(scale, np.random.default_rng(draw))
        value, sigma = hr[0, 0], lr.std()
        assert np.ptp(hr) == 0
        assert (lr.shape[0] * scale, em.CONSTANT_SIDE) == (em.CONSTANT_SIDE, hr.shape[0])
        values.append(value)
        noisy += sigma > 1e-3
        # the mean of the noise is not cut off where files end
        stored = np.rint(lr.clip(0, 1) * em.WHITE) / em.WHITE
        assert stored.mean() == pytest.approx(value, abs=5 * sigma / lr.shape[0] + 2e-5)

    assert {0.0, 1.0} < set(values)
    assert em.CONSTANTS / 8 < noisy < em.CONSTANTS / 2
    em.write(tmp_path, "constant-0", scale, (lr, hr))
    assert sorted(one.name for one in tmp_path.iterdir()) == [f"em_hr_x{scale}", f"em_lr_x{scale}"]
