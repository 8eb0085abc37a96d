"""Choose as large a held-out part of the images as can be judged in time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_sr.training.data.training_data import TrainingData, pairs_of
from napari_sr.training.finetuning import sizing
from napari_sr.training.finetuning.noisy import NoisyHeldOut
from napari_sr.training.finetuning.pacing import JUDGING, LEAST_JUDGED
from napari_sr.training.finetuning.preview import HeldOut, spread
from napari_sr.training.noisy_pairs import REALISATIONS, NoisyPair, held_out_pairs

if TYPE_CHECKING:
    import torch

    from napari_sr.graph.network import Network
    from napari_sr.training.config import Config
    from napari_sr.training.finetuning.config import FineTuneConfig

LEAST_SECONDS = 1.0
"""Seconds that validation may always take, however short the training time is."""


def held_out_of(
    task: FineTuneConfig,
    config: Config,
    training_data: TrainingData,
    network: Network,
    device: torch.device,
) -> tuple[Config, TrainingData, HeldOut | NoisyHeldOut]:
    """Return the recipe, the training data and the held-out pairs that can be judged in time.

    Parameters
    ----------
    task, config, training_data
        The settings, the recipe, and all images.
    network : Network
        The network before its first step, in eval mode, on the device.
    device : torch.device
        The device of the network.

    Raises
    ------
    ValueError
        If no held-out part has structure.
    """
    of = network.channels, network.multiple, network.takes_noise
    seconds = max(60 * task.minutes * JUDGING / LEAST_JUDGED, LEAST_SECONDS)
    side, most = sizing.judgeable(network, device, seconds)
    if task.supervision is not None:
        config = _judging(config, side * task.scale)
        held_out = spread(training_data.held_out, max(1, most // REALISATIONS))
        training_data = replace(training_data, held_out=held_out)
        pairs = held_out_pairs(training_data, config, *of)
        noisy = [pair for pair in pairs if isinstance(pair, NoisyPair)]
        return config, training_data, NoisyHeldOut(noisy, task.scale, network)
    while True:
        config = _judging(config, side)
        sharp = pairs_of(training_data, config, *of)
        try:
            found = HeldOut(sharp, task.scale, most)
        except ValueError:
            if side == sizing.SIDES[-1]:
                raise
            side, most = sizing.SIDES[-1], 1  # the images may have structure outside the middle
        else:
            judged = [training_data.held_out[index] for index in found.judged]
            return config, replace(training_data, held_out=judged), found


def _judging(config: Config, side: int) -> Config:
    """Return the recipe, with so many HR pixels of each side of an image to judge."""
    return replace(config, data=replace(config.data, validation_size=side))
