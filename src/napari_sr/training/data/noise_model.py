"""The noise of a camera image: its variance at each pixel value, given or estimated.

    variance(v) = gain * (v - offset) + (gain * read_noise)^2

Foi et al., "Practical Poissonian-Gaussian Noise Modeling and Fitting for Single-Image Raw-Data",
IEEE Transactions on Image Processing 17(10), 2008, https://doi.org/10.1109/TIP.2008.2001399.

Symbols: H x W pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from napari_sr.engine.image.conversion import is_number
from napari_sr.engine.image.noise import BLOCK, OF_SMOOTHEST, SMOOTHEST, noise_of, without_empty

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_sr.engine.image.plane_values import ValueRange

GROUPS = 16
"""Number of groups of blocks of similar brightness."""
LEAST = 0.05
"""Smallest variance in the dark, as a share of the mean variance: every camera has read noise."""
NEGLIGIBLE = 1e-6
"""Smaller growths of the variance, as a share of the mean variance, are rounding errors."""
LEAST_SIDE = 32
"""Smallest side, in pixels, of an image whose noise can be estimated."""
SECOND = np.array([1, -2, 1]) / 6**0.5
"""Second difference, along both axes: cancels planes, and keeps the variance of white noise."""
SIXTH = np.array([1, -6, 15, -20, 15, -6, 1]) / 924**0.5
"""Sixth difference: passes only frequencies near the finest that pixels can show. White noise has
as much there as anywhere; detail that a lens has blurred has almost nothing."""
OF_SIXTH = 0.63
"""As `OF_SMOOTHEST`, for sixth differences, whose neighbours are less independent."""
CLEARLY = 0.9
"""The standard deviation by sixth differences is taken if it is below this share of the usual one:
then fine detail has made that one too large."""


@dataclass(frozen=True)
class NoiseModel:
    """How the variance of noise depends on the pixel value."""

    gain: float = 0.0
    """Pixel values per photon; 0 if the noise does not grow with the signal."""
    offset: float = 0.0
    """Pixel value without light."""
    read_noise: float = 0.0
    """Standard deviation of the noise without light, in photons; in pixel values if `gain` is 0."""

    def __post_init__(self) -> None:
        """Check that numbers are possible.

        Raises
        ------
        ValueError
            If a number is wrong; the message names all values.
        """
        if not (is_number(self.gain) and is_number(self.offset) and is_number(self.read_noise, 0)):
            raise ValueError(
                "noise needs a finite gain and offset and a read noise of at least 0, got gain "
                f"{self.gain}, offset {self.offset} and read noise {self.read_noise}"
            )

    @property
    def given(self) -> bool:
        """Whether any noise is given; otherwise, it must be estimated."""
        return self.gain != 0 or self.read_noise > 0

    def variance(self, values: Tensor) -> Tensor:
        """Return the variance at the given pixel values, of any shape."""
        read = (self.gain or 1.0) * self.read_noise
        return (self.gain * (values - self.offset)).clamp_min(0) + read**2

    def encoded(self, values: ValueRange) -> NoiseModel:
        """Return the noise of the image with black at 0 and white at 1."""
        width = values.high - values.low
        read = self.read_noise if self.gain else self.read_noise / abs(width)
        return NoiseModel(self.gain / width, (self.offset - values.low) / width, read)

    def decoded(self, values: ValueRange) -> NoiseModel:
        """Return the noise in pixel values, from that with black at 0 and white at 1."""
        width = values.high - values.low
        read = self.read_noise if self.gain else self.read_noise * abs(width)
        return NoiseModel(self.gain * width, self.offset * width + values.low, read)

    @property
    def words(self) -> str:
        """Description of the noise."""
        if not self.gain:
            return f"noise of {self.read_noise:.4g}"
        return (
            f"gain {self.gain:.4g}, offset {self.offset:.4g}, read noise {self.read_noise:.3g} "
            "photons"
        )


def estimated(image: NDArray[Any]) -> NoiseModel:
    """Estimate the noise of an image from the image alone.

    The mean variance is estimated as `engine.image.noise.noise_of` does. Its growth is the slope of
    a line through the variances of the smoothest blocks of groups of similar brightness. In images
    with fine detail and little noise, both would take detail for noise: there, the finest
    frequencies decide. On made images without noise, this divides the estimate by 4.5 to 6.3.

    Parameters
    ----------
    image : (H, W)
        Finite values, at least `LEAST_SIDE` pixels along each side.

    Raises
    ------
    ValueError
        If the image is too small.
    """
    if min(image.shape) < LEAST_SIDE:
        raise ValueError(
            f"noise can be estimated from at least {LEAST_SIDE} x {LEAST_SIDE} pixels, got "
            f"{image.shape[0]} x {image.shape[1]}: give gain, offset and read noise"
        )
    wide = np.asarray(image, np.float64)
    mean_variance = noise_of([wide], 1.0).sigma ** 2
    bright, variance, mean = _groups(wide, SECOND, OF_SMOOTHEST)
    finest, finest_variance, finest_mean = _groups(wide, SIXTH, OF_SIXTH)
    if finest_variance.mean() < CLEARLY**2 * mean_variance:
        bright, variance, mean = finest, finest_variance, finest_mean
        mean_variance = float(finest_variance.mean())
    offset = float(bright[0])
    slope = _slope(bright, variance)
    if slope * float(np.ptp(bright)) < NEGLIGIBLE * mean_variance:
        slope = 0.0
    dark = mean_variance + slope * (offset - mean)
    read = math.sqrt(max(dark, LEAST * mean_variance))
    return NoiseModel(slope, offset, read / slope if slope else read)


def _slope(bright: NDArray[np.float64], variance: NDArray[np.float64]) -> float:
    """Return how fast the variance grows with brightness, at least 0."""
    if np.ptp(bright) == 0 or variance.min() <= 0:
        return 0.0
    # a variance is known to a certain share of itself, so relative errors are minimised
    rows = np.stack((np.ones_like(bright), bright), axis=1) / variance[:, None]
    found = np.linalg.lstsq(rows, np.ones(len(bright)), rcond=None)[0]
    return max(float(found[1]), 0.0)


def _groups(
    image: NDArray[np.float64], line: NDArray[np.float64], of_smoothest: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return brightness and variance of noise of groups of blocks, and the mean brightness.

    The noise is what a filter passes, `line` along both axes. If all blocks contain only noise of
    variance 1, the largest variance among the smoothest ones is `of_smoothest`. The groups go from
    dark to bright. Constant blocks, such as those beyond a mask, are left out;
    so are blocks beside them, if enough remain.
    """
    rough = sliding_window_view(image, len(line), axis=0) @ line
    rough = sliding_window_view(rough, len(line), axis=1) @ line
    height, width = (size // BLOCK for size in rough.shape)
    spans = slice(height * BLOCK), slice(width * BLOCK)
    shape = height, BLOCK, width, BLOCK
    reach = len(line) // 2
    blocks = image[reach:-reach, reach:-reach][spans].reshape(shape)
    constant = np.ptp(blocks, axis=(1, 3)) == 0
    beside = sliding_window_view(np.pad(constant, 1), (3, 3)).any(axis=(2, 3))
    empty = (beside if np.count_nonzero(~beside) >= GROUPS else constant).ravel()
    means = without_empty(blocks.mean(axis=(1, 3)).ravel(), empty)
    squares = without_empty((rough[spans] ** 2).reshape(shape).mean(axis=(1, 3)).ravel(), empty)
    groups = [part for part in np.array_split(np.argsort(means), GROUPS) if len(part)]
    bright = np.array([means[part].mean() for part in groups])
    smoothest = np.array([np.quantile(squares[part], SMOOTHEST) for part in groups])
    return bright, smoothest / of_smoothest, float(means.mean())
