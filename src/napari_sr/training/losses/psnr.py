"""The logarithm of each crop's mean squared error, so that easy and hard crops count alike.

Chen et al., "HINet: Half Instance Normalization Network for Image Restoration", CVPR Workshops
2021, https://arxiv.org/abs/2105.06086, equation (3), there as minus PSNR.

Symbols: N crops, C channels, H x W pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.training.losses._loss import Loss, compared

if TYPE_CHECKING:
    from torch import Tensor

FLOOR = 1e-6
"""Added to each squared error, where white is 1: an error of 60 dB. Without it, a crop that is
almost perfect would count more than all others."""


class PSNR(Loss):
    """mean over crops of log(mean over pixels (result - truth)^2 + FLOOR).

    The squared error of crops with much noise is a thousand times that of crops without noise. In
    the plain `mse`, the latter would not count at all.
    """

    def forward(self, result: Tensor, truth: Tensor) -> Tensor:
        """Compare two images (N, C, H, W); return a scalar."""
        result, truth = compared(result, truth)
        return ((result - truth).square().mean(dim=(1, 2, 3)) + FLOOR).log().mean()


LOSS = PSNR
