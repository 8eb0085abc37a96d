"""An exposure: what a camera with pixels S times as large records, with noise of known level.

The truth is what the same microscope shows in pixels S times smaller, without noise. So a network
learns to remove noise and to enlarge, but not to undo the blur of the optics. It gets the level of
the noise with each image (`Network.takes_noise`).

Foi et al., "Practical Poissonian-Gaussian Noise Modeling and Fitting for Single-Image Raw-Data",
IEEE Transactions on Image Processing 17(10), 2008, https://doi.org/10.1109/TIP.2008.2001399:

    image = Poisson(photons * light) / photons + Normal(0, read noise)

Symbols: C channels, H x W pixels of the LR image, S scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from napari_sr.layers.resize import SHRINKING, imresize
from napari_sr.training.data.degradation import Degradation, Range, check_range, draw
from napari_sr.training.data.microscope import blurred
from napari_sr.training.data.optics import Optics

if TYPE_CHECKING:
    from typing import Self

    import numpy as np

ERROR = 0.1
"""Standard deviation of the logarithm of the told level over the true one: estimates err."""
LEAST_TOLD = (3e-4, 6e-3)
"""Range of the lowest level that a network is told, drawn for each crop: in images without noise,
estimates find the finest detail instead."""
DARKEST = 1e-3
"""Smallest mean of a picture, so that an empty one has no infinite photon noise."""


@dataclass(frozen=True)
class Exposure(Degradation):
    """Blurs some of the truths by optics, dims them, shrinks them, and adds noise."""

    needs_mean: ClassVar[bool] = True
    level: Range = (0.003, 0.2)
    """Standard deviation of the noise over the whole image, where the light of white is 1; values
    are drawn log-uniformly."""
    photons: Range = (1e-3, 1.0)
    """Share of the variance that is photon noise, which grows with the light. The rest is equal in
    all pixels."""
    without: float = 0.25
    """Share of the crops without noise."""
    light: Range = (0.2, 1.0)
    """Factor of the truth and of the noise, for images that use a part of the range; drawn
    log-uniformly."""
    interpolated: float = 0.25
    """Share of the crops that are shrunk by bicubic interpolation; the others are binned."""
    optics: Optics = field(default_factory=Optics)
    """Optics that blur the truth."""
    sharp: float = 0.5
    """Share of the crops whose truth is not blurred, because the picture is blurred already."""
    told: float | None = None
    """Level that the network is told, set by `drawn`; None for the true one."""
    mean: float = 0.5
    """Mean of the whole picture, set by `of_image`: photon noise has its `level` at this light."""

    def __post_init__(self) -> None:
        """Check that the values are possible.

        Raises
        ------
        ValueError
            If a value is out of bounds; the message names it.
        """
        for name in ("level", "photons", "light"):
            check_range(name, getattr(self, name))
        most = max(self.photons) if isinstance(self.photons, tuple) else self.photons
        if most > 1:
            raise ValueError(f"photons must be a share of at most 1, got {self.photons}")
        for name in ("without", "interpolated", "sharp"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be from 0 to 1, got {getattr(self, name)}")

    def margin(self, scale: int) -> int:
        """Return the width of the margin that a crop depends on, in LR pixels."""
        reach = 0 if self.sharp == 1 else -(-self.optics.reach(scale) // scale)
        return max(reach, SHRINKING)

    def drawn(self, random: np.random.Generator) -> Self:
        """Return an exposure with a value drawn from every range, and every share 0 or 1."""
        light = draw(self.light, random, ratio=True)
        level = draw(self.level, random, ratio=True) * light
        without, interpolated, sharp = (
            float(random.random() < share)
            for share in (self.without, self.interpolated, self.sharp)
        )
        level = 1e-9 if without else level
        floor = draw(LEAST_TOLD, random, ratio=True) * light
        return replace(
            self,
            level=level,
            photons=draw(self.photons, random),
            without=without,
            light=light,
            interpolated=interpolated,
            sharp=sharp,
            optics=self.optics.drawn(random),
            told=max(level * math.exp(random.normal(0, ERROR)), floor),
        )

    def of_image(self, mean: float) -> Self:
        """Return this exposure for a picture with this mean, where white is 1."""
        return replace(self, mean=max(mean, DARKEST))

    def seen(self, hr: Tensor, scale: int) -> Tensor:
        """Return the truth of (C, S * H, S * W): blurred by the optics, and dimmed."""
        if not self.sharp:
            hr = blurred(hr, self.optics.kernel(scale))
        return hr * _one(self.light)

    def shrink(self, hr: Tensor, scale: int, steps: int | None) -> Tensor:
        """Shrink (C, S * H, S * W) to (C, H, W), as `Degradation.shrink` says; never rounded."""
        del steps
        if self.interpolated:
            return imresize(hr[None], 1 / scale)[0]
        return functional.avg_pool2d(hr, scale)

    def noise_at(self, mean: float) -> float:
        """Return the level of the noise that the network is told, where white is 1."""
        del mean
        return _one(self.level) if self.told is None else self.told

    def disturb(self, lr: Tensor, random: np.random.Generator) -> Tensor:
        """Add noise to (C, H, W); its level is that of the whole image, not of the crop."""
        if self.without:
            return lr
        variance, share = _one(self.level) ** 2, _one(self.photons)
        light = lr.double().clamp_min(0).numpy()
        photons = self.mean * _one(self.light) / (share * variance)
        noisy = random.poisson(light * photons) / photons
        noisy = noisy + random.normal(0, math.sqrt((1 - share) * variance), light.shape)
        return torch.from_numpy(noisy).to(lr.dtype)


def _one(value: Range) -> float:
    """Return a value, or the middle of a range."""
    return sum(value) / 2 if isinstance(value, tuple) else value


DEGRADATION = Exposure
