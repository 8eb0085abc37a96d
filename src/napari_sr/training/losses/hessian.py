"""Hessian penalty: the mean second difference of a result, independent of the truth.

Qiao et al., "Zero-shot learning enables instant denoising and super-resolution in optical
fluorescence microscopy" (ZS-DeconvNet), Nature Communications 15, 2024,
https://doi.org/10.1038/s41467-024-48575-9. It suppresses noise and keeps slopes, which total
variation turns into steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from napari_sr.training.losses._loss import Loss, compared

if TYPE_CHECKING:
    from torch import Tensor


class Hessian(Loss):
    """mean |xx| + mean |yy| + 2 mean |xy|, with second differences of neighbouring pixels."""

    penalty: ClassVar[bool] = True

    def forward(self, result: Tensor, truth: Tensor) -> Tensor:
        """Return the loss of a result (N, C, H, W), a scalar; only the truth's shape is used."""
        result, _ = compared(result, truth)
        ways = [
            (result.diff(n=2, dim=-2), 1.0),
            (result.diff(n=2, dim=-1), 1.0),
            (result.diff(dim=-2).diff(dim=-1), 2.0),
        ]
        # fewer than three rows have no second difference, and the mean of no values would be NaN
        means = [weight * way.abs().mean() for way, weight in ways if way.numel()]
        total: Tensor = sum(means, start=0 * result.sum())
        return total


LOSS = Hessian
