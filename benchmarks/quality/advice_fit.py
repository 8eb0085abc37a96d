"""Fit the weights of `napari_sr.advice.forecast`, also without one source of images at a time.

The forecast says that a model's mean squared error is a weighted sum of powers of detail and noise.
Weights above 0 minimise the squared error of its logarithm, with outliers counted less. Each kind
of images weighs as the square root of its number; made and real images have the same weight.

Symbols: N cases, K powers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import least_squares, nnls

from napari_sr.advice import forecast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

TERMS = {
    "bicubic": tuple(forecast.INTERPOLATION),
    "edsr-slim": tuple(forecast.PHOTOGRAPHS),
    "microscope": tuple(forecast.DENOISING),
}
"""The powers in each model's error."""
MODELS = tuple(TERMS)
GAP = 0.5
"""Difference in dB from which the best model is clear, and up to which the advice hits."""
OUTLIER = 0.3
"""Error of the logarithm from which a case counts less."""
Weights = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Case:
    """One recorded image: its properties, and the PSNR of each model."""

    kind: str
    source: str
    """Package, or the kind of made images."""
    real: bool
    powers: forecast.Powers
    """In units of the squared range that the image uses."""
    advised: str
    """What `napari_sr.advise` says."""
    psnr: dict[str, float]
    noise: float = 0.0
    """Variance of the truth's own noise, in units of its squared range; 0 if it has none."""

    @property
    def decided(self) -> bool:
        """Whether one model is clearly the best."""
        *_, second, best = sorted(self.psnr.values())
        return best - second > GAP

    @property
    def doubt(self) -> float:
        """The truth's own noise, as a share of the best model's mean squared error."""
        return self.noise * 10 ** (max(self.psnr.values()) / 10)

    def loss(self, model: str) -> float:
        """Return the dB by which a model is below the best one."""
        return max(self.psnr.values()) - self.psnr[model]

    def pick(self, weights: Weights) -> str:
        """Return the model of the smallest error by other weights."""
        return min(MODELS, key=lambda model: self.powers.error(weights[model]))


def fit(cases: Sequence[Case]) -> Weights:
    """Return the weights of each model that fit the cases best."""
    share = _shares(cases)
    return {model: _fit_one(cases, model, share) for model in MODELS}


def picks_without_their_source(cases: Sequence[Case]) -> list[str]:
    """Return the model that is picked for each case by weights fitted to all other sources."""
    weights = {
        source: fit([one for one in cases if one.source != source])
        for source in {one.source for one in cases}
    }
    return [one.pick(weights[one.source]) for one in cases]


def _shares(cases: Sequence[Case]) -> NDArray[np.float64]:
    """Return the weight of each case, (N,)."""
    kinds = [one.kind for one in cases]
    share = np.array([1 / np.sqrt(kinds.count(kind)) for kind in kinds])
    real = np.array([one.real for one in cases])
    for group in (real, ~real):
        if group.any():
            share[group] /= share[group].sum()
    return share * len(cases)


def _fit_one(cases: Sequence[Case], model: str, share: NDArray[np.float64]) -> dict[str, float]:
    terms = TERMS[model]
    powers = np.array([[getattr(one.powers, name) for name in terms] for one in cases])
    error = np.array([10 ** (-one.psnr[model] / 10) for one in cases])
    root = np.sqrt(share)
    start, _ = nnls(powers / error[:, None] * root[:, None], root)

    def misses(logarithms: NDArray[np.float64]) -> NDArray[np.float64]:
        found = np.log(powers @ np.exp(logarithms) + 1e-12)
        difference: NDArray[np.float64] = (found - np.log(error)) * root
        return difference

    first = np.log(np.maximum(start, 1e-4))
    best = least_squares(misses, first, loss="soft_l1", f_scale=OUTLIER).x
    return {name: float(f"{np.exp(one):.3g}") for name, one in zip(terms, best, strict=True)}
