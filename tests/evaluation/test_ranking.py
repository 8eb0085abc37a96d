"""Spearman against scipy, and sparsification curves that can be computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from napari_sr.evaluation.ranking import ranking, sparsification, spearman


@pytest.mark.parametrize("ties", [False, True])
def test_spearman_agrees_with_scipy(ties, random):
    first = random.random(5000)
    second = first + random.normal(size=5000)
    if ties:
        first, second = np.round(first, 1), np.round(second)

    expected = stats.spearmanr(first, second).statistic
    assert spearman(first, second) == pytest.approx(expected, abs=1e-6)
    assert 0.1 < expected < 0.9


def test_a_constant_has_no_rank():
    assert np.isnan(spearman([1, 1, 1], [1, 2, 3]))


def test_the_curve_is_the_mean_error_of_what_remains(random):
    spread, error = random.random(400), random.random(400)

    found = sparsification(spread, error)

    order = np.argsort(-spread)
    expected = [error[order[4 * step :]].mean() for step in range(100)]
    np.testing.assert_allclose(found, expected)


def test_pixels_of_equal_spread_count_as_their_mean():
    np.testing.assert_allclose(sparsification(np.ones(200), np.arange(200.0)), 99.5)


def test_the_oracle_is_perfect_and_chance_gains_nothing(random):
    error = random.exponential(size=200_000)

    best, chance = ranking(error**3, error), ranking(random.random(200_000), error)

    assert (best.spearman, best.ause, best.gain) == pytest.approx((1, 0, 1))
    assert (chance.spearman, chance.gain) == pytest.approx((0, 0), abs=0.01)
    worst = ranking(-error, error)
    assert worst.spearman == pytest.approx(-1)
    assert worst.gain < -0.5


def test_the_area_of_exponential_errors_is_known(random):
    # by chance 1; the oracle keeps the smallest: (1 - p) mean = 1 - p + p ln p, integrated over p
    error = random.exponential(size=1_000_000)
    share = (np.arange(100) / 100)[1:]
    remaining = 1 + share * np.log(share) / (1 - share)

    found = ranking(np.zeros_like(error), error)

    assert found.ause == pytest.approx((1 - np.concatenate(([1], remaining))).mean(), abs=0.005)
    assert found.gain == pytest.approx(0, abs=1e-9)


def test_units_do_not_matter_and_nan_is_left_out(random):
    spread, error = random.random((20, 20)), random.normal(size=(20, 20))
    with_nan = spread.copy()
    with_nan[3, 4] = np.nan
    error_without, spread_without = np.delete(error.ravel(), 64), np.delete(spread.ravel(), 64)

    found = ranking(1000 * with_nan, 7 * error)

    assert vars(found) == pytest.approx(vars(ranking(spread_without, error_without)))


@pytest.mark.parametrize(
    ("spread", "error", "message"),
    [([1, 2], [1, 2, 3], r"equal shapes, got \(2,\) and \(3,\)"), ([1, np.nan], [1, 2], "got 1")],
)
def test_what_cannot_be_ranked_is_refused(spread, error, message):
    with pytest.raises(ValueError, match=message):
        ranking(spread, error)
