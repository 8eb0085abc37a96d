"""Make a network keep the total intensity of the images that it learnt from.

Symbols: C channels, H x W pixels.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

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
PROBE = 0.1
"""Change of the bias that shows whether it shifts results uniformly."""
TOLERANCE = 1e-3
"""Largest standard deviation of a uniform shift, relative to `PROBE`."""


@torch.no_grad()
def keep_total_intensity(network: Network, pictures: Sequence[Picture], config: Config) -> bool:
    """Shift the results of a network, so that their mean is that of the pictures.

    In training, the network sees more noise than in use, which changes the mean a little. The bias
    of its last layer corrects this, if it shifts results uniformly.

    Parameters
    ----------
    network : Network
        In eval mode; the bias of its last layer is changed.
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
    bias = _last_bias(network)
    if bias is None or not sources:
        return False
    before = [upscaled(network, source) for source in sources]
    weights = [float(source.shape[-2] * source.shape[-1]) for source in sources]
    means = [float(source[: network.channels].mean() - result.mean())
             for source, result in zip(sources, before, strict=True)]  # fmt: skip
    shift = float(np.average(means, weights=weights))
    if not math.isfinite(shift):
        return False
    kept = bias.clone()
    bias += PROBE
    change = upscaled(network, sources[0]) - before[0]
    uniform = change.std(correction=0) <= TOLERANCE * PROBE and change.mean() != 0
    bias.copy_(kept + PROBE * shift / change.mean() if uniform else kept)
    return bool(uniform)


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


def _last_bias(network: Network) -> Tensor | None:
    """Return the bias of the last layer that has weights, or None if it has none."""
    named = [(name, one) for name, one in network.named_parameters() if one.ndim > 0]
    if not named or not named[-1][0].endswith("bias"):
        return None
    return named[-1][1]
