"""Charbonnier: L1, smoothed near a difference of 0.

Charbonnier et al., "Two deterministic half-quadratic regularization algorithms for computed
imaging", ICIP 1994. Used in LapSRN: Lai et al., CVPR 2017, https://arxiv.org/abs/1704.03915.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.training.losses._loss import Loss, compared

if TYPE_CHECKING:
    from torch import Tensor


class Charbonnier(Loss):
    """mean sqrt((result - truth)^2 + epsilon^2).

    Parameters
    ----------
    epsilon : float
        The difference below which the loss is smoothed: 1e-3 in LapSRN's paper, for images in 0..1.
    """

    def __init__(self, *, epsilon: float = 1e-3) -> None:
        super().__init__()
        if not epsilon > 0:
            raise ValueError(f"Charbonnier needs an epsilon above 0, got {epsilon}")
        self.epsilon = epsilon

    def forward(self, result: Tensor, truth: Tensor) -> Tensor:
        """Compare two images (N, C, H, W); return a scalar."""
        result, truth = compared(result, truth)
        return ((result - truth).square() + self.epsilon**2).sqrt().mean()


LOSS = Charbonnier
