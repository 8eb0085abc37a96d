"""Shrink planes by any ratio: the mean of the interpolated plane over the area of each new pixel.

The pixels of a plane are joined by cubic interpolation (Keys, 1981, with a = -0.5, mirrored at the
borders). A pixel of the shrunk plane is the integral of this curve over its area, as a camera with
larger pixels would measure it. The integral is a closed formula, evaluated in float64 for the exact
position of each pixel. So a constant stays constant, a linear ramp stays exactly in place, and,
since the cubic kernel has the integral 1, the shrunk plane has the same mean if it has the same
extent. Sampling the interpolated curve, as `imresize` does, keeps neither mean nor total intensity
at ratios such as 6/5.

Keys, "Cubic convolution interpolation for digital image processing", IEEE Transactions on
Acoustics, Speech and Signal Processing 29(6), 1981.

Symbols: H x W pixels of a plane, C channels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction  # noqa: TC003  # a dataclass's field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_sr.layers.cubic import REACH, cubic_integral

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

TOGETHER = 1 << 22
"""Number of values of the plane that are shrunk at a time, to bound the memory."""
LEAST_SHARE = 0.5
"""A shrunk pixel is NaN if a smaller share of its area has values."""


@dataclass(frozen=True)
class Shrunk:
    """An axis of a plane, and its pixels after shrinking."""

    size: int
    """Number of pixels before."""
    ratio: Fraction
    """Pixels before per pixel after, at least 1."""

    def reads(self, span: slice) -> slice:
        """Return the pixels that some pixels of the shrunk axis depend on."""
        first, last = self._first(span.start), self._first(span.stop - 1) + self._taps
        # mirrored pixels lie no further inside than the kernel reaches outside
        return slice(min(max(first, 0), self.size - 1), max(min(last, self.size), 1))

    def weights(self, span: slice, start: int, stop: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return indices and weights of the pixels whose weighted sums are the shrunk pixels.

        Parameters
        ----------
        span : slice
            Pixels of the shrunk axis; N in number.
        start, stop : int
            The pixels before shrinking that are known: at least those that `reads` returns.

        Returns
        -------
        indices : array of int, (N, taps)
            Relative to `start`.
        weights : array of float64, (N, taps)
            Each row has the sum 1.
        """
        up, down = self.ratio.numerator, self.ratio.denominator
        begin = np.arange(span.start, span.stop, dtype=np.int64) * up
        first = begin // down - REACH
        taps = np.arange(self._taps)
        # from the centre of each pixel to the left edge of the shrunk pixel
        left = (begin % down / down)[:, None] + REACH - 0.5 - taps
        weights = (cubic_integral(left + up / down) - cubic_integral(left)) / (up / down)
        places = (first[:, None] + taps) % (2 * self.size)
        places = np.minimum(places, 2 * self.size - 1 - places)
        return np.clip(places, start, stop - 1) - start, weights

    def shares(self, span: slice, start: int, stop: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the same with the share of each shrunk pixel's area that a pixel covers."""
        up, down = self.ratio.numerator, self.ratio.denominator
        edge = np.arange(span.start, span.stop, dtype=np.int64) * up
        left = (edge % down / down)[:, None] + REACH - np.arange(self._taps)
        covered = np.minimum(left + up / down, 1) - np.maximum(left, 0)
        places, _ = self.weights(span, start, stop)
        return places, covered.clip(0) / (up / down)

    @property
    def _taps(self) -> int:
        return math.ceil(self.ratio) + 2 * REACH + 1

    def _first(self, pixel: int) -> int:
        return math.floor(pixel * self.ratio) - REACH


def shrink(
    pixels: NDArray[Any],
    starts: tuple[int, int],
    axes: tuple[Shrunk, Shrunk],
    spans: tuple[slice, slice],
) -> NDArray[Any]:
    """Shrink a part of a plane; the result equals the same part of the whole shrunk plane.

    Parameters
    ----------
    pixels : array of float32 or float64, (H, W) or (H, W, C)
        The part. A pixel is NaN if it has no value.
    starts : (int, int)
        First row and first column of the part in the plane.
    axes : (Shrunk, Shrunk)
        The plane's rows and columns.
    spans : (slice, slice)
        Rows and columns of the shrunk plane to compute. The part must have all pixels that
        `Shrunk.reads` returns for them.

    Returns
    -------
    array
        With the type of `pixels`. A pixel is NaN if more than half of its area has no values;
        otherwise, it is the mean of the others.
    """
    down, across = spans
    columns = axes[1].reads(across)
    pixels = pixels[:, columns.start - starts[1] : columns.stop - starts[1]]
    shape = down.stop - down.start, across.stop - across.start, *pixels.shape[2:]
    result = np.empty(shape, pixels.dtype)
    step = max(1, int(TOGETHER / max(pixels[0].size * axes[0].ratio, 1)))
    for row in range(down.start, down.stop, step):
        rows = slice(row, min(row + step, down.stop))
        needed = axes[0].reads(rows)
        band = pixels[needed.start - starts[0] : needed.stop - starts[0]]
        ends = (needed.start, needed.stop), (columns.start, columns.stop)
        place = slice(rows.start - down.start, rows.stop - down.start)
        result[place] = _band(band, axes, (rows, across), ends)
    return result


def _band(
    band: NDArray[Any],
    axes: tuple[Shrunk, Shrunk],
    spans: tuple[slice, slice],
    ends: tuple[tuple[int, int], tuple[int, int]],
) -> NDArray[Any]:
    """Shrink some rows; `ends` are the first pixel and the pixel after the last on both axes."""
    pairs = list(zip(axes, spans, ends, strict=True))
    weights = [axis.weights(span, *known) for axis, span, known in pairs]
    missing = np.isnan(band)
    if not missing.any():
        return _summed(band, weights)
    known = (~missing).astype(band.dtype)
    shares = [axis.shares(span, *known_ends) for axis, span, known_ends in pairs]
    enough = _summed(known, shares) >= LEAST_SHARE
    touched = _summed(1 - known, [(places, np.abs(one)) for places, one in weights]) > 0
    total = _summed(np.where(missing, np.zeros_like(band), band), weights)
    weight = np.where(touched, _summed(known, weights), np.ones_like(total))
    unknown = np.full_like(total, np.nan)
    known_enough = enough & (weight > LEAST_SHARE / 2)
    found: NDArray[Any] = np.divide(total, weight, out=unknown, where=known_enough)
    return found


def _summed(pixels: NDArray[Any], weights: list[tuple[NDArray[Any], NDArray[Any]]]) -> NDArray[Any]:
    """Return weighted sums of pixels along rows and columns."""
    image = torch.from_numpy(np.ascontiguousarray(pixels))
    for dim, (places, shares) in enumerate(weights):
        image = _along(image, dim, torch.from_numpy(places), torch.from_numpy(shares))
    found: NDArray[Any] = image.numpy()
    return found


def _along(image: Tensor, dim: int, places: Tensor, weights: Tensor) -> Tensor:
    shape = [1] * image.ndim
    shape[dim] = -1
    result: Tensor | None = None
    for at, weight in zip(places.unbind(1), weights.to(image.dtype).unbind(1), strict=True):
        if not weight.any():
            continue
        share = image.index_select(dim, at) * weight.reshape(shape)
        result = share if result is None else result.add_(share)
    if result is None:
        raise RuntimeError("a shrunk pixel needs at least one weight")
    return result
