"""Neighbouring frames: in a time series, the next frame is the second noise realisation.

Lehtinen et al., "Noise2Noise", ICML 2018, https://arxiv.org/abs/1803.04189. Nothing may move
between two frames by more than a fraction of a pixel: what moves is blurred.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_sr.training.data.from_source import FromSource

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Neighbours(FromSource):
    """A frame is the target; its neighbour, recorded like it, is the input."""

    def target_variance(self, image: Tensor) -> Tensor:
        """Return the variance of noise in the target, a frame, (C, H, W)."""
        return self.variance(image)


DEGRADATION = Neighbours
