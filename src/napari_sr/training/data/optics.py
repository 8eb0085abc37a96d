"""A microscope's spot: the image of a point, computed from wavelength, aperture and pixel size.

Born and Wolf, "Principles of Optics", section 8.5.2: a lens without aberrations images a point in
focus as the Airy pattern, (2 J1(v) / v)^2 with v = 2 pi NA r / wavelength. Here r is the distance
from the point in the plane of the sample, and J1 is the Bessel function of the first kind, order 1.
Zhang, Zerubia and Olivo-Marin, "Gaussian approximations of fluorescence microscope point-spread
function models", Applied Optics 46(10), 2007, https://doi.org/10.1364/AO.46.001819: the best
Gaussian fit in the plane, by least squares, has sigma = 0.21 wavelength / NA.

Both are valid for fluorescence in focus, and for an NA well below the refractive index. Lengths are
in micrometres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor
from torch.nn import functional

from napari_sr.training.data.degradation import Range, check_range, draw

if TYPE_CHECKING:
    import numpy as np

THIRD_DARK_RING = 10.1735
"""Third zero of J1, where the Airy pattern is cut off; 93.8 % of the light is inside."""
NEAREST = 0.21
"""Sigma of the best Gaussian fit, for wavelength / NA = 1."""
GAUSSIAN_REACH = 3
"""Radius in sigmas where a Gaussian spot is cut off; 98.9 % of the light is inside."""
SAMPLES = 5
"""Samples along each side of a pixel; their mean is the pixel's light."""


@dataclass(frozen=True)
class Optics:
    """The parameters of the spot."""

    wavelength: Range = 0.52
    """Wavelength of the emitted light in micrometres; 0.52 for green fluorescent protein."""
    aperture: Range = 0.8
    """The objective's numerical aperture NA."""
    pixel: Range = 0.2
    """Side of an LR pixel in the plane of the sample, in micrometres."""
    spot: Literal["airy", "gaussian"] = "airy"

    def __post_init__(self) -> None:
        """Check that the parameters are within bounds.

        Raises
        ------
        ValueError
            If a parameter is wrong; the message names its value.
        """
        for name in ("wavelength", "aperture", "pixel"):
            check_range(name, getattr(self, name))
        if self.spot not in ("airy", "gaussian"):
            raise ValueError(f"the spot must be 'airy' or 'gaussian', got {self.spot!r}")

    def drawn(self, random: np.random.Generator) -> Optics:
        """Return the optics with a value drawn from every range."""
        return replace(
            self,
            wavelength=draw(self.wavelength, random),
            aperture=draw(self.aperture, random),
            pixel=draw(self.pixel, random),
        )

    def reach(self, scale: int) -> int:
        """Return the largest radius of the spot, over all ranges, in HR pixels."""
        unit = _most(self.wavelength) / _least(self.aperture)
        radius = THIRD_DARK_RING / (2 * math.pi)
        if self.spot == "gaussian":
            radius = GAUSSIAN_REACH * sigma_of(1, 1)
        return math.ceil(radius * unit / (_least(self.pixel) / scale))

    def kernel(self, scale: int) -> Tensor:
        """Return the light of each HR pixel around a point, (2 R + 1, 2 R + 1) float64.

        R is the radius in HR pixels. The sum is 1. For a range, its middle is used.
        """
        wavelength, aperture = _middle(self.wavelength), _middle(self.aperture)
        side = _middle(self.pixel) / scale
        reach = self.reach(scale)
        # compute one quadrant, with the central pixel at its corner; mirror it to get the others
        count = (reach + 1) * SAMPLES
        place = (torch.arange(count, dtype=torch.float64) - SAMPLES // 2) * side / SAMPLES
        distance = torch.hypot(place[:, None], place[None, :])
        if self.spot == "airy":
            light = airy(2 * math.pi * aperture / wavelength * distance)
        else:
            light = torch.exp(-((distance / sigma_of(wavelength, aperture)) ** 2) / 2)
        quarter = functional.avg_pool2d(light[None], SAMPLES)[0]
        half = torch.cat((quarter[1:].flip(0), quarter))
        pixels = torch.cat((half[:, 1:].flip(1), half), dim=1)
        return pixels / pixels.sum()


def sigma_of(wavelength: float, aperture: float) -> float:
    """Return the sigma of the best Gaussian fit, in the wavelength's unit."""
    return NEAREST * wavelength / aperture


def airy(v: Tensor) -> Tensor:
    """Evaluate the Airy pattern at any v: 1 at v = 0, and 0 beyond the third dark ring."""
    ratio = 2 * torch.special.bessel_j1(v) / v.clamp_min(1e-12)
    pattern = torch.where(v == 0, torch.ones_like(v), ratio**2)
    return torch.where(v <= THIRD_DARK_RING, pattern, torch.zeros_like(v))


def _most(value: Range) -> float:
    return max(value) if isinstance(value, tuple) else value


def _least(value: Range) -> float:
    return min(value) if isinstance(value, tuple) else value


def _middle(value: Range) -> float:
    return sum(value) / 2 if isinstance(value, tuple) else value
