"""Blind spots: hide some pixels from the network, and compare its result with them.

Krull et al., "Noise2Void - Learning Denoising from Single Noisy Images", CVPR 2019,
https://arxiv.org/abs/1811.10980. The noise need not be known, but must be independent from pixel to
pixel. A hidden pixel gets the value of a pixel nearby, never its own.

Symbols: C channels, H x W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch

from napari_sr.training.data.degradation import check_share
from napari_sr.training.data.from_source import FromSource

if TYPE_CHECKING:
    from typing import Self

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_sr.training.data.pictures import Picture

Index: TypeAlias = "NDArray[np.int64]"
NEARBY = 2
"""Largest distance, along an axis, of the pixel whose value a hidden pixel gets."""


@dataclass(frozen=True)
class BlindSpots(FromSource):
    """Blind spots; the target is NaN at pixels that the network sees."""

    share: float = 0.1
    """Share of pixels that are hidden, between 0 and 1."""

    def __post_init__(self) -> None:
        """Check the share, as `check_share` does."""
        check_share(self.share)

    def fitted(self, picture: Picture) -> Self:
        """Return this with the noise of a picture, if it is known; only some networks take it."""
        known = self.noise.given or picture.noise is not None
        return super().fitted(picture) if known else self

    def realisations(self, image: Tensor, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return input and target, (C, H, W), made from a noisy image."""
        height, width = image.shape[-2:]
        hidden = random.random((height, width)) < self.share
        rows, columns = np.nonzero(hidden)
        down, across = _steps(rows.size, random)
        near = _stepped(rows, down, height), _stepped(columns, across, width)
        source = image.clone()
        source[:, rows, columns] = image[:, near[0], near[1]]
        target = image.masked_fill(torch.from_numpy(~hidden), torch.nan)
        return source, target

    def target_variance(self, image: Tensor) -> Tensor:
        """Return 0: the noise is unknown, so that it counts as an error of the network."""
        return torch.zeros_like(image)


def _steps(count: int, random: np.random.Generator) -> tuple[Index, Index]:
    """Return `count` steps along both axes, of which none is (0, 0)."""
    side = 2 * NEARBY + 1
    drawn = random.integers(1, side**2, count)
    middle = side**2 // 2
    place = np.where(drawn == middle, 0, drawn)  # number 0 is a corner
    return place // side - NEARBY, place % side - NEARBY


def _stepped(place: Index, step: Index, size: int) -> Index:
    """Return places a step away, or a step back if that is outside; so never the same place."""
    there = place + step
    return np.where((there < 0) | (there >= size), place - step, there)


DEGRADATION = BlindSpots
