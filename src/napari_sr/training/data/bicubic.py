"""Bicubic downscaling as in MATLAB, the usual degradation in the literature.

Symbols: C channels, H x W pixels of the LR image, S scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from napari_sr.layers.resize import METHODS, imresize
from napari_sr.training.data.degradation import Degradation

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Bicubic(Degradation):
    """MATLAB's `imresize`, which rounds integers after each of its two passes."""

    @property
    def repeatable(self) -> bool:
        """Whether a crop equals, bit for bit, the same part of the degraded image: always True."""
        return True

    def margin(self, scale: int) -> int:
        """Return the width of the margin that a crop depends on, in LR pixels."""
        return 0 if scale == 1 else METHODS["bicubic"].reach

    def shrink(self, hr: Tensor, scale: int, steps: int | None) -> Tensor:
        """Shrink (C, S * H, S * W) to (C, H, W), as `Degradation.shrink` says."""
        if scale == 1:
            return hr
        if steps is None:
            return imresize(hr, Fraction(1, scale))
        # `imresize` rounds integers, so convert back from 0..1
        whole = (hr * steps).round()
        return imresize(whole, Fraction(1, scale), largest=steps) / steps


DEGRADATION = Bicubic
