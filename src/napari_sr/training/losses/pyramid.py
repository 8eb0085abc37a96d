"""LapSRN's loss: compares the image of each level with the truth, downscaled to the same size.

Lai et al., "Deep Laplacian Pyramid Networks for Fast and Accurate Super-Resolution", CVPR 2017,
https://arxiv.org/abs/1704.03915, equation (2): Charbonnier of all levels, summed. The truth of a
level is the image downscaled bicubically. The authors' code (phoenix104104/LapSRN,
vllab_nn_L1_loss.m) uses an epsilon of 1e-3, and sums over the pixels of each level; so a level with
half the height and width has a quarter of the weight.

Symbols: N crops, C channels, H x W pixels of the truth.
Beyond the paper: a level larger than the truth, as in MS-LapSRN for scale 3, is downscaled to the
truth's size.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from napari_sr.layers.resize import imresize
from napari_sr.training.losses._loss import Loss, precise
from napari_sr.training.losses.charbonnier import Charbonnier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class Pyramid(Loss):
    """The sum of the Charbonnier losses of all levels.

    Parameters
    ----------
    epsilon : float
        As for `Charbonnier`.
    by_pixels : bool
        Whether the weight of a level is proportional to its number of pixels, as in the authors'
        code; otherwise, all levels have equal weights.
    """

    reads = "levels"

    def __init__(self, *, epsilon: float = 1e-3, by_pixels: bool = False) -> None:
        super().__init__()
        self.compare = Charbonnier(epsilon=epsilon)
        self.by_pixels = by_pixels

    def forward(self, levels: Sequence[Tensor], truth: Tensor) -> Tensor:
        """Compare the images of all levels with the truth.

        Parameters
        ----------
        levels : sequence of Tensor, (N, C, h, w)
            Images from small to large; N and C are those of the truth.
        truth : Tensor, (N, C, H, W)

        Returns
        -------
        Tensor
            A scalar.

        Raises
        ------
        ValueError
            If there are no levels, or a level has another N, C or ratio of height to width.
        """
        if not levels:
            raise ValueError("the pyramid loss needs the images of all levels, got none")
        losses = [self._of_level(*_of_one_size(level, truth), truth) for level in levels]
        total: Tensor = sum(losses[1:], start=losses[0])
        return total

    def _of_level(self, level: Tensor, shrunk: Tensor, truth: Tensor) -> Tensor:
        """Compare a level with the truth at its size; return a scalar."""
        loss: Tensor = self.compare(level, shrunk)
        return loss * (shrunk.numel() / truth.numel()) if self.by_pixels else loss


def _of_one_size(level: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    ratio = Fraction(level.shape[-2], truth.shape[-2])
    if ratio <= 1:
        return level, truth if ratio == 1 else imresize(precise(truth), ratio)
    return imresize(precise(level), 1 / ratio), truth


LOSS = Pyramid
