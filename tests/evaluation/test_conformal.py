"""Calibrated errors: coverage on unseen pixels, and cards that anybody may have written."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.evaluation import conformal
from napari_sr.evaluation.conformal import (
    LEVELS,
    CalibrationError,
    calibration_of,
)


def images(random, count, factor=1.0):
    """Return spread and error of images whose error is in proportion to the spread, and skewed."""
    for _ in range(count):
        spread = random.gamma(1.0, 0.01, (40, 50)).astype(np.float32)
        yield spread, factor * spread * random.standard_t(3, spread.shape) + 0.001


@pytest.fixture
def calibration(random):
    return calibration_of(list(images(random, 20)), about="made")


@pytest.mark.parametrize("level", LEVELS)
def test_errors_of_unseen_images_stay_below_their_bounds_as_often_as_promised(
    level, calibration, random
):
    inside = np.concatenate(
        [np.abs(error) <= calibration.bound(spread, level) for spread, error in images(random, 20)]
    )

    # 40 000 pixels of calibration and of test each, so four standard deviations are below 0.015
    assert inside.mean() == pytest.approx(level, abs=0.015)


def test_coverage_holds_at_each_spread_not_only_on_average(calibration, random):
    pairs = list(images(random, 20))
    spread, error = (np.concatenate([one[at].ravel() for one in pairs]) for at in (0, 1))

    for low, high in ((0, 25), (25, 50), (50, 75), (75, 100)):
        start, stop = np.percentile(spread, (low, high))
        part = (spread >= start) & (spread <= stop)
        inside = np.abs(error[part]) <= calibration.bound(spread[part], 0.9)
        assert inside.mean() == pytest.approx(0.9, abs=0.03)


def test_images_of_another_kind_break_the_promise(calibration, random):
    inside = [
        (np.abs(error) <= calibration.bound(spread, 0.9)).mean()
        for spread, error in images(random, 5, factor=4)
    ]

    assert max(inside) < 0.7


def test_bounds_are_in_the_units_of_the_spread(calibration, random):
    spread = random.random((5, 6)).astype(np.float32) / 50
    spread[2, 3] = np.nan

    found = calibration.bound(4095 * spread, 0.9, 4095)

    np.testing.assert_allclose(found, 4095 * calibration.bound(spread, 0.9), rtol=1e-4)
    assert np.isnan(found[2, 3])
    assert found.dtype == np.float32


def test_bounds_may_take_the_place_of_the_spread(calibration, random, monkeypatch):
    spread = (random.random((5, 6)) / 50).astype(np.float32)
    expected = calibration.bound(spread)
    monkeypatch.setattr(conformal, "VALUES_AT_ONCE", 7)

    found = calibration.bound(spread, out=spread)

    assert found is spread
    np.testing.assert_array_equal(found, expected)


def test_the_quantile_is_corrected_for_a_finite_number_of_pixels():
    errors = np.arange(1.0, 201).reshape(10, 20)

    found = calibration_of([(np.zeros((10, 20)), errors)], levels=(0.5, 0.9))

    # ranks 0.5 * 201 and 0.9 * 201, rounded up
    assert found.bounds == ((101.0,), (181.0,))
    assert found.edges == ()


def test_a_spread_with_few_values_has_few_groups(random):
    spread = np.repeat([0.0, 0.5], (5000, 300))

    found = calibration_of([(spread, random.random(5300) + spread)])

    assert len(found.edges) == 1
    assert found.bound(np.array([0.0]), 0.5)[0] < found.bound(np.array([0.5]), 0.5)[0]


def test_what_cannot_be_calibrated_is_refused(calibration):
    with pytest.raises(CalibrationError, match="at least 200 pixels, got 4"):
        calibration_of([(np.zeros((2, 2)), np.zeros((2, 2)))])
    with pytest.raises(CalibrationError, match="between 0 and 1"):
        calibration_of([(np.zeros(300), np.zeros(300))], levels=(90,))
    with pytest.raises(CalibrationError, match=r"levels 0.5, 0.8, 0.9, 0.95, got 0.7"):
        calibration.bound(np.zeros(3), 0.7)
