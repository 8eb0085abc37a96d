"""Forecast the error of each kind of model on an image, from the image alone.

Errors add up over frequencies, and over parts of an image. So the mean squared error of a model is
forecast as a weighted sum:

* of the powers of detail and noise. Interpolation loses fine detail, and passes noise. Networks for
  photographs lose less of it, and amplify noise. Networks that remove noise lose detail that is as
  weak as noise, as Wiener's filter does, and sharpen coarser detail even if it was not blurred;
* and of the network's error in a trial on the image itself (`trial`), which sees all but the finest
  detail. Only the trial knows networks that get the level of the noise. A network that is good at
  the detail in the trial is also better at the finest detail (`unseen` in `Powers.terms`).

The weights are fitted to measured errors by `benchmarks/quality/advice.py --fit`. Gains are told in
part (`BELIEVED`), so that on real images they are as large on average as measured ones.
Symbols: N parts, P pixels along a side of a part.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from napari_sr.advice.hard_edges import WORSE
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
UNTRIED = {
    "interpolation": {"fine": 0.266, "noise": 0.848},
    "photographs": {"fine": 0.0723, "noise": 1.94},
    "denoising": {"coarse": 0.00487, "middle": 0.093, "hidden": 1.09},
    "conditioned": {"fine": 0.0305, "hidden": 1.29},
}
"""Weights of the powers in the mean squared error of each kind of model, x2, without a trial."""
TRIED = {
    "interpolation": {"fine": 0.192, "noise": 0.182, "tried": 0.836},
    "photographs": {"beyond": 0.0497, "noise": 0.188, "tried": 1.04},
    "denoising": {
        "coarse": 0.00132, "middle": 0.0483, "hidden": 0.358, "clipped": 0.0536, "tried": 0.958
    },
    "conditioned": {"hidden": 0.0889, "unseen": 0.349, "tried": 0.957},
}  # fmt: skip
"""Weights of the powers, and of the network's own error in a trial."""
FLAT = 0.3
"""Detail beyond the resolution is as strong as fine detail if fine over middle is at least this."""
WORST = 3.0
"""Largest ratio of the errors of a network and of interpolation in the trial that counts."""
FEW = 64
"""If the image's side is smaller, the trial shows too little to be believed alone: the error is the
geometric mean of those forecast with and without it."""
BELIEVED, OF_COLOURS = 0.8, 0.4
"""Share of a forecast gain in dB that is told of grey images, and of images in colour: measured
gains were so much smaller. Networks for grey leave colours to interpolation."""
AHEAD = 1.0
"""This is subtracted from forecast gains in dB of images in colour: smaller ones over interpolation
were mostly losses, as the trial takes dense texture of stained tissue for noise."""
LEAST = 1e-2
"""Smallest noise of a part, as a share of the median: parts without any were processed."""
CLIPPED = 0.02
"""Noise counts as clipped at black if this share of the pixels has the smallest value."""
SMALLEST = 1e-9
"""Smallest noise power, as a share of the square of the used range: rounding in float32."""


@dataclass(frozen=True)
class Powers:
    """Powers of detail, without that of noise, and of noise; means over the parts of an image.

    All are relative to the square of the range of values that the image uses.
    """

    coarse: float
    """Detail of some 5 to 20 pixels."""
    middle: float
    """Detail of some 3 to 5 pixels."""
    fine: float
    """The finest detail, of some 2 to 3 pixels."""
    hidden: float
    """What Wiener's filter loses of `middle`: P * noise / (P + noise), part by part."""
    noise: float
    clipped: float = 0.0
    """Noise where it was clipped at black, as by a camera without offset. The trial cannot see what
    was lost there."""

    def terms(self, tried: float = 0.0, plain: float = 1.0) -> dict[str, float]:
        """Return the terms of a network's mean squared error, by name.

        Parameters
        ----------
        tried : float
            The network's mean squared error in a trial.
        plain : float
            That of interpolation.
        """
        skill = min(tried / plain, WORST) if plain > 0 else 1.0
        unseen = self.beyond * skill
        return {**asdict(self), "beyond": self.beyond, "tried": tried, "unseen": unseen}

    @property
    def beyond(self) -> float:
        """Power of detail that only smaller pixels would show, if the spectrum goes on falling."""
        falls = self.fine / (FLAT * self.middle) if self.middle else 1.0
        return self.fine * math.sqrt(min(falls, 1.0))

    def error(self, weights: Mapping[str, float], tried: float = 0.0, plain: float = 1.0) -> float:
        """Return the mean squared error that weights forecast; see `terms`."""
        terms = self.terms(tried, plain)
        return sum(weight * terms[name] for name, weight in weights.items())


@dataclass(frozen=True)
class Gains:
    """By how many dB models are forecast to be better than interpolation (wrong by 1.9 dB, RMS)."""

    denoising: float
    """A network that removes noise and blur."""
    photographs: float
    """A network for photographs."""
    conditioned: float | None = None
    """A network that gets the level of the noise, and keeps the blur; None if unknown."""


def powers_of(sample: Sample) -> Powers:
    """Return the powers of detail and noise of an image.

    Parameters
    ----------
    sample : Sample
        The image's windows.
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
    values = sample.values
    low, high = np.percentile(values, (0.1, 99.9))
    black = float(np.mean(values == values.min()))
    # where the light is black, noise is clipped in half of the pixels
    clipped = noise * min(2 * black, 1.0) if black > CLIPPED else 0.0
    found = coarse, middle, fine, hidden, noise, clipped
    used = float(high - low) ** 2
    return Powers(*(one / used if used else 0.0 for one in found))


def gains_of(
    powers: Powers,
    tried: Mapping[str, float] | None = None,
    *,
    side: int = FEW,
    rgb: bool = False,
    hard_edges: bool = False,
) -> Gains:
    """Return the forecast gains of models over interpolation.

    Parameters
    ----------
    powers : Powers
        The image's.
    tried : mapping, optional
        Mean squared errors in a trial on the image, by the keys of `TRIED`; None if there was none.
    side : int
        Smallest side of the image, in pixels.
    rgb : bool
        Whether the powers are those of the luma of an image in colour.
    hard_edges : bool
        Whether the image consists of flat areas with hard edges; see `hard_edges.has_hard_edges`.
    """
    errors = _errors(powers, tried, side)
    plain = errors.pop("interpolation")
    if hard_edges:
        errors["conditioned"] = max(errors["conditioned"], WORSE * errors["photographs"])
    found = {name: _decibels(plain, error) for name, error in errors.items()}
    if rgb:
        return Gains(**{name: OF_COLOURS * (gain - AHEAD) for name, gain in found.items()})
    return Gains(**{name: BELIEVED * gain for name, gain in found.items()})


def _errors(powers: Powers, tried: Mapping[str, float] | None, side: int) -> dict[str, float]:
    errors = {name: powers.error(weights) for name, weights in UNTRIED.items()}
    if tried is None:
        return errors
    plain = tried["interpolation"]
    known = {name: powers.error(one, tried[name], plain) for name, one in TRIED.items()}
    return known if side >= FEW else {name: math.sqrt(known[name] * errors[name]) for name in known}


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
