"""L1: the mean absolute difference.

Zhao et al., "Loss Functions for Image Restoration with Neural Networks", IEEE Transactions on
Computational Imaging 3(1), 2017, https://arxiv.org/abs/1511.08861; EDSR and its successors use it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.training.losses._loss import Loss, compared

if TYPE_CHECKING:
    from torch import Tensor


class L1(Loss):
    """mean |result - truth|."""

    def forward(self, result: Tensor, truth: Tensor) -> Tensor:
        """Compare two images (N, C, H, W); return a scalar."""
        result, truth = compared(result, truth)
        return (result - truth).abs().mean()


LOSS = L1
