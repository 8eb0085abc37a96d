"""Estimate traits of an image besides its noise: sharpness, saturation, used range, patterns.

Symbols: P pixels along a side of a window.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from napari_sr.advice.hard_edges import has_hard_edges
from napari_sr.engine.image.noise import without_empty
from napari_sr.engine.image.smoothed_noise import is_smoothed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_sr.engine.image.sample import Sample

SIDE = 32
"""Side of the parts whose spectra are averaged, in pixels."""
COARSE, MIDDLE, FINE = (0.1, 0.4), (0.4, 0.7), (0.7, 1.0)
"""Frequencies of coarse, middle and fine detail; 1 is the Nyquist frequency along an axis."""
CORNER = 1.15
"""Frequencies above this exist only near the diagonals, and contain noise and hardly any detail.
The noise is the median of their power over all parts, so that parts with the sharpest detail do not
count."""
QUANTISED = 1 / 12
"""Variance of rounding to integers."""
PEAK = 40.0
"""A single frequency is a pattern if its power exceeds the median of its ring by this factor."""
RINGS = 16
COARSE_TO_FINE, RING, FEWEST_RINGS = (0.15, 1.0), 0.1, 3
"""Frequencies in which blur is looked for, the width of a ring, and the least number of rings in
which detail has more power than noise."""
CELL, EMPTY = 4, 0.12
"""A square of CELL x CELL pixels is empty if all its values are equal. A part of the image is
ignored if the share of its squares that are empty exceeds EMPTY."""
ALIKE = 0.6
"""Columns have a pattern if the column means of windows below each other correlate by more than
this."""


@dataclass(frozen=True)
class Traits:
    """The traits of an image."""

    used: tuple[float, float]
    """The range of its values, without the 0.1 % darkest and brightest."""
    coarse: float
    """Power of coarse detail (about 5 to 20 pixels), relative to the power of noise."""
    middle: float
    """Power of detail of about 3 to 5 pixels, relative to the power of noise."""
    fine: float
    """Power of the finest detail (about 2 to 3 pixels), relative to the power of noise. It is 1 for
    noise alone, little more in blurred and noisy images, and above 4 in sharp and clean images."""
    saturated: float
    """Share of pixels with the largest value; 0 unless this value is far more frequent than the
    values just below it."""
    period: float | None
    """Period in pixels of a repeating pattern, such as a camera's or a grid's; None without one."""
    columns: bool
    """Whether the same columns are brighter or darker over the whole plane, as in some cameras."""
    blur: float | None = None
    """Standard deviation of the blur in pixels, if it were Gaussian and the object's spectrum fell
    as that of natural scenes, beside the mean over a pixel's area. On made images of up to 1.2, it
    is within 0.3 pixels in most cases; more blur reads as 1.2 to 1.7. None if noise hides too much
    detail."""
    empty: float = 0.0
    """Share of pixels in squares of equal values, as around stitched images."""
    smoothed: bool = False
    """Whether the noise was smoothed before, so that `Noise` has less than there is."""
    hard_edges: bool = False
    """Whether the image has no noise, and consists of flat areas that end within a pixel."""


def traits_of(sample: Sample) -> Traits:
    """Estimate traits of an image.

    Parameters
    ----------
    sample : Sample
        Parts of the image.
    """
    values = sample.values
    low, high = np.percentile(values, (0.1, 99.9))
    power, corner, empty = _power(sample.windows)
    radius = radius_of(len(power))
    rounding = QUANTISED if sample.dtype.kind in "iu" else 0.0
    noise = max(corner, rounding, 1e-12 * float(power.max()))
    coarse, middle, fine = (
        float(power[(radius > start) & (radius <= end)].mean()) / noise if noise else 0.0
        for start, end in (COARSE, MIDDLE, FINE)
    )
    return Traits(
        (float(low), float(high)),
        coarse,
        middle,
        fine,
        _saturated(values),
        _period(power, radius, noise),
        _has_columns(sample),
        _blur(power, radius, noise),
        empty,
        is_smoothed(sample.windows),
        has_hard_edges(sample.windows, float(high - low)),
    )


def _saturated(values: NDArray[np.float64]) -> float:
    """Return the share of pixels with the largest value; 0 if they are a distribution's tail."""
    top = values.max()
    below = values[values < top]
    if not below.size:
        return 0.0
    at_top = values.size - below.size
    # values just below the largest: within 1/256 of the range
    next_to_it = np.count_nonzero(below >= top - max((top - below.min()) / 256, 1e-12))
    return at_top / values.size if at_top > max(3 * next_to_it, 20) else 0.0


