"""Fit the weights of `napari_sr.advice.forecast`, also without one source of images at a time.

First, the weights of powers. The forecast says that a model's mean squared error is a weighted sum
of powers of detail and noise. Weights above 0 minimise the squared error of its logarithm, with
outliers counted less. Each kind of images weighs as the square root of its number; made and real
images have the same weight.

Then, how forecast and trial are combined: of all combinations of a few round values (`STEPS`), the
one with the smallest mean cost (`Case.cost`). Here, images whose truth is noisy count less.

Symbols: N cases, K powers.
"""

from __future__ import annotations

import itertools
import math
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
MODELS = (*TERMS, "micrograph")
STEPS = (0.25, 0.5, 0.75), (0.0, 0.2, 0.4, 0.6, 0.8), (0.0, 0.5, 1.0, 1.5, 2.0), (0.0, 1.0, 2.0)
"""Values of the fields of `forecast.Combination` that are compared."""
GAP = 0.5
"""Difference in dB from which the best model is clear, and up to which the advice hits."""
OUTLIER = 0.3
"""Error of the logarithm from which a case counts less."""
MOST, MISS = 3.0, 0.5
"""Largest loss that counts in the choice of a combination, and what a missed decided case costs in
addition, in dB."""
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
    tried: dict[str, float] | None
    """Gains in a trial on the image, see `napari_sr.advice.trial.tried_gains`."""
    psnr: dict[str, float]
    noise: float = 0.0
    """Variance of the truth's own noise, in units of its squared range; 0 if it has none."""
    clipped: bool = False
    """Whether noise was clipped at black."""

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

    def cost(self, model: str) -> float:
        """Return what a wrong pick costs a fit: the loss, and `MISS` if the advice does not hit."""
        loss = self.loss(model)
        return min(loss, MOST) + MISS * (self.decided and loss > GAP)

    def gains(self, weights: Weights) -> forecast.Gains:
        """Return the gains over interpolation that weights of powers forecast, in dB."""
        plain = self.powers.error(weights["bicubic"])
        models = "microscope", "edsr-slim"
        ratios = (plain / self.powers.error(weights[name]) for name in models)
        return forecast.Gains(*(10 * math.log10(ratio) for ratio in ratios))

    def pick(self, fitted: Fitted) -> str:
        """Return the model with the largest gain by these weights."""
        return MODELS[int(picks([self], fitted.weights, [fitted.how])[0, 0])]


@dataclass(frozen=True)
class Fitted:
    """All weights of a forecast."""

    weights: Weights
    how: forecast.Combination


SHIPPED = Fitted(
    {
        "bicubic": forecast.INTERPOLATION,
        "edsr-slim": forecast.PHOTOGRAPHS,
        "microscope": forecast.DENOISING,
    },
    forecast.COMBINED,
)
"""The weights that ship."""


def fit(cases: Sequence[Case]) -> Fitted:
    """Return the weights that fit the cases best."""
    share = _shares(cases)
    weights = {model: _fit_one(cases, model, share) for model in TERMS}
    share = share / (1 + np.array([one.doubt for one in cases]))
    ways = [forecast.Combination(*values) for values in itertools.product(*STEPS)]
    loss = np.array([[one.cost(model) for model in MODELS] for one in cases])
    losses = loss[np.arange(len(cases)), picks(cases, weights, ways)] @ share
    return Fitted(weights, ways[int(np.argmin(losses))])


def picks(
    cases: Sequence[Case], weights: Weights, ways: Sequence[forecast.Combination]
) -> NDArray[np.intp]:
    """Return the index of the picked model for each combination and case, (ways, N)."""
    forecasts = [one.gains(weights) for one in cases]
    found = np.zeros((len(ways), len(cases), len(MODELS)))
    for number, how in enumerate(ways):
        for index, (one, gains) in enumerate(zip(cases, forecasts, strict=True)):
            if one.tried is None:
                found[number, index] = 0.0, gains.photographs, gains.denoising, -np.inf
                continue
            both = forecast.combined(gains, one.tried, how)
            denoising = both.denoising - how.denoising - (how.clipped if one.clipped else 0.0)
            found[number, index] = 0.0, both.photographs, denoising, both.conditioned
    return found.argmax(axis=2)


def picks_without_their_source(cases: Sequence[Case]) -> list[str]:
    """Return the model that is picked for each case by weights fitted to all other sources."""
    fitted = {
        source: fit([one for one in cases if one.source != source])
        for source in {one.source for one in cases}
    }
    return [one.pick(fitted[one.source]) for one in cases]


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
