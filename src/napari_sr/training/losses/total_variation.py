"""Total variation: the mean difference of neighbouring pixels, independent of the truth.

Rudin, Osher and Fatemi, "Nonlinear total variation based noise removal algorithms", Physica D 60,
1992. Here x and y are separate terms. Johnson et al., ECCV 2016, https://arxiv.org/abs/1603.08155,
use total variation to suppress checkerboard patterns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from napari_sr.training.losses._loss import Loss, compared

if TYPE_CHECKING:
    from torch import Tensor


class TotalVariation(Loss):
    """mean |difference to the pixel above| + mean |difference to the pixel on the left|."""

    penalty: ClassVar[bool] = True

    def forward(self, result: Tensor, truth: Tensor) -> Tensor:
        """Return the loss of a result (N, C, H, W), a scalar; only the truth's shape is used."""
        result, _ = compared(result, truth)
        # a single row or column has no such neighbours, and the mean of no values would be NaN
        ways = [result.diff(dim=dim) for dim in (-2, -1) if result.shape[dim] > 1]
        means = [way.abs().mean() for way in ways]
        total: Tensor = sum(means, start=0 * result.sum())
        return total


LOSS = TotalVariation
