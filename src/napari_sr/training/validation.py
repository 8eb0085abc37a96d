"""PSNR of a network on held-out pairs.

Symbols: C channels, H x W pixels, S scale.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch

from napari_sr.evaluation._images import is_flat, judged_part
from napari_sr.evaluation._psnr import decibels
from napari_sr.training.noisy_pairs import NoisyPair
from napari_sr.training.noisy_validation import LEAST_GAIN, estimate_of
from napari_sr.training.upscaled import upscaled

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_sr.graph.network import Network


class Judgement(NamedTuple):
    """The quality of a network."""

    psnr: float
    """In dB; see `judge`."""
    merit: float
    """What decides between networks: the PSNR, or `noisy_validation.Estimate.merit`."""

    def exceeds(self, least: Judgement) -> bool:
        """Return whether both figures exceed those of another judgement."""
        return self.psnr > least.psnr and self.merit > least.merit

    @property
    def least(self) -> Judgement:
        """What must be exceeded by a network that replaces this one and is judged by noise."""
        return Judgement(self.psnr + LEAST_GAIN, self.merit + 1)


WORST = Judgement(-math.inf, -math.inf)
"""The judgement of a network whose results are not finite."""


def judge(network: Network, pairs: Sequence[tuple[Tensor, Tensor]] | Sequence[NoisyPair]) -> float:
    """Return the mean PSNR in dB as papers report it: of luma, without a border of S pixels.

    Parameters
    ----------
    network : Network
        In training or evaluation mode, which is restored afterwards.
    pairs : sequence of (C, H, W) and (C, S * H, S * W), or of NoisyPair
        At least one pair, with black at 0 and white at 1; values may exceed this range.

    Returns
    -------
    float
        PSNR for a peak of 1; minus infinity if a result is not finite. Of noisy pairs, as
        `noisy_validation.psnr_of` estimates it.
    """
    return judgement(network, pairs).psnr


@torch.no_grad()
def judgement(
    network: Network, pairs: Sequence[tuple[Tensor, Tensor]] | Sequence[NoisyPair]
) -> Judgement:
    """Return the mean PSNR, and what decides between networks; parameters as for `judge`."""
    trains, device = network.training, next(network.parameters()).device
    network.eval()
    try:
        if isinstance(pairs[0], NoisyPair):
            noisy = [pair for pair in pairs if isinstance(pair, NoisyPair)]
            estimate = estimate_of(lambda lr: upscaled(network, lr), noisy)
            return Judgement(estimate.psnr, estimate.merit)
        found = [
            pair_psnr(network(lr[None].to(device))[0].float(), hr, network.scale)
            for lr, hr, *_ in pairs
        ]
    finally:
        network.train(trains)
    mean = sum(found) / len(found)
    return Judgement(mean, mean)


def pair_psnr(result: Tensor, truth: Tensor, border: int) -> float:
    """Return the PSNR in dB between two images, (C, H, W); if C is 3, of their luma.

    The result is clipped to 0..1, as papers do, or to the truth's range if that is wider.
    """
    low, high = min(0.0, float(truth.min())), max(1.0, float(truth.max()))
    found = decibels(_judged(result.clamp(low, high), border), _judged(truth, border))
    return -math.inf if math.isnan(found) else found


def flat(truth: Tensor, border: int) -> bool:
    """Return whether an image, (C, H, W), is flat, so that PSNR is meaningless."""
    return is_flat(_pixels(truth), border, luma=True)


def _judged(image: Tensor, border: int) -> NDArray[np.float64]:
    return judged_part(_pixels(image), border, luma=True)


def _pixels(image: Tensor) -> NDArray[np.float64]:
    """Return (C, H, W) as an array (H, W) or (H, W, 3)."""
    pixels = image.permute(1, 2, 0) if image.shape[0] == 3 else image[0]
    array: NDArray[np.float64] = pixels.cpu().double().numpy()
    return array
