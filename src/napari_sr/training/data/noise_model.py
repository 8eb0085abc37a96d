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

from napari_sr.engine.image.conversion import is_number
from napari_sr.engine.image.noise_floor import floors_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_sr.engine.image.plane_values import ValueRange

LEAST = 0.05
"""Smallest variance in the dark, as a share of the mean variance: every camera has read noise."""
NEGLIGIBLE = 1e-6
"""Smaller growths of the variance, as a share of the mean variance, are rounding errors."""
LEAST_SIDE = 32
"""Smallest side, in pixels, of an image whose noise can be estimated."""


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

    `engine.image.noise_floor.floors_of` estimates the variance of groups of similar brightness. Its
    mean is that of the image; its growth is the slope of a line through the groups.

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
    floors = floors_of([np.asarray(image, np.float64)])
    mean_variance, offset = float(floors.variance.mean()), float(floors.bright[0])
    slope = floors.slope
    if slope * float(np.ptp(floors.bright)) < NEGLIGIBLE * mean_variance:
        slope = 0.0
    dark = mean_variance + slope * (offset - float(floors.bright.mean()))
    read = math.sqrt(max(dark, LEAST * mean_variance))
    return NoiseModel(slope, offset, read / slope if slope else read)
