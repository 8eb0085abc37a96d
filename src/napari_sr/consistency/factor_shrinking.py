"""Shrink a result to the size of its source by any factor, such as 2.5.

Such a result consists of exact means of the network's own, larger result (`layers.area_resize`).
Bicubic shrinking of these means would be blurred twice: by the area of the result's pixels, and by
the kernel. So each pixel is a weighted sum whose weights on the network's pixels come as close as
possible to those of bicubic shrinking by the network's scale. "Close" is the expected squared
difference for images whose pixels correlate, like those of real images, over `CORRELATED` pixels.
Above a factor of 1.5, hardly any difference is left; close to 1, the means have lost what the
network's result had beyond the finest waves that they can show.

Optics are simulated as for whole scales, where a pixel at the edge of a cell counts by its share.

Symbols: F factor, S scale of the network, P pixels of the source, T taps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from napari_sr.consistency.shrinking import Shrinking, bicubic_taps, gaussian_taps
from napari_sr.graph.factor import boundary
from napari_sr.layers.cubic import cubic_integral

if TYPE_CHECKING:
    from numpy.typing import NDArray

CORRELATED = 10.0
"""Distance, in pixels of the source, over which the correlation of pixels falls to 1/e."""
RADIUS = 2
"""Pixels of the source on each side whose means are used."""
NOISE = 1e-6
"""Share of white noise in the images for which the weights are best: it bounds the weights."""


@dataclass(frozen=True)
class FactorShrinking(Shrinking):
    """The method by which a result of any factor is shrunk to the size of its source."""

    network_scale: int = 0
    """S; 0 for the next whole number."""
    start: int = 0
    """First pixel of the source's axis that was upscaled."""

    def at(self, start: int) -> FactorShrinking:
        """Return the method for a part of the source's axis that begins at a pixel."""
        return replace(self, start=start)

    def reach(self, span: slice) -> slice:
        """Return the pixels of the result that a span of the source needs, even if outside it."""
        first, count = self._window
        begin, last = (self._begin(at) for at in (span.start, span.stop - 1))
        return slice(begin + first, last + first + count)

    def along_rows(self, pixels: NDArray[np.float64], span: slice) -> NDArray[np.float64]:
        """Shrink the rows that `reach` returns for a span of the source."""
        begins = np.array([self._begin(at) for at in range(span.start, span.stop)])
        weights = self._weights(span)
        tail = (1,) * (pixels.ndim - 1)
        total = np.zeros((len(begins), *pixels.shape[1:]))
        for tap in range(weights.shape[1]):
            # a weight of 0 keeps the NaN of pixels that are not needed out of the sum
            used = weights[:, tap] != 0
            share = weights[used, tap].reshape(-1, *tail)
            total[used] += pixels[(begins - begins[0] + tap)[used]] * share
        return total

    @property
    def _exact(self) -> Fraction:
        return Fraction(self.scale)

    @property
    def _scale(self) -> int:
        return self.network_scale or math.ceil(self.scale)

    @property
    def _window(self) -> tuple[int, int]:
        """First pixel of the result, relative to the one with a source pixel's edge, and T."""
        if self.blur is not None:
            radius = len(gaussian_taps(self.blur)) // 2
            return -radius, 2 * radius + math.ceil(self.scale) + 1
        before = math.ceil(RADIUS * self.scale)
        return -before, 2 * before + math.ceil(self.scale) + 1

    def _begin(self, at: int) -> int:
        """Return the pixel of the result's part that contains the left edge of a source pixel."""
        return math.floor((self.start + at) * self._exact) - boundary(self.start, self.scale)

    def _weights(self, span: slice) -> NDArray[np.float64]:
        """Return the weights of some pixels of the source, (P, T); the sum of each row is 1."""
        exact = self._exact
        phases = [
            (self.start + at) * exact.numerator % exact.denominator
            for at in range(span.start, span.stop)
        ]
        distinct = sorted(set(phases))
        share = np.array(distinct) / exact.denominator
        found = self._binned(share) if self.blur is not None else self._bicubic(tuple(share))
        return found[np.searchsorted(distinct, phases)]

    def _binned(self, phases: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weights of a Gaussian blur and binning for positions within a pixel."""
        blur = gaussian_taps(self.blur or 0.0)
        factor = float(self.scale)
        left = np.arange(math.ceil(factor) + 1) - phases[:, None]
        covered = (np.minimum(left + 1, factor) - np.maximum(left, 0)).clip(0) / factor
        return np.stack([np.convolve(blur, row) for row in covered])

    def _bicubic(self, phases: tuple[float, ...]) -> NDArray[np.float64]:
        first, count = self._window
        return np.concatenate(
            [
                _closest(float(self.scale), self._scale, first, count, phases[at : at + 256])
                for at in range(0, len(phases), 256)
            ]
        )


@lru_cache(maxsize=64)
def _closest(
    factor: float, scale: int, first: int, count: int, phases: tuple[float, ...]
) -> NDArray[np.float64]:
    """Return the weights closest to bicubic shrinking for positions within a pixel, (P, T).

    Pixel `first + t` of the result begins that many of its pixels behind the source pixel's edge,
    minus the phase. Pixels of the network's result count from this edge, too.
    """
    ratio = scale / factor
    around = (RADIUS + 4) * scale
    fine = np.arange(-around, around + scale)
    left = (first + np.arange(count) - np.array(phases)[:, None]) * ratio
    distance = left[..., None] - fine - 0.5
    means = (cubic_integral(distance + ratio) - cubic_integral(distance)) / ratio  # (P, T, fine)
    begin, taps = bicubic_taps(scale)
    wanted = np.zeros(len(fine))
    wanted[begin + around : begin + around + len(taps)] = taps
    correlation = np.exp(-np.abs(fine[:, None] - fine) / (CORRELATED * scale))
    seen = means @ correlation
    gram = seen @ means.swapaxes(1, 2) + NOISE * np.eye(count)
    ones = np.ones((len(phases), count))
    sides = np.stack([seen @ wanted, ones], axis=2)
    best, correction = np.moveaxis(np.linalg.solve(gram, sides), 2, 0)
    lacking = 1 - best.sum(axis=1, keepdims=True)
    found: NDArray[np.float64] = best + correction * lacking / correction.sum(axis=1, keepdims=True)
    return found
