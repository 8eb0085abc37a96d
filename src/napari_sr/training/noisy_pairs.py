"""Held-out noisy images, and what the results of a network are compared with.

Symbols: C channels, H x W pixels of the source, S scale.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from napari_sr.training.data.from_source import FromSource, brightness_of, normal
from napari_sr.training.data.noise_model import NoiseModel
from napari_sr.training.data.pairs import Pairs
from napari_sr.training.data.pictures import middle
from napari_sr.training.data.training_data import degradation_of, pairs_of
from napari_sr.training.measurement import Measurement, inner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_sr.training.config import Config
    from napari_sr.training.data.pictures import Picture
    from napari_sr.training.data.training_data import TrainingData

REALISATIONS = 2
"""Number of times that noise is added to each held-out image."""
PROBE = 0.5
"""Noise that is added to measure how a result grows, relative to that of the source."""
ALIKE = 1.4
"""Ratio of the standard deviations of given and shown noise from which on the user is warned, and
results are judged by the shown noise. Estimates are right within 10 % in most made images; dense
detail makes them up to 70 % too large."""
LEAST_COARSE = 6
"""Smallest side of an averaged source whose details are compared."""


class NoisyPair(NamedTuple):
    """A noisy source, and what results are compared with."""

    source: Tensor
    """The network's input, (C, H, W), black at 0 and white at 1; if the network takes the level of
    the noise, with one plane more."""
    target: Tensor
    """The source, or a second realisation, (C, H, W); NaN at pixels that must not be compared."""
    noise: float
    """Mean variance of the target's noise; 0 if it is unknown."""
    measurement: Measurement
    scale: int
    """S."""
    probe: Tensor | None = None
    """Noise of `PROBE` times the source's to add to the source; None for a second realisation."""
    coarse: Tensor | None = None
    """The source, S times smaller, with as much noise, if its details are compared."""


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
    degradation = _believed(degradation, training_data.held_out)
    recorded = training_data.recorded_of(training_data.held_out)
    pairs = Pairs(
        training_data.held_out,
        recorded or degradation,
        scale=1,
        channels=channels,
        full_range=config.data.grey,
        takes_noise=takes_noise,
    )
    most = config.data.validation_size // config.scale
    found: list[NoisyPair] = []
    for index, picture in enumerate(training_data.held_out):
        part = Part(pairs, index, degradation.fitted(picture), most, multiple)
        for number in range(1 if recorded else REALISATIONS):
            random = np.random.default_rng((config.run.seed, index, number))
            found.append(part.pair(random, config.scale))
    return found


def _believed(degradation: FromSource, pictures: Sequence[Picture]) -> FromSource:
    """Return a degradation whose given noise is left out if a picture shows clearly less.

    Each picture then has the noise that it shows. Too much noise would hide errors of the network.
    """
    for picture in pictures:
        shown, given = picture.noise, degradation.noise
        if shown is None or not given.given:
            continue
        values = torch.from_numpy(brightness_of(picture))
        ratio = (
            given.encoded(picture.values).variance(values)
            / shown.encoded(picture.values).variance(values).clamp(min=1e-30)
        ).sqrt()
        if float(ratio.max()) > ALIKE:
            return _without_noise(degradation, picture)
    return degradation


def _without_noise(degradation: FromSource, picture: Picture) -> FromSource:
    """Leave out the given noise, if the method suits the noise that the picture shows."""
    found = replace(degradation, noise=NoiseModel())
    try:
        found.fitted(picture)
    except ValueError:
        return degradation
    return found


class Part:
    """The middle of a held-out picture, from which pairs are made.

    Parameters
    ----------
    pairs : Pairs
        All held-out pictures.
    index : int
        Index of the picture.
    degradation : FromSource
        The degradation, with the noise of the picture.
    most, multiple : int
        Largest side of the part in pixels (0: any), and a number that divides its sides.
    """

    def __init__(
        self, pairs: Pairs, index: int, degradation: FromSource, most: int, multiple: int
    ) -> None:
        self.pairs, self.index, self.degradation = pairs, index, degradation
        self.rows, self.columns = (middle(size, most, multiple) for size in pairs.size(index))
        self.multiple, self.picture = multiple, pairs.pictures[index]
        self.measurement = Measurement(degradation.spot)

    def pair(self, random: np.random.Generator, scale: int) -> NoisyPair:
        """Return a pair with noise that is drawn."""
        image = self.picture.crop(self.rows, self.columns)
        variance = self.degradation.target_variance(image)
        if variance is not None:
            source, target = self.pairs.window(self.index, self.rows, self.columns, random)
            noise = float(inner(coloured_variance(self.pairs, variance)).mean())
            return NoisyPair(source, target, noise, self.measurement, scale)
        variance = self.degradation.variance(image)
        noise = float(inner(coloured_variance(self.pairs, variance)).mean())
        target = self.pairs.coloured(image)
        more = self.pairs.coloured(image + PROBE * variance.sqrt() * normal(image, random))
        source = self._with_level(target)
        probe = functional.pad(more - target, (0, 0, 0, 0, 0, source.shape[0] - target.shape[0]))
        coarse = self._coarse(image, variance, random, scale)
        return NoisyPair(source, target, noise, self.measurement, scale, probe, coarse)

    def _coarse(
        self, image: Tensor, variance: Tensor, random: np.random.Generator, scale: int
    ) -> Tensor | None:
        """Average S x S pixels of (C, H, W), and add as much noise as this removed."""
        sides = [size // (scale * self.multiple) * self.multiple for size in image.shape[-2:]]
        if not self.degradation.across or min(sides) < LEAST_COARSE:
            return None
        mean = functional.avg_pool2d(image, scale)[..., : sides[0], : sides[1]]
        missing = functional.avg_pool2d(variance, scale)[..., : sides[0], : sides[1]]
        noise = (missing * (1 - 1 / scale**2)).sqrt() * normal(mean, random)
        return self._with_level(self.pairs.coloured(mean + noise))

    def _with_level(self, image: Tensor) -> Tensor:
        """Add a plane with the level of the source's noise, if the network takes it."""
        if not self.pairs.takes_noise:
            return image
        level = self.degradation.noise.variance(self.picture.whole().mean()).sqrt()
        return torch.cat((image, level.to(image.dtype).expand(1, *image.shape[1:])))


def coloured_variance(pairs: Pairs, variance: Tensor) -> Tensor:
    """Return the variance of a picture's channels, (C, H, W), in the channels of the network."""
    count = variance.shape[0]
    # the conversion is affine: its weights are its values at unit images
    units = torch.eye(count)[:, :, None, None]
    weights = pairs.coloured(units) - pairs.coloured(torch.zeros_like(units))
    mixed = torch.einsum("ko,khw->ohw", weights[..., 0, 0].square().to(variance.dtype), variance)
    return mixed
