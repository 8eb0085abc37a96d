"""DRCN's recursive supervision: compares all predictions and their weighted sum with the truth.

Kim et al., "Deeply-Recursive Convolutional Network for Image Super-Resolution", CVPR 2016,
https://arxiv.org/abs/1511.04491, equations (7) to (9): alpha l1 + (1 - alpha) l2, where l1 is half
the mean squared error of the D predictions, and l2 is half the squared error of their weighted sum.
Alpha starts high, so that every recursion learns, and decreases. The third term, beta times the sum
of squared weights, is the optimiser's weight decay. Errors are means over pixels, as in public
ports (jiny2001/deeply-recursive-cnn-tf); the equations have sums.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.training.losses._loss import Loss
from napari_sr.training.losses.mse import MSE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class Recursive(Loss):
    """alpha / 2 * mean of the predictions' MSEs + (1 - alpha) / 2 * MSE of the result."""

    reads = "predictions"

    def __init__(self) -> None:
        super().__init__()
        self.compare = MSE()

    def forward(
        self, predictions: Sequence[Tensor], result: Tensor, truth: Tensor, alpha: float
    ) -> Tensor:
        """Compare all predictions and the result with the truth.

        Parameters
        ----------
        predictions : sequence of Tensor, D times (N, C, H, W)
        result, truth : Tensor, (N, C, H, W)
        alpha : float
            Weight of the predictions, in 0..1.

        Returns
        -------
        Tensor
            A scalar.

        Raises
        ------
        ValueError
            If there are no predictions, shapes differ or alpha is out of bounds.
        """
        if not predictions or not 0 <= alpha <= 1:
            raise ValueError(
                "recursive supervision needs predictions and an alpha in 0..1, got "
                f"{len(predictions)} predictions and alpha={alpha}"
            )
        each = [self.compare(prediction, truth) for prediction in predictions]
        all_of_them: Tensor = sum(each[1:], start=each[0]) / len(each)
        total: Tensor = alpha / 2 * all_of_them + (1 - alpha) / 2 * self.compare(result, truth)
        return total


LOSS = Recursive
