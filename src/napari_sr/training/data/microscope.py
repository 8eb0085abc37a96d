"""A microscope's degradation: optical blur, binning and camera noise.

It simulates a fluorescence microscope that records the HR image: `optics` blurs each point, S x S
HR pixels are averaged to one camera pixel (binning), and `camera` adds noise.

Symbols: C channels, H x W pixels of the LR image, S scale, R radius of the spot.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from napari_sr.training.data.camera import Camera
from napari_sr.training.data.degradation import Degradation
from napari_sr.training.data.optics import Optics

if TYPE_CHECKING:
    from typing import Self

    import numpy as np

SMOOTH = 32
"""Sizes are padded to a multiple of this, for which Fourier transforms are fast."""


@dataclass(frozen=True)
class Microscope(Degradation):
    """A microscope: the optics' spot blurs, S x S pixels are binned, and the camera adds noise."""

    optics: Optics = field(default_factory=Optics)
    camera: Camera = field(default_factory=Camera)

    def margin(self, scale: int) -> int:
        """Return the width of the margin that a crop depends on, in LR pixels."""
        return -(-self.optics.reach(scale) // scale)

    def drawn(self, random: np.random.Generator) -> Self:
        """Return a microscope with a value drawn from every range."""
        return replace(self, optics=self.optics.drawn(random), camera=self.camera.drawn(random))

    def shrink(self, hr: Tensor, scale: int, steps: int | None) -> Tensor:
        """Blur and bin (C, S * H, S * W) to (C, H, W), as `Degradation.shrink` says.

        The image is padded with its edge values. Values are not rounded here; the camera rounds
        them.
        """
        del steps
        return functional.avg_pool2d(blurred(hr, _spot(self.optics, scale)), scale)

    def noise_at(self, mean: float) -> float:
        """Return the standard deviation of the camera's noise at this light, where white is 1."""
        return self.camera.noise_at(mean)

    def disturb(self, lr: Tensor, random: np.random.Generator) -> Tensor:
        """Return (C, H, W) as the camera records it, with noise."""
        return self.camera.record(lr, random)


def blurred(image: Tensor, spot: Tensor) -> Tensor:
    """Blur an image, (C, H, W), by a spot, (2 R + 1, 2 R + 1); edges are padded with their values.

    The result has the size and the type of the image.
    """
    spot = spot.to(image.dtype)
    reach = spot.shape[0] // 2
    around = functional.pad(image, (reach,) * 4, mode="replicate")
    # Fourier transforms are fast for a spot of hundreds of pixels; their wrap-around affects only
    # the first 2 R rows and columns, which are cut off
    sizes = [-(-size // SMOOTH) * SMOOTH for size in around.shape[1:]]
    spectrum = torch.fft.rfft2(around, s=sizes) * torch.fft.rfft2(spot, s=sizes)
    found: Tensor = torch.fft.irfft2(spectrum, s=sizes)
    return found[:, 2 * reach : around.shape[1], 2 * reach : around.shape[2]]


@lru_cache(maxsize=8)
def _spot(optics: Optics, scale: int) -> Tensor:
    """Return the spot, (2 R + 1, 2 R + 1); cached for optics without ranges."""
    return optics.kernel(scale)


DEGRADATION = Microscope
