"""A Gaussian blur, then every S-th pixel: the field's "blur-down" degradation.

Zhang et al., "Residual Dense Network for Image Super-Resolution", CVPR 2018,
https://arxiv.org/abs/1802.08797, section 4.3: a kernel of 7 x 7 pixels, sigma 1.6, scale 3.

Symbols: C channels, H x W pixels of the LR image, S scale.
Unlike in the paper, the Gaussian is always centred on the LR pixel; for an even S, this centre is
between HR pixels. So the LR image is aligned with MATLAB's, not shifted by half an HR pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_sr.training.data.degradation import Degradation, Range, check_range, draw

if TYPE_CHECKING:
    from typing import Self

    import numpy as np

REACH = 3
"""Half-width of the Gaussian in sigmas; 0.3 % of its weight lies outside."""


@dataclass(frozen=True)
class Blur(Degradation):
    """A Gaussian blur and subsampling."""

    sigma: Range = 1.6
    """Sigma of the Gaussian, in HR pixels."""
    width: int = 0
    """Side of the kernel in HR pixels: 7 in the paper; 0 for three sigmas on each side."""

    def __post_init__(self) -> None:
        """Check that sigma is positive, and the width not negative.

        Raises
        ------
        ValueError
            If a value is wrong; the message names it.
        """
        check_range("sigma", self.sigma)
        if not isinstance(self.width, int) or self.width < 0:
            raise ValueError(f"width must be a whole number of at least 0, got {self.width}")

    @property
    def repeatable(self) -> bool:
        """Whether a crop equals the same part of the degraded image: not if sigma is a range."""
        return not isinstance(self.sigma, tuple)

    def margin(self, scale: int) -> int:
        """Return the width of the margin that a crop depends on, in LR pixels."""
        widest = max(self.sigma) if isinstance(self.sigma, tuple) else self.sigma
        return math.ceil(self._reach(widest) / scale)

    def drawn(self, random: np.random.Generator) -> Self:
        """Return the blur with a sigma drawn from the range."""
        return replace(self, sigma=draw(self.sigma, random))

    def shrink(self, hr: Tensor, scale: int, steps: int | None) -> Tensor:
        """Shrink (C, S * H, S * W) to (C, H, W), as `Degradation.shrink` says.

        The image is padded with its edge values. If sigma is a range, its middle is used.
        """
        sigma = sum(self.sigma) / 2 if isinstance(self.sigma, tuple) else self.sigma
        lr = hr
        for dim in (1, 2):
            lr = _blurred(lr, dim, scale, sigma, self._reach(sigma))
        return lr if steps is None else (lr * steps).round() / steps

    def _reach(self, sigma: float) -> float:
        return (self.width - 1) / 2 if self.width else REACH * sigma


def _blurred(image: Tensor, dim: int, scale: int, sigma: float, reach: float) -> Tensor:
    """Blur along one axis, and keep every S-th pixel.

    Sums have a fixed order, so that a crop equals the same part of the whole image bit for bit.
    """
    size = image.shape[dim]
    centre = (scale - 1) / 2
    taps = range(math.ceil(centre - reach), math.floor(centre + reach) + 1)
    weights = [math.exp(-(((tap - centre) / sigma) ** 2) / 2) for tap in taps]
    at = torch.arange(0, size, scale)
    result = torch.zeros_like(image.index_select(dim, at))
    for tap, weight in zip(taps, weights, strict=True):
        seen = image.index_select(dim, (at + tap).clamp(0, size - 1))
        result += seen * (weight / sum(weights))
    return result


DEGRADATION = Blur
