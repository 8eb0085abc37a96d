"""PSNR of a network, estimated from held-out noisy images alone.

The network upscales one noise realisation; the result is compared with a second, independent one.
The squared error is the true one plus the variance of the target's noise, on average. So the known
variance is subtracted. The difference between two networks does not depend on it.

Symbols: C channels, H x W pixels of the source, S scale.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from napari_sr.training.data.from_source import FromSource
from napari_sr.training.data.pairs import Pairs
from napari_sr.training.data.pictures import middle
from napari_sr.training.data.training_data import degradation_of, pairs_of
from napari_sr.training.measurement import Measurement, inner

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_sr.training.config import Config
    from napari_sr.training.data.training_data import TrainingData

REALISATIONS = 4
"""Number of pairs of noise realisations of each held-out image."""
LEAST = 0.01
"""The true squared error is at least this share of the variance of noise: below it, the estimate is
only noise."""


class NoisyPair(NamedTuple):
    """Two noise realisations of a source."""

    source: Tensor
    """The network's input, (C, H, W), black at 0 and white at 1; if the network takes the level of
    the noise, with one plane more."""
    target: Tensor
    """The second realisation, (C, H, W); NaN at pixels that must not be compared."""
    noise: float
    """Mean variance of the target's noise; 0 if it is unknown."""
    measurement: Measurement


def held_out_pairs(
    training_data: TrainingData,
    config: Config,
    channels: int,
    multiple: int = 1,
    takes_noise: bool = False,
) -> list[tuple[Tensor, Tensor]] | list[NoisyPair]:
    """Return the validation pairs of a recipe; every call returns the same.

    Parameters
    ----------
    training_data, config, channels, multiple, takes_noise
        As for `pairs_of`.
    """
    degradation = degradation_of(config.data)
    if not isinstance(degradation, FromSource):
        return pairs_of(training_data, config, channels, multiple, takes_noise)
    if not training_data.held_out:
        return []
    recorded = training_data.recorded_of(training_data.held_out)
    pairs = Pairs(
        training_data.held_out,
        recorded or degradation,
        scale=1,
        channels=channels,
        full_range=config.data.grey,
        takes_noise=takes_noise,
    )
    measurement, most = Measurement(degradation.spot), config.data.validation_size // config.scale
    found: list[NoisyPair] = []
    for index, picture in enumerate(training_data.held_out):
        rows, columns = (middle(size, most, multiple) for size in pairs.size(index))
        variance = degradation.fitted(picture).target_variance(picture.crop(rows, columns))
        noise = float(inner(_coloured_variance(pairs, variance)).mean())
        for number in range(1 if recorded else REALISATIONS):
            random = np.random.default_rng((config.run.seed, index, number))
            source, target = pairs.window(index, rows, columns, random)
            found.append(NoisyPair(source, target, noise, measurement))
    return found


def _coloured_variance(pairs: Pairs, variance: Tensor) -> Tensor:
    """Return the variance of a picture's channels, (C, H, W), in the channels of the network."""
    count = variance.shape[0]
    # the conversion is affine: its weights are its values at unit images
    units = torch.eye(count)[:, :, None, None]
    weights = pairs.coloured(units) - pairs.coloured(torch.zeros_like(units))
    mixed = torch.einsum("ko,khw->ohw", weights[..., 0, 0].square().to(variance.dtype), variance)
    return mixed


def psnr_of(upscale: Callable[[Tensor], Tensor], pairs: Sequence[NoisyPair]) -> float:
    """Return the estimated PSNR of a method in dB, at the pixels of the source.

    Parameters
    ----------
    upscale : callable
        Takes (C, H, W), returns (C, S * H, S * W) on the CPU.
    pairs : sequence of NoisyPair
        At least one.

    Returns
    -------
    float
        PSNR for a peak of 1; minus infinity if a result is not finite.
    """
    errors, noise = [], float(np.mean([pair.noise for pair in pairs]))
    for source, target, _, measurement in pairs:
        result = upscale(source)
        if not result.isfinite().all():
            return -math.inf
        seen, wanted = measurement(result[None].double(), target[None].double())
        compared = int((~inner(target).isnan()).sum())
        errors.append(float((seen - wanted).square().sum()) / max(compared, 1))
    error = max(float(np.mean(errors)) - noise, LEAST * noise, 1e-12)
    return -10 * math.log10(error)
