"""LapSRN's loss: every level's image is compared with the truth at its size.

Lai et al., "Deep Laplacian Pyramid Networks for Fast and Accurate Super-Resolution", CVPR 2017,
https://arxiv.org/abs/1704.03915, equation (2): Charbonnier of all levels, summed. The truth of a
level is the image shrunk bicubically.

Letters: N crops, C channels, H x W pixels of the truth.
Beyond the paper: a level larger than the truth, as MS-LapSRN has it for scale 3, is shrunk to it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from napari_sr.models.resize import imresize
from napari_sr.training.losses._loss import Loss, precise
from napari_sr.training.losses.charbonnier import Charbonnier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class Pyramid(Loss):
    """Charbonnier of every level, summed.

    Parameters
    ----------
    epsilon : float
        As for `Charbonnier`.
    """

    reads = "levels"

    def __init__(self, *, epsilon: float = 1e-3) -> None:
        super().__init__()
        self.compare = Charbonnier(epsilon=epsilon)

    def forward(self, levels: Sequence[Tensor], truth: Tensor) -> Tensor:
        """Compare the images of all levels with the truth.

        Parameters
        ----------
        levels : sequence of Tensor, (N, C, h, w)
            From small to large, each of the truth's shape but for its size.
        truth : Tensor, (N, C, H, W)

        Returns
        -------
        Tensor
            A scalar.

        Raises
        ------
        ValueError
            If there are no levels, or one has other images, channels or proportions.
        """
        if not levels:
            raise ValueError("the pyramid loss needs the images of all levels, got none")
        losses = [self.compare(*_of_one_size(level, truth)) for level in levels]
        total: Tensor = sum(losses[1:], start=losses[0])
        return total


def _of_one_size(level: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    ratio = Fraction(level.shape[-2], truth.shape[-2])
    if ratio <= 1:
        return level, truth if ratio == 1 else imresize(precise(truth), ratio)
    return imresize(precise(level), 1 / ratio), truth


LOSS = Pyramid
