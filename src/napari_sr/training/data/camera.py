"""A camera's noise: photon noise, read noise and rounding.

Foi et al., "Practical Poissonian-Gaussian Noise Modeling and Fitting for Single-Image Raw-Data",
IEEE Transactions on Image Processing 17(10), 2008, https://doi.org/10.1109/TIP.2008.2001399.

    electrons = Poisson(photons * light + background) + Normal(0, read_noise)
    numbers = round(gain * electrons + offset), kept within 0 and 2^bits - 1
    image = (numbers - offset - gain * background) / (gain * photons)

So the expected value of the image is the light, except where pixels saturate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from napari_sr.training.data.degradation import Range, check_range, draw


@dataclass(frozen=True)
class Camera:
    """A camera's sensor, and the amount of light that reaches it."""

    photons: Range = (50.0, 2000.0)
    """Photons detected in a white LR pixel; values are drawn log-uniformly from a range."""
    background: float = 0.0
    """Photons detected in every pixel from background light."""
    read_noise: Range = 1.6
    """Standard deviation in electrons; 1.6 is typical of a scientific CMOS camera."""
    gain: float = 1.0
    """Grey levels per electron."""
    offset: float = 100.0
    """The grey value without light."""
    bits: int = 16
    """Bits of the grey values, which saturate at 2^bits - 1."""

    def __post_init__(self) -> None:
        """Check that the values are possible.

        Raises
        ------
        ValueError
            If a value is out of bounds; the message names it.
        """
        check_range("photons", self.photons)
        check_range("gain", self.gain)
        noise = self.read_noise if isinstance(self.read_noise, tuple) else (self.read_noise,) * 2
        if not (0 <= noise[0] <= noise[1] < math.inf):
            raise ValueError(f"read_noise must be at least 0, got {self.read_noise}")
        if not (0 <= self.background < math.inf and 0 <= self.offset < math.inf):
            raise ValueError(
                "background and offset must be at least 0, got "
                f"background={self.background}, offset={self.offset}"
            )
        if not (isinstance(self.bits, int) and 1 <= self.bits <= 32):
            raise ValueError(f"bits must be from 1 to 32, got bits={self.bits}")

    def drawn(self, random: np.random.Generator) -> Camera:
        """Return this camera with a value drawn from every range."""
        return replace(
            self,
            photons=draw(self.photons, random, ratio=True),
            read_noise=draw(self.read_noise, random),
        )

    def noise_at(self, light: float) -> float:
        """Return the standard deviation of the noise, where white is 1; without ranges only."""
        photons, read = float(self.photons), float(self.read_noise)  # type: ignore[arg-type]
        return math.sqrt(max(light, 0.0) * photons + self.background + read**2) / photons

    def record(self, light: Tensor, random: np.random.Generator) -> Tensor:
        """Return an image of light; both are float32 of any shape, with black at 0 and white at 1.

        Negative light counts as 0. A value is drawn from each setting that is a range.
        """
        camera = self.drawn(random)
        photons, noise = float(camera.photons), float(camera.read_noise)  # type: ignore[arg-type]
        expected = light.double().clamp_min(0).numpy() * photons + self.background
        electrons = random.poisson(expected) + random.normal(0, noise, expected.shape)
        numbers = np.rint(self.gain * electrons + self.offset).clip(0, 2**self.bits - 1)
        image = (numbers - self.offset - self.gain * self.background) / (self.gain * photons)
        return torch.from_numpy(image.astype(np.float32))
