"""The spot that blurs a noisy source: computed, measured on a bead, or none.

Symbols: H x W pixels of a bead's image, S scale, R radius of the spot in HR pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.conversion import is_number

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

LEAST_SIDE = 5
"""Smallest side of a bead's image in pixels."""
LARGEST = 50.0
"""Largest sigma of a spot in pixels of the source."""
OF_AIRY = 0.21
"""Sigma of a Gaussian like the centre of an Airy pattern, as a share of wavelength / aperture."""
PIXEL_VARIANCE = 1 / 12
"""Variance of a square of one pixel: a pixel's width adds this to the variance of a spot."""


@dataclass(frozen=True)
class Spot:
    """The image of a point; without any number, there is no blur."""

    wavelength: float = 0.0
    """Wavelength of the emitted light in micrometres."""
    aperture: float = 0.0
    """The objective's numerical aperture."""
    pixel: float = 0.0
    """Side of a pixel of the source, in micrometres in the sample."""
    sigma: float = 0.0
    """Sigma of a Gaussian spot in pixels of the source, instead of the other three."""

    def __post_init__(self) -> None:
        """Check that a spot is given in one way, completely.

        Raises
        ------
        ValueError
            If a number is negative, numbers are missing or contradict each other, or the spot is
            larger than `LARGEST`.
        """
        optics = self.wavelength, self.aperture, self.pixel
        right = all(is_number(one, 0) for one in (*optics, self.sigma))
        complete = all(optics) or not any(optics)
        if not right or not complete or (any(optics) and self.sigma):
            raise ValueError(
                "a spot needs wavelength, aperture and pixel, or sigma alone, all above 0, got "
                f"wavelength {self.wavelength}, aperture {self.aperture}, pixel {self.pixel}, "
                f"sigma {self.sigma}"
            )

        if all(optics):
            sigma = OF_AIRY * self.wavelength / self.aperture / self.pixel
        else:
            sigma = self.sigma
        if sigma > LARGEST:
            raise ValueError(
                f"a spot may have a sigma of at most {LARGEST:g} px, got {self.words}, a sigma of "
                f"{sigma:.4g} px"
            )

    def kernel(self, scale: int) -> Tensor | None:
        """Return the light of each HR pixel around a point, (2 R + 1, 2 R + 1); None if no blur.

        The sum is 1, in float32.
        """
        return _kernel(self, scale)

    @property
    def words(self) -> str:
        """Description of the spot."""
        if self.aperture:
            nm = 1000 * self.wavelength
            return f"a spot of {nm:g} nm and NA {self.aperture:g} at {self.pixel:.4g} µm"
        return f"a spot of sigma {self.sigma:.2f} px" if self.sigma else "no spot"


@lru_cache(maxsize=16)
def _kernel(spot: Spot, scale: int) -> Tensor | None:
    # forms import this module, and must not import torch
    import torch

    from napari_sr.training.data.optics import GAUSSIAN_REACH, Optics

    if spot.aperture:
        return Optics(spot.wavelength, spot.aperture, spot.pixel).kernel(scale).float()
    if not spot.sigma:
        return None
    sigma = spot.sigma * scale
    reach = max(1, math.ceil(GAUSSIAN_REACH * sigma))
    place = torch.arange(-reach, reach + 1, dtype=torch.float64)
    line = torch.exp(-((place / sigma) ** 2) / 2)
    return (line[:, None] * line / line.sum() ** 2).float()


def of_bead(image: NDArray[Any]) -> Spot:
    """Return the Gaussian spot of a bead's image, by the second moments around its centre.

    The background, the median of the image's border, is subtracted; the blur by the camera's pixels
    is, too. The bead must be alone, and smaller than the spot: its own size is not subtracted.

    Parameters
    ----------
    image : (H, W)
        The bead near the middle, at the pixel size of the images to learn from.

    Raises
    ------
    ValueError
        If the image is too small, has values that are not finite, or has no bright spot.
    """
    pixels = np.asarray(image, np.float64)
    if pixels.ndim != 2 or min(pixels.shape) < LEAST_SIDE or not np.isfinite(pixels).all():
        raise ValueError(
            f"a bead needs a grey image of at least {LEAST_SIDE} x {LEAST_SIDE} finite values, "
            f"got shape {pixels.shape}"
        )
    border = np.concatenate((pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]))
    light = pixels - np.median(border)
    highest = float(light.max())
    # noise far from the bead would widen it
    light[light < max(0.1 * highest, 3 * float(border.std()))] = 0
    if highest <= 0 or not light.any():
        raise ValueError(
            "a bead must be brighter than the border of its image, got a largest value of "
            f"{pixels.max():g} and a border of {np.median(border):g}"
        )
    rows, columns = np.indices(light.shape)
    total = light.sum()
    spread = [
        (light * (place - (light * place).sum() / total) ** 2).sum() / total
        for place in (rows, columns)
    ]
    # without what is lower than 0.1 of its height, a Gaussian keeps this share of its variance
    kept = 1 - 0.1 * math.log(10) / 0.9
    return Spot(sigma=math.sqrt(max(float(np.mean(spread)) / kept - PIXEL_VARIANCE, 1e-4)))
