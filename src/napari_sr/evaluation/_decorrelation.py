"""Decorrelation analysis: the highest frequency of a single image that stands out from its noise.

Descloux, Grussmayer and Radenovic, "Parameter-free image resolution estimation based on
decorrelation analysis", Nature Methods 16, 2019, https://doi.org/10.1038/s41592-019-0515-7

In a disc of radius r in Fourier space, the image is correlated with a copy of itself whose Fourier
coefficients have the magnitude 1: d(r) = sum |I| / sqrt(N(r) sum |I|^2). The first sum and the
number of coefficients N(r) are those of the disc; the second sum is over all coefficients. With
growing r, signal raises d and pure noise lowers it, so the maximum is where the signal ends.
Gaussian high-pass filters remove strong, coarse signal, so that the maximum moves to weaker, finer
signal. The finest maximum of all filters is the cut-off.

What differs from the paper:

* The paper tries 50 radii, and refines them in a second pass. A filter depends on the radius alone,
  so here all sums are computed from sums over thin rings, which are the same for all filters.
* Images that are not square are not padded.
* The window is Hann's. A narrower window leaks so much that coarse cut-offs are up to 40 % too fine
  (200 x 256 px, cut-off at 25 px).

Symbols: H x W pixels, R rings, G filters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.evaluation._frc import centred_grey

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

LEAST = 64
"""Smallest side of an image in pixels; smaller images have too few rings."""
COARSEST = 8
"""The first ring where a cut-off is reported. Below it, noise has maxima by chance, and the window
makes cut-offs up to two rings too fine."""
FILTERS = 40
"""Number of high-pass filters."""
WEAKEST = 0.15
"""Smallest standard deviation of the Gaussian that a filter subtracts, in pixels."""
DROP = 1e-3
"""A maximum counts only if the curve falls by more than this after it."""


@dataclass(frozen=True)
class Decorrelation:
    """The cut-off of an image."""

    frequencies: NDArray[np.float64]
    """(R,), in cycles per unit of `pixel_size`."""
    curve: NDArray[np.float64]
    """(R,), the decorrelation without a filter, from 0 to 1."""
    amplitude: float
    """The maximum of the curve: near 1 for much signal, 0 if there is no cut-off."""
    resolution: float
    """The period of the cut-off, in units of `pixel_size`. Infinity if nothing stands out from
    noise, or if everything does, up to the highest frequency."""


def decorrelation(image: ArrayLike, *, pixel_size: float = 1.0) -> Decorrelation:
    """Find the highest frequency of an image that stands out from its noise.

    This needs neither a second image nor independent noise. But it cannot distinguish the sample's
    detail from other sharp structure: it measures sharpness, not resolving power.

    Parameters
    ----------
    image : array, (H, W)
        Grey, any integers or floats.
    pixel_size : float
        The side of a pixel, for example in micrometres.

    Returns
    -------
    Decorrelation

    Raises
    ------
    ValueError
        If the image is not grey, smaller than 64 x 64 px or constant, or has values that are not
        finite, or the pixel size is not above 0.
    """
    pixels = centred_grey(image, "decorrelation")
    if min(pixels.shape) < LEAST or not pixel_size > 0:
        raise ValueError(
            f"decorrelation needs an image of at least {LEAST} x {LEAST} px and a pixel size above "
            f"0, got {pixels.shape} and {pixel_size:g}"
        )
    radii, magnitude, power, count = _ring_sums(pixels)
    curve = _curves(radii, magnitude, power, count, np.zeros(1))[0]
    first, amplitude = _peak(curve)
    sigmas = np.geomspace(min(pixels.shape) / 4, WEAKEST, FILTERS)
    filtered = _curves(radii, magnitude, power, count, sigmas)
    finest = max(first, *(_peak(one)[0] for one in filtered))
    if finest + 1 < COARSEST:
        return Decorrelation(radii / pixel_size, curve, 0.0, math.inf)
    return Decorrelation(radii / pixel_size, curve, amplitude, float(pixel_size / radii[finest]))


def _ring_sums(pixels: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Return each ring's radius in cycles per pixel, sum of magnitudes, sum of powers and count."""
    height, width = pixels.shape
    faded = pixels * np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    spectrum = np.abs(np.fft.rfft2(faded - faded.mean()))
    distance = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    rings = min(height, width) // 2
    ring = np.ceil(distance * 2 * rings - 1e-9).astype(int).ravel() - 1

    def total(values: NDArray[Any]) -> NDArray[np.float64]:
        inside = (ring >= 0) & (ring < rings)
        sums = np.bincount(ring[inside], values.ravel()[inside], rings)
        return np.asarray(sums, np.float64)

    radii = np.arange(1, rings + 1) / (2 * rings)
    return radii, total(spectrum), total(spectrum**2), total(np.ones_like(spectrum))


def _curves(
    radii: NDArray[np.float64],
    magnitude: NDArray[np.float64],
    power: NDArray[np.float64],
    count: NDArray[np.float64],
    sigmas: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the decorrelation after each high-pass filter, (G, R); sigma 0 means no filter."""
    middle = radii - radii[0] / 2
    passed = 1 - np.exp(-2 * (np.pi * sigmas[:, None] * middle) ** 2)
    passed[sigmas == 0] = 1
    shared = np.cumsum(passed * magnitude, axis=1)
    whole = (passed**2 * power).sum(axis=1, keepdims=True)
    found: NDArray[np.float64] = shared / np.sqrt(whole * np.cumsum(count))
    return found


def _peak(curve: NDArray[np.float64]) -> tuple[int, float]:
    """Return index and height of the highest maximum after which the curve falls, or -1 and 0."""
    end = len(curve)
    while end > 1:
        at = int(np.argmax(curve[:end]))
        if at < end - 1 and curve[at] - curve[at:end].min() > DROP:
            return at, float(curve[at])
        end = at if at < end - 1 else end - 1
    return -1, 0.0
