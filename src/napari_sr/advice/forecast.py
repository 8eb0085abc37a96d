"""Forecast the error of each kind of model on an image, from the image alone.

Errors add up over frequencies, and over parts of an image. So the mean squared error of a model is
forecast as a weighted sum of the powers of detail and noise:

* interpolation loses fine detail, and passes noise;
* networks for photographs lose less of it, and amplify noise;
* networks that remove noise take detail that is as weak as noise for noise, as Wiener's filter
  does, and sharpen coarser detail whether or not it was blurred.

Networks are also tried on the image itself (`trial`); forecast and trial are then averaged. Only
the trial knows about networks that get the level of the noise.

The weights are fitted to measured errors by `benchmarks/quality/advice.py --fit`.
Symbols: N parts, P pixels along a side of a part.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from napari_sr.advice.traits import (
    COARSE,
    CORNER,
    EMPTY,
    FINE,
    MIDDLE,
    QUANTISED,
    emptiness_of,
    radius_of,
    spectra_of,
)
from napari_sr.engine.image.noise import without_empty

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_sr.engine.image.sample import Sample

SIDE, STEP = 16, 8
"""Side of the parts whose spectra are compared with the noise, and their distance, in pixels."""
INTERPOLATION = {"fine": 0.283, "noise": 1.05}
PHOTOGRAPHS = {"fine": 0.0776, "noise": 2.14}
DENOISING = {"coarse": 0.0046, "middle": 0.115, "hidden": 1.52}
"""Weights of the powers in the mean squared error of each kind of model, x2."""
LEAST = 1e-2
"""Smallest noise of a part, as a share of the median: parts without any were processed."""
SMALLEST = 1e-9
"""Smallest noise power, as a share of the square of the used range: rounding in float32."""


@dataclass(frozen=True)
class Powers:
    """Powers of detail, without that of noise, and of noise; means over the parts of an image."""

    coarse: float
    """Detail of some 5 to 20 pixels."""
    middle: float
    """Detail of some 3 to 5 pixels."""
    fine: float
    """The finest detail, of some 2 to 3 pixels."""
    hidden: float
    """What Wiener's filter loses of `middle`: P * noise / (P + noise), part by part."""
    noise: float

    def error(self, weights: dict[str, float]) -> float:
        """Return the mean squared error that weights forecast."""
        return sum(weight * float(getattr(self, name)) for name, weight in weights.items())


@dataclass(frozen=True)
class Combination:
    """How forecast and trial make a gain in dB. The trial does not see the finest detail."""

    trusted: float
    """Share of the forecast in the gains that are both forecast and tried."""
    texture: float
    """Where removing noise is forecast to lose more than the trial says, the image may have texture
    that looks like noise: this share of the difference counts for networks that get the level."""
    denoising: float
    """Subtracted from the gain of networks that remove noise and blur when models are compared, in
    dB: the trial is too kind to them."""
    clipped: float
    """Also subtracted from it, if noise was clipped at black: the trial cannot see what was
    lost."""


COMBINED = Combination(trusted=0.5, texture=0.6, denoising=0.5, clipped=2.0)
CLIPPED = 0.02
"""Noise counts as clipped at black if this share of the pixels has the smallest value."""
MOST = 12.0
"""Largest forecast that is averaged with a trial, in dB."""


@dataclass(frozen=True)
class Gains:
    """By how many dB models are forecast to be better than interpolation.

    On images of sources that did not choose the weights, gains are wrong by about 2 dB (RMS).
    """

    denoising: float
    """A network that removes noise and blur."""
    photographs: float
    """A network for photographs."""
    conditioned: float | None = None
    """A network that gets the level of the noise, and keeps the blur; None if it was not tried."""
    clipped: bool = False
    """Whether noise was clipped at black, as by a camera without offset."""


def powers_of(sample: Sample) -> Powers:
    """Return the powers of detail and noise of an image, in squared pixel values.

    Parameters
    ----------
    sample : Sample
        Parts of the image.
    """
    parts = _parts(sample.windows)
    parts = without_empty(parts, emptiness_of(parts) > EMPTY)
    powers, radius = spectra_of(parts), radius_of(parts.shape[1])
    noise = _noise(powers[:, radius >= CORNER].mean(axis=1), sample)
    bands = [
        powers[:, (radius >= start) & (radius < end)].mean(axis=1) - noise
        for start, end in (COARSE, MIDDLE, FINE)
    ]
    coarse, middle, fine = (max(float(band.mean()), 0.0) for band in bands)
    detail = bands[1].clip(0, None)
    hidden = float((detail * noise / (detail + noise)).mean()) if noise else 0.0
    return Powers(coarse, middle, fine, hidden, noise)


def is_clipped(sample: Sample) -> bool:
    """Return whether many pixels of an image have the smallest value."""
    values = sample.values
    return bool(np.mean(values == values.min()) > CLIPPED)


def gains_of(
    powers: Powers,
    tried: Mapping[str, float] | None = None,
    how: Combination = COMBINED,
    *,
    clipped: bool = False,
) -> Gains:
    """Return the forecast gains of models over interpolation.

    Parameters
    ----------
    powers : Powers
        The image's.
    tried : mapping, optional
        Gains in dB in a trial on the image, by field of `Gains`; None if there was none.
    how : Combination, optional
        Weights of forecast and trial.
    clipped : bool
        Whether noise was clipped at black; see `is_clipped`.
    """
    plain = powers.error(INTERPOLATION)
    denoising, photographs = (
        _decibels(plain, powers.error(one)) for one in (DENOISING, PHOTOGRAPHS)
    )
    forecast = Gains(denoising, photographs)
    found = forecast if tried is None else combined(forecast, tried, how)
    return replace(found, clipped=clipped)


def combined(forecast: Gains, tried: Mapping[str, float], how: Combination) -> Gains:
    """Return gains from those that are forecast and those that were tried, in dB."""
    denoising, photographs = (
        min(max(one, -MOST), MOST) for one in (forecast.denoising, forecast.photographs)
    )
    other = 1 - how.trusted
    doubt = min(0.0, denoising - tried["denoising"])
    return Gains(
        how.trusted * denoising + other * tried["denoising"],
        how.trusted * photographs + other * tried["photographs"],
        tried["conditioned"] + how.texture * doubt,
    )


def _decibels(plain: float, other: float) -> float:
    ratio = plain / max(other, plain * 1e-3) if plain > 0 else 1.0
    return 10 * math.log10(max(ratio, 1e-3))


def _noise(corners: NDArray[np.float64], sample: Sample) -> float:
    """Return the power of noise: the geometric mean over parts, so that sharp edges count little.

    Photon noise differs between parts, so a median would miss that of a few bright ones.
    """
    low, high = np.percentile(sample.values, (0.1, 99.9))
    rounding = QUANTISED if sample.dtype.kind in "iu" else 0.0
    least = max(rounding, SMALLEST * float(high - low) ** 2)
    floor = max(LEAST * float(np.median(corners)), least)
    if not floor:  # nothing to take a logarithm of
        return 0.0
    return max(float(np.exp(np.log(corners.clip(floor, None)).mean())), least)


def _parts(windows: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return overlapping parts of all windows, (N, P, P); the last ones end where windows do."""
    return np.concatenate(
        [
            sliding_window_view(one, (SIDE, SIDE))[_starts(one.shape[0])][:, _starts(one.shape[1])]
            .reshape(-1, SIDE, SIDE)
            for one in windows
        ]
    )  # fmt: skip


def _starts(size: int) -> list[int]:
    last = size - SIDE
    return sorted({*range(0, last + 1, STEP), last})
