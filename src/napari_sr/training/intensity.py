"""Make a network keep the intensities of the images that it learnt from.

A network that learns from noise pulls results towards the mean: bright areas become too dark, and
dark ones too bright, by 1 % in heavy noise. A straight line through the mean values of blocks
corrects both in part.

Symbols: B blocks, C channels, H x W pixels.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from napari_sr.training.data.from_source import FromSource
from napari_sr.training.data.pairs import Pairs
from napari_sr.training.data.training_data import degradation_of
from napari_sr.training.upscaled import upscaled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_sr.graph.network import Network
    from napari_sr.training.config import Config
    from napari_sr.training.data.pictures import Picture

MOST_PIXELS = 1 << 20
"""Largest number of pixels from which the mean is computed."""
SIDE = 512
"""Largest side of a part that is upscaled at once, in pixels."""
BLOCK = 16
"""Side in pixels of the blocks whose means are compared: there, little noise is left."""
LARGEST = 0.2
"""Largest change of the contrast; a network that would need more has not learnt yet."""
SHARE = 0.5
"""Share of the missing contrast that is restored. Networks weaken the noise of blocks, too, which
makes the slope too large: in sparse spots on black, all of it made bright blocks 1.5 % too bright
instead of 3.3 % too dark; half of it is within 1 % there, and in heavy noise."""
PROBE = 0.1
"""Change of the bias that shows whether it shifts results uniformly."""
TOLERANCE = 1e-3
"""Largest standard deviation of a uniform change, relative to the change or to `PROBE`."""


@torch.no_grad()
def keep_intensity(network: Network, pictures: Sequence[Picture], config: Config) -> bool:
    """Scale and shift the results of a network, so that areas keep the intensity of the pictures.

    The total intensity becomes exactly that of the pictures. The last layer corrects both if it
    scales and shifts results uniformly; if it only shifts them, only the total is corrected.

    Parameters
    ----------
    network : Network
        In eval mode; the weights and the bias of its last layer are changed.
    pictures : sequence of Picture
        The noisy images.
    config : Config
        The recipe: how pictures are converted for the network.

    Returns
    -------
    bool
        Whether the network was changed.
    """
    sources = _sources(network, pictures, config)
    last = _last_layer(network)
    if last is None or not sources:
        return False
    before = [upscaled(network, source) for source in sources]
    targets = [source[: network.channels] for source in sources]
    kept = [one.clone() for one in last]
    last[1].add_(PROBE)
    change = upscaled(network, sources[0]) - before[0]
    last[1].copy_(kept[1])
    if not change.std(correction=0) <= TOLERANCE * PROBE or change.mean() == 0:
        return False
    for slope in (_slope(targets, before, network.scale), 1.0):
        shift = _mean(targets) - slope * _mean(before)
        if not math.isfinite(shift):
            return False
        last[0].copy_(kept[0] * slope)
        last[1].copy_(kept[1] * slope + shift * PROBE / change.mean())
        wrong = upscaled(network, sources[0]) - (slope * before[0] + shift)
        if wrong.abs().mean() <= TOLERANCE * max(abs(slope - 1), abs(shift), TOLERANCE):
            break
    return True


def _mean(images: Sequence[Tensor]) -> float:
    """Return the mean of the pixels of all images."""
    means = [float(image.double().mean()) for image in images]
    return float(np.average(means, weights=[image.shape[-2] * image.shape[-1] for image in images]))


def _slope(targets: Sequence[Tensor], results: Sequence[Tensor], scale: int) -> float:
    """Return the slope by which results are multiplied, from their block means and the targets'.

    As far as chance may explain its difference from 1, the difference is left out.
    """
    x = torch.cat([_blocks(result, BLOCK * scale) for result in results])
    y = torch.cat([_blocks(target, BLOCK) for target in targets])
    x, y = x - x.mean(), y - y.mean()
    spread = float(x.square().sum())
    if len(x) <= 2 or not spread > 0:
        return 1.0
    apart = float((x * (y - x)).sum()) / spread
    chance = float((y - x - apart * x).square().sum()) / (len(x) - 2) / spread
    if not 0 < abs(apart) <= LARGEST:
        return 1.0
    return 1 + SHARE * apart * max(0.0, 1 - chance / apart**2)


def _blocks(image: Tensor, side: int) -> Tensor:
    """Return the means of complete blocks of (C, H, W), as (B,)."""
    if min(image.shape[-2:]) < side:
        return image.new_empty(0, dtype=torch.float64)
    return functional.avg_pool2d(image.double(), side).flatten()


def _sources(network: Network, pictures: Sequence[Picture], config: Config) -> list[Tensor]:
    """Return the middles of pictures, (C, H, W), as the network gets them, with their noise."""
    degradation = degradation_of(config.data)
    pairs = Pairs(
        pictures,
        degradation,
        scale=1,
        channels=network.channels,
        full_range=config.data.grey,
    )
    found: list[Tensor] = []
    left = MOST_PIXELS
    for picture in pictures:
        source = pairs.coloured(picture.middle(SIDE, network.multiple))
        if network.takes_noise and isinstance(degradation, FromSource):
            noise = degradation.fitted(picture).noise
            level = noise.variance(source.mean()).sqrt()
            source = torch.cat((source, level.expand(1, *source.shape[1:])))
        found.append(source)
        left -= found[-1].shape[-2] * found[-1].shape[-1]
        if left <= 0:
            break
    return found


def _last_layer(network: Network) -> tuple[Tensor, Tensor] | None:
    """Return weights and bias of the last layer that has weights, or None if it has no bias."""
    named = [(name, one) for name, one in network.named_parameters() if one.ndim > 0]
    if len(named) < 2:
        return None
    (weights_name, weights), (bias_name, bias) = named[-2:]
    if bias_name.removesuffix("bias") + "weight" != weights_name:
        return None
    return weights, bias
