"""Measure how well an uncertainty ranks true errors: Spearman's correlation, and sparsification.

Ilg et al., "Uncertainty Estimates and Multi-Hypotheses Networks for Optical Flow", ECCV 2018,
https://arxiv.org/abs/1802.07095, section 5.1: pixels are removed from the most uncertain to the
least, and the mean error of the remaining pixels is plotted against the removed share. The oracle
removes pixels from the largest to the smallest true error. AUSE is the area between both curves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

STEPS = 100
"""Number of shares of removed pixels at which curves are computed: 0, 0.01, ..., 0.99."""


@dataclass(frozen=True)
class Ranking:
    """How well an uncertainty ranks errors."""

    spearman: float
    """Rank correlation, -1..1: 0 is chance, 1 is perfect. NaN if all uncertainties or
    all errors are equal."""
    ause: float
    """Area between the uncertainty's curve and the oracle's, as a share of the mean error: 0 is
    perfect."""
    gain: float
    """Share of the oracle's gain over random removal: 0 is chance, 1 is perfect."""


def ranking(uncertainty: ArrayLike, error: ArrayLike) -> Ranking:
    """Compare an uncertainty with absolute errors; pixels that are NaN in either are left out.

    Parameters
    ----------
    uncertainty, error : array
        Arrays of equal shape, in any units; at least two pixels must be finite in both.

    Raises
    ------
    ValueError
        If the shapes differ, or fewer than two pixels are finite.
    """
    first, second = np.asarray(uncertainty, np.float64), np.asarray(error, np.float64)
    if first.shape != second.shape:
        raise ValueError(
            f"uncertainty and error must have equal shapes, got {first.shape} and {second.shape}"
        )
    finite = np.isfinite(first) & np.isfinite(second)
    if np.count_nonzero(finite) < 2:
        raise ValueError(f"a ranking needs two finite pixels, got {np.count_nonzero(finite)}")
    first, second = first[finite], np.abs(second[finite])
    average = float(second.mean())
    if not average:
        return Ranking(float("nan"), 0.0, float("nan"))
    by_spread = sparsification(first, second) / average
    oracle = sparsification(second, second) / average
    area, ideal = float((by_spread - oracle).mean()), float((1 - oracle).mean())
    return Ranking(spearman(first, second), area, 1 - area / ideal if ideal else float("nan"))


def spearman(first: ArrayLike, second: ArrayLike) -> float:
    """Return the correlation of ranks; equal values share the mean of their ranks.

    Parameters
    ----------
    first, second : array
        Arrays of equal shape with finite values.

    Returns
    -------
    float
        NaN if either is constant.
    """
    ranks = [_ranks(np.asarray(one, np.float64).ravel()) for one in (first, second)]
    deviations = [one - one.mean() for one in ranks]
    scale = np.sqrt(np.prod([float((one**2).sum()) for one in deviations]))
    return float((deviations[0] * deviations[1]).sum() / scale) if scale else float("nan")


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    means: NDArray[np.float64] = last - (counts - 1) / 2
    return means[index]


def sparsification(
    uncertainty: NDArray[np.float64], error: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mean error of the remaining pixels, for each of `STEPS` removed shares.

    Pixels of equal uncertainty all count with their mean error, because their order is arbitrary.

    Parameters
    ----------
    uncertainty, error : array, (N,)
        Finite values.
    """
    _, index, counts = np.unique(uncertainty, return_inverse=True, return_counts=True)
    means = np.bincount(index, weights=error) / counts
    total = np.concatenate(([0.0], np.cumsum(np.repeat(means, counts))))  # from the least uncertain
    kept = error.size - np.arange(STEPS) * error.size // STEPS
    found: NDArray[np.float64] = total[kept] / kept
    return found
