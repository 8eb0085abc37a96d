"""Correct the squared error of an upscaled image for the noise of its noisy truth.

Two things falsify the squared error against a noisy truth. The truth's noise adds its variance. And
if the image that was upscaled is the shrunk truth, it has part of the same noise: a network that
keeps noise then agrees with the truth better than it should. Half of the latter difference is the
covariance of result and noise. It is measured: similar noise is added to the truth, and its shrunk
part to the image; the covariance of the added noise and the change of the result is that of the
truth's own noise.

    true error = measured error + 2 * covariance - variance of the noise

Efron, "The Estimation of Prediction Error: Covariance Penalties and Cross-Validation", Journal of
the American Statistical Association 99, 2004, https://doi.org/10.1198/016214504000000692.

The noise is estimated, and may be wrong by tens of percent. So whether a model is the best counts
only if it is the best for `VARIANCES` times the estimated variance. `noisy_truth.py` checks the
correction on images with a known truth.

Symbols: H x W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from real_images import binned
from scipy.ndimage import gaussian_filter

from napari_sr.engine.image.noise import noise_of
from napari_sr.engine.image.sample import sample_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

VARIANCES = 0.5, 1.0, 1.5
"""Multiples of the estimated variance for which the best model must be the same."""
LEAST = 0.02
"""Smallest squared error that is believed, as a share of the measured one."""
SMOOTH = 2.0
"""Standard deviation in pixels of the blur that gives the brightness, with which noise grows."""


@dataclass(frozen=True)
class Added:
    """Noise like that of a truth, and its part in the image that is upscaled."""

    truth: NDArray[np.float64]
    """(2 H, 2 W)."""
    small: NDArray[np.float64]
    """(H, W)."""

    @property
    def variance(self) -> float:
        """Variance of the truth's noise, in squared pixel values."""
        return float((self.truth**2).mean())

    def covariance(
        self, upscale: Callable[[NDArray[Any]], NDArray[np.float64]], small: NDArray[Any],
        inside: tuple[slice, slice],
    ) -> float:  # fmt: skip
        """Return the covariance of the truth's noise and the result, in squared pixel values."""
        if not self.small.any():
            return 0.0
        more, less = (upscale((small + sign * self.small).astype(small.dtype)) for sign in (1, -1))
        return float(((more - less)[inside] * self.truth[inside]).mean()) / 2


def added_noise(small: NDArray[Any], truth: NDArray[np.float64], *, apart: bool) -> Added:
    """Draw noise like that of a truth.

    Parameters
    ----------
    small : (H, W)
        The image that is upscaled: the means of 2 x 2 pixels of the truth, at any contrast, with or
        without more noise.
    truth : (2 H, 2 W)
        The truth.
    apart : bool
        Whether the image's noise is independent of the truth's.
    """
    noise = noise_of(sample_of(truth, "YX").windows, 1.0)
    found = np.random.default_rng(0).normal(size=truth.shape)
    found *= noise.at(gaussian_filter(truth, SMOOTH)) if noise.sigma else 0.0
    contrast = 0.0 if apart else np.polyfit(binned(truth).ravel(), small.ravel(), 1)[0]
    return Added(found, contrast * binned(found))


def corrected(error: float, covariance: float, variance: float) -> float:
    """Return the squared error against the truth without its noise."""
    return max(error + 2 * covariance - variance, LEAST * error)