def _power(windows: Sequence[NDArray[np.float64]]) -> tuple[NDArray[np.float64], float, float]:
    """Return the mean power spectrum, the median power in its corners, and the empty share."""
    side = min(SIDE, *(min(window.shape) for window in windows))
    in_corner = radius_of(side) >= CORNER
    cut = (
        sliding_window_view(window, (side, side))[::side, ::side].reshape(-1, side, side)
        for window in windows
    )
    parts = np.concatenate(list(cut))
    emptiness = emptiness_of(parts)
    parts = without_empty(parts, emptiness > EMPTY)
    powers = spectra_of(parts)
    corner = float(np.median(powers[:, in_corner].mean(axis=1)))
    return powers.mean(axis=0), corner, float(emptiness.mean())


def spectra_of(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the power spectra of parts, (N, P, P); that of white noise is its variance."""
    line = np.hanning(parts.shape[1] + 2)[1:-1]
    taper = np.outer(line, line) / (line**2).sum()
    spectra = np.fft.rfft2((parts - parts.mean(axis=(1, 2), keepdims=True)) * taper)
    half: NDArray[np.float64] = spectra.real**2 + spectra.imag**2
    # spectra of real values are symmetric: the columns that are left out have the others' values
    others = half[:, :, (parts.shape[2] - 1) // 2 : 0 : -1]
    return np.concatenate((half, np.roll(others[:, ::-1], 1, axis=1)), axis=2)


def emptiness_of(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of empty squares in each part, (N, P, P)."""
    count = parts.shape[1] // CELL
    # rows first, then columns: much faster than both at once
    rows = parts[:, : count * CELL, : count * CELL].reshape(len(parts), count, CELL, -1)
    largest, smallest = (one.reshape(-1, CELL).T for one in (rows.max(axis=2), rows.min(axis=2)))
    flat = np.maximum.reduce(largest) == np.minimum.reduce(smallest)
    share: NDArray[np.float64] = flat.reshape(len(parts), -1).mean(axis=1)
    return share


def radius_of(side: int) -> NDArray[np.float64]:
    """Return the distance of each frequency from 0; 1 is the Nyquist frequency along an axis."""
    frequency = 2 * np.fft.fftfreq(side)
    radius: NDArray[np.float64] = np.hypot(frequency[:, None], frequency[None])
    return radius


def _period(power: NDArray[np.float64], radius: NDArray[np.float64], noise: float) -> float | None:
    """Return the period of the strongest single frequency that stands out from its ring."""
    if not power.any():
        return None
    rings = np.where(radius < 1, (radius * RINGS).astype(np.intp), -1)
    best, found = PEAK, None
    for ring in range(RINGS // 4, RINGS):
        inside = np.where(rings == ring, power, 0)
        ratio = float(inside.max() / (np.median(power[rings == ring]) + noise))
        if ratio > best:
            best, found = ratio, 2 / float(radius.flat[inside.argmax()])
    return found


def _blur(power: NDArray[np.float64], radius: NDArray[np.float64], noise: float) -> float | None:
    """Return the blur that explains how the spectrum falls beside 1 / f^2; None if unknown.

    Field, Relations between the statistics of natural images and the response properties of
    cortical cells, JOSA A 4, 1987, https://doi.org/10.1364/JOSAA.4.002379, has the spectrum.
    """
    found = []
    for start in np.arange(*COARSE_TO_FINE, RING):
        inside = (radius >= start) & (radius < start + RING)
        detail = float(power[inside].mean()) - noise if inside.any() else 0.0
        if detail <= noise:
            break
        found.append((float(radius[inside].mean()) / 2, detail))
    if len(found) < FEWEST_RINGS:
        return None
    frequency, detail = np.array(found).T
    beside = np.log(detail * frequency**2 / np.sinc(frequency) ** 2)
    slope = np.polyfit((2 * np.pi * frequency) ** 2, beside, 1)[0]
    return float(np.sqrt(max(-slope, 0.0)))


def _has_columns(sample: Sample) -> bool:
    """Return whether the fine differences between columns are the same in distant places."""
    found, own = [], sample.apart  # rows that a window does not share with the next one
    for numbers in sample.columns:
        for upper, lower in pairwise(sample.windows[number] for number in numbers):
            pair = upper[:own].mean(axis=0), lower[-own:].mean(axis=0)
            found.append(_correlation(*map(_fine, pair)))
    return bool(found) and float(np.median(found)) > ALIKE


def _fine(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return second differences, because slow changes of brightness are similar everywhere."""
    return np.diff(line, 2)


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    spread = one.std() * other.std()
    return float(((one - one.mean()) * (other - other.mean())).mean() / spread) if spread else 0.0
