"""The mean squared difference; PSNR is its logarithm.

Dong et al., "Learning a Deep Convolutional Network for Image Super-Resolution", ECCV 2014,
https://arxiv.org/abs/1501.00092, equation (4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.training.losses._loss import Loss, compared

if TYPE_CHECKING:
    from torch import Tensor


class MSE(Loss):
    """mean (result - truth)^2."""

    def forward(self, result: Tensor, truth: Tensor) -> Tensor:
        """Compare two images (N, C, H, W); return a scalar."""
        result, truth = compared(result, truth)
        return (result - truth).square().mean()


LOSS = MSE
