"""Fit the weights of `napari_sr.advice.forecast`, also without one source of images at a time.

The forecast says that a model's mean squared error is a weighted sum of powers of detail and noise,
and of its error in a trial on the image. Weights above 0 minimise the squared error of its
logarithm, with outliers counted less. Each kind of images weighs as the square root of its number;
made and real images have the same weight.

Symbols: N cases, K terms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import least_squares, nnls
from truth_noise import VARIANCES, corrected

from napari_sr.advice import forecast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

KINDS = {
    "bicubic": "interpolation",
    "edsr-slim": "photographs",
    "microscope": "denoising",
    "micrograph": "conditioned",
}
"""The models, each with its kind in `napari_sr.advice.forecast`."""
MODELS = tuple(KINDS)
GAP = 0.5
"""Difference in dB from which the best model is clear, and up to which the advice hits."""
OUTLIER = 0.3
"""Error of the logarithm from which a case counts less."""
LEAST = 1e-9
"""Squared error that is added to forecasts, which may be 0."""
Weights = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Fitted:
    """Weights of the terms of each kind of model's error."""

    untried: Weights = field(default_factory=lambda: forecast.UNTRIED)
    tried: Weights = field(default_factory=lambda: forecast.TRIED)


SHIPPED = Fitted()
"""The weights that ship."""


@dataclass(frozen=True)
class Case:
    """One recorded image: its properties, and the PSNR of each model."""

    kind: str
    source: str
    """Package, or the kind of made images."""
    real: bool
    powers: forecast.Powers
    tried: dict[str, float] | None
    """Errors in a trial on the image, see `napari_sr.advice.trial.tried_errors`."""
    measured: dict[str, float]
    """PSNR of each model against the truth as it is, in dB."""
    noise: float = 0.0
    """Variance of the truth's own noise, in units of its squared range; 0 if it has none."""
    shared: dict[str, float] = field(default_factory=dict)
    """Covariance of that noise and each model's result; see `truth_noise`."""
    side: int = forecast.FEW
    """Smaller side of the image in pixels."""

    def psnr_for(self, times: float) -> dict[str, float]:
        """Return the PSNR of each model if the truth had so many times the estimated noise."""
        return {
            name: -10 * math.log10(
                corrected(
                    10 ** (-psnr / 10), times * self.shared.get(name, 0.0), times * self.noise
                )
            )
            for name, psnr in self.measured.items()
        }  # fmt: skip

    @cached_property
    def psnr(self) -> dict[str, float]:
        """PSNR of each model, corrected for the truth's noise."""
        return self.psnr_for(1.0)

    @cached_property
    def clear(self) -> bool:
        """Whether the best two models differ by more than `GAP`."""
        return _clear(self.psnr)

    @cached_property
    def decided(self) -> bool:
        """Whether the same model is clearly the best, also if the truth's noise is misjudged."""
        several = [self.psnr_for(times) for times in VARIANCES]
        return (
            all(map(_clear, several))
            and len({max(one, key=one.__getitem__) for one in several}) == 1
        )

    def loss(self, model: str) -> float:
        """Return the dB by which a model is below the best one."""
        return max(self.psnr.values()) - self.psnr[model]

    def told(self, fitted: Fitted = SHIPPED) -> dict[str, float]:
        """Return the PSNR of each model as weights forecast it, in dB."""
        powers = {kind: self.powers.error(one) + LEAST for kind, one in fitted.untried.items()}
        errors = powers
        if self.tried is not None:
            errors = {kind: self._error(one, kind) + LEAST for kind, one in fitted.tried.items()}
            if self.side < forecast.FEW:
                errors = {kind: math.sqrt(one * powers[kind]) for kind, one in errors.items()}
        return {model: -10 * math.log10(errors[kind]) for model, kind in KINDS.items()}

    def pick(self, fitted: Fitted = SHIPPED) -> str:
        """Return the model with the smallest error by these weights."""
        told = self.told(fitted)
        return max(told, key=told.__getitem__)

    def _error(self, weights: Mapping[str, float], kind: str) -> float:
        if self.tried is None:
            return self.powers.error(weights)
        return self.powers.error(weights, self.tried[kind], self.tried["interpolation"])

    def terms(self, kind: str) -> dict[str, float]:
        """Return the terms of the error of a kind of model, with or without those of the trial."""
        if self.tried is None:
            return self.powers.terms()
        return self.powers.terms(self.tried[kind], self.tried["interpolation"])


def fit(cases: Sequence[Case]) -> Fitted:
    """Return the weights that fit the cases best."""
    tried = [one for one in cases if one.tried is not None]
    return Fitted(
        *(
            {kind: _fit_one(found, model, tuple(weights[kind])) for model, kind in KINDS.items()
             if kind in weights}
            for weights, found in ((forecast.UNTRIED, cases), (forecast.TRIED, tried))
        )
    )  # fmt: skip


def without_their_source(cases: Sequence[Case]) -> list[dict[str, float]]:
    """Return what weights fitted to all other sources forecast for each case, in dB."""
    fitted = {
        source: fit([one for one in cases if one.source != source])
        for source in {one.source for one in cases}
    }
    return [one.told(fitted[one.source]) for one in cases]


def _clear(psnr: Mapping[str, float]) -> bool:
    *_, second, best = sorted(psnr.values())
    return best - second > GAP


def _shares(cases: Sequence[Case]) -> NDArray[np.float64]:
    """Return the weight of each case, (N,)."""
    kinds = [one.kind for one in cases]
    share = np.array([1 / np.sqrt(kinds.count(kind)) for kind in kinds])
    real = np.array([one.real for one in cases])
    for group in (real, ~real):
        if group.any():
            share[group] /= share[group].sum()
    return share * len(cases)


def _fit_one(cases: Sequence[Case], model: str, names: tuple[str, ...]) -> dict[str, float]:
    found = [one.terms(KINDS[model]) for one in cases]
    terms = np.array([[one[name] for name in names] for one in found])
    error = np.array([10 ** (-one.psnr[model] / 10) for one in cases])
    root = np.sqrt(_shares(cases))
    start, _ = nnls(terms / error[:, None] * root[:, None], root)

    def misses(logarithms: NDArray[np.float64]) -> NDArray[np.float64]:
        forecasts = np.log(terms @ np.exp(logarithms) + LEAST)
        difference: NDArray[np.float64] = (forecasts - np.log(error)) * root
        return difference

    first = np.log(np.maximum(start, 1e-4))
    best = least_squares(misses, first, loss="soft_l1", f_scale=OUTLIER).x
    return {name: float(f"{np.exp(one):.3g}") for name, one in zip(names, best, strict=True)}
