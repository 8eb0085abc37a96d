"""Estimate noise from an image alone: its level, and whether it grows with the signal.

Symbols: D pixels along a side of a patch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

PATCH = 6
"""Side of the patches from whose covariance noise is estimated, in pixels."""
MOST_PATCHES = 60_000
BLOCK = 8
"""Side of the blocks whose noise is compared with their brightness, in pixels."""
BINS = 8
"""Number of groups of blocks of similar brightness."""
SMOOTHEST, OF_SMOOTHEST = 0.2, 0.728
"""Share of blocks that count as smooth. If all blocks contain only noise of variance 1, the largest
variance among this share of blocks is OF_SMOOTHEST (measured on white noise)."""
OF_CALMEST, CALMEST = 0.05, 0.555
"""As above, for `calm_level`: the share of blocks of equal brightness, and their largest variance
in noise of variance 1."""
LEAST = 0.05
"""Smallest variance in dark places, as a share of the mean variance; it is due to read noise."""
GROWS = 1.5
"""Noise counts as growing with the signal from this ratio of the variances in bright and dark
blocks on."""
_LAPLACIAN = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]]) / 6
"""A filter that cancels planes and parabolas, and keeps the variance of white noise (Immerkaer
1996)."""


@dataclass(frozen=True)
class Noise:
    """The noise of an image."""

    sigma: float
    """Standard deviation, in pixel values."""
    share: float
    """The standard deviation divided by the range of values that the image uses."""
    grows: bool
    """Whether noise grows with the signal, like photon noise."""
    gain: float
    """If noise grows: pixel values per photon, the slope of variance over brightness. Otherwise
    0."""
    mean: float
    """Brightness at which the standard deviation is `sigma`, in pixel values."""

    def at(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return the standard deviation of the noise at the given pixel values."""
        variance = self.sigma**2 + self.gain * (np.asarray(values, np.float64) - self.mean)
        return np.sqrt(np.maximum(variance, LEAST * self.sigma**2 + np.finfo(np.float32).tiny))


def noise_of(windows: Sequence[NDArray[np.float64]], used: float) -> Noise:
    """Estimate the noise of an image.

    The method is by Chen, Zhu and Heng, "An efficient statistical method for image noise level
    estimation", ICCV 2015, https://doi.org/10.1109/ICCV.2015.62: among the eigenvalues of the
    covariance of patches, those that are due to noise alone are equal. The noise must be white; in
    images that were denoised, compressed or interpolated, it is underestimated.

    Parameters
    ----------
    windows : sequence of (H, W)
        Parts of the image, without NaN.
    used : float
        The range of values that the image uses.
    """
    sigma = _level(windows)
    gain = _gain(windows)
    share = sigma / used if used > 0 else 0.0
    mean = float(np.mean([window.mean() for window in windows]))
    return Noise(sigma, share, gain > 0, gain, mean)


def _level(windows: Sequence[NDArray[np.float64]]) -> float:
    """Return the standard deviation of the noise."""
    patches = np.concatenate(list(_patches(windows)))
    patches = without_empty(patches, np.ptp(patches, axis=1) == 0)
    values = np.linalg.eigvalsh(np.cov(patches, rowvar=False))
    for count in range(len(values), 0, -1):
        mean = values[:count].mean()
        if np.median(values[:count]) >= mean:
            return float(np.sqrt(max(mean, 0.0)))
    return 0.0


def without_empty(parts: NDArray[np.float64], empty: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the parts of an image that are not empty, or all parts if all are empty.

    Empty areas around tilted or stitched images have a constant value without noise, so they would
    falsify the estimate.
    """
    return parts if empty.all() else parts[~empty]


def calm_level(windows: Sequence[NDArray[np.float64]]) -> float:
    """Estimate the standard deviation of noise from the calmest blocks of each brightness.

    The eigenvalues that `noise_of` uses are too large if fine detail covers the whole image: in
    photographs without noise, they give 0.027 of white on average, these blocks 0.011, because some
    blocks are almost always flat. With a noise of 0.03 and more in made fluorescence, both are
    right within 5 %.

    Returns
    -------
    float
        The root of the mean variance over all brightnesses, in pixel values.
    """
    bright, variance = _all_blocks(windows)
    order = np.argsort(bright)
    groups = np.array_split(order, max(min(BINS, len(order) // (2 * BINS)), 1))
    calm = [np.quantile(variance[part], OF_CALMEST) for part in groups if len(part)]
    return float(np.sqrt(np.mean(calm) / CALMEST)) if calm else 0.0


def _patches(windows: Sequence[NDArray[np.float64]]) -> Iterable[NDArray[np.float64]]:
    """Yield patches of each window, (N, D * D), at most about `MOST_PATCHES` in total."""
    most = MOST_PATCHES / len(windows)
    for window in windows:
        found = sliding_window_view(window, (PATCH, PATCH))
        step = max(int(np.ceil(np.sqrt(found.shape[0] * found.shape[1] / most))), 1)
        yield found[::step, ::step].reshape(-1, PATCH * PATCH)


def _gain(windows: Sequence[NDArray[np.float64]]) -> float:
    """Return the slope of the variance of noise over brightness; 0 if it does not grow."""
    bright, variance = _all_blocks(windows)
    groups = [part for part in np.array_split(np.argsort(bright), BINS) if len(part)]
    x = np.array([bright[part].mean() for part in groups])
    # the smoothest blocks of each group contain only noise
    y = np.array([np.quantile(variance[part], SMOOTHEST) for part in groups]) / OF_SMOOTHEST
    if len(x) < BINS or np.ptp(x) == 0 or y[-1] < GROWS * max(y[0], 1e-12):
        return 0.0
    rising = np.corrcoef(np.argsort(np.argsort(y)), np.arange(len(y)))[0, 1] > 0.8
    return max(float(np.polyfit(x, y, 1)[0]), 0.0) if rising else 0.0


def _all_blocks(
    windows: Sequence[NDArray[np.float64]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and variance of noise of the blocks that are not empty."""
    pairs = [_blocks(window) for window in windows]
    bright = np.concatenate([one for one, _ in pairs])
    variance = np.concatenate([one for _, one in pairs])
    return without_empty(bright, variance == 0), without_empty(variance, variance == 0)


def _blocks(window: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean of each block, and the variance of its noise."""
    rough = sliding_window_view(window, (3, 3)).reshape(-1, window.shape[1] - 2, 9) @ (
        _LAPLACIAN.ravel()
    )
    height, width = (size // BLOCK for size in rough.shape)
    spans = slice(height * BLOCK), slice(width * BLOCK)
    shape = height, BLOCK, width, BLOCK
    means = window[1:-1, 1:-1][spans].reshape(shape).mean(axis=(1, 3))
    squares = (rough[spans] ** 2).reshape(shape).mean(axis=(1, 3))
    return means.ravel(), squares.ravel()
