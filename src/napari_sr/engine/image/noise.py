"""Estimate noise from an image alone: its level, and whether it grows with the signal.

Symbols: H x W pixels of a window, N parts, G groups of similar brightness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.noise_floor import floors_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_sr.engine.image.noise_floor import NoiseFloors

LEAST = 0.05
"""Smallest variance in dark places, as a share of the mean variance; it is due to read noise."""
GROWS = 1.5
"""Noise counts as growing with the signal from this ratio of the variances in the brightest and the
darkest group on."""
RISES, FEWEST = 0.8, 3
"""Least rank correlation of variance and brightness, and least number of groups, for noise that
grows."""


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

    The level is the root of the mean variance over all brightnesses, each estimated from the
    smoothest blocks (`noise_floor.floors_of`). Texture that covers the whole image is taken for
    noise as far as it has the finest frequencies. Noise that a blur of more than about 0.5 pixels
    has smoothed is underestimated, unless enough blocks without detail show it.

    Parameters
    ----------
    windows : sequence of (H, W)
        Parts of the image, without NaN, at least 14 pixels along each side.
    used : float
        The range of values that the image uses.
    """
    floors = floors_of(windows)
    sigma = float(np.sqrt(floors.variance.mean()))
    gain = floors.slope if _rises(floors) else 0.0
    share = sigma / used if used > 0 else 0.0
    return Noise(sigma, share, gain > 0, gain, float(floors.bright.mean()))


def without_empty(parts: NDArray[np.float64], empty: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the parts of an image that are not empty, or all parts if all are empty.

    Empty areas around tilted or stitched images have a constant value without noise, so they would
    falsify the estimate.
    """
    return parts if empty.all() else parts[~empty]


def _rises(floors: NoiseFloors) -> bool:
    """Return whether noise is stronger in bright groups than in dark ones."""
    variance = floors.variance
    if len(variance) < FEWEST or variance[-1] < GROWS * max(variance[0], 1e-30):
        return False
    ranks = np.argsort(np.argsort(variance))
    return bool(np.corrcoef(ranks, np.arange(len(ranks)))[0, 1] > RISES)
