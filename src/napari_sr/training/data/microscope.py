"""A microscope's degradation: its optics blur, its camera bins and adds noise.

What a fluorescence microscope of `Optics` and `Camera` would have recorded of the large image:
the spot of each point spreads over the large pixels (`optics`), S x S of which are one pixel of
the camera (binning), where light becomes numbers (`camera`).

Letters: C channels, H x W pixels of the small image, S scale, R radius of the spot.
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


@dataclass(frozen=True)
class Microscope(Degradation):
    """Blur by the optics' spot, bin S x S, and record with the camera."""

    optics: Optics = field(default_factory=Optics)
    camera: Camera = field(default_factory=Camera)

    def margin(self, scale: int) -> int:
        """Return how many small pixels around a crop its pixels depend on."""
        return -(-self.optics.reach(scale) // scale)

    def drawn(self, random: np.random.Generator) -> Self:
        """Return a microscope with a value drawn from every range."""
        return replace(self, optics=self.optics.drawn(random), camera=self.camera.drawn(random))

    def shrink(self, large: Tensor, scale: int, steps: int | None) -> Tensor:
        """Blur and bin (C, S * H, S * W) to (C, H, W), as `Degradation.shrink` says.

        Beyond its edge the image goes on as it ends; the camera decides what is rounded.
        """
        del steps
        kernel = _kernel(self.optics, scale).to(large.dtype)
        reach = (kernel.shape[-1] - scale) // 2
        around = functional.pad(large[:, None], (reach,) * 4, mode="replicate")
        return functional.conv2d(around, kernel, stride=scale)[:, 0]

    def disturb(self, small: Tensor, random: np.random.Generator) -> Tensor:
        """Record (C, H, W) with the camera."""
        return self.camera.record(small, random)


@lru_cache(maxsize=8)
def _kernel(optics: Optics, scale: int) -> Tensor:
    """Return the mean of S x S pixels, each of them blurred, as one kernel of 2 R + S."""
    window = torch.full((1, 1, scale, scale), scale**-2, dtype=torch.float64)
    return functional.conv2d(optics.kernel(scale)[None, None], window, padding=scale - 1)


DEGRADATION = Microscope
