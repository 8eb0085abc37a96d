"""Draw the batches of a training run from its images.

Symbols: N crops, C channels, P pixels along an LR crop, S scale.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_sr.training.data.crops import Augmentation, Crops
from napari_sr.training.data.device_dataset import DeviceDataset
from napari_sr.training.data.folder import MEMORY
from napari_sr.training.data.training_data import degradation_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from torch import Tensor

    from napari_sr.training.config import Config
    from napari_sr.training.data.training_data import TrainingData


def crops_of(
    training_data: TrainingData,
    config: Config,
    channels: int,
    rank: int,
    *,
    takes_noise: bool = False,
) -> dict[int, Crops]:
    """Return the crops by scale; `channels` and `takes_noise` are the network's.

    Of noisy sources, input and target have the source's size.

    Raises
    ------
    ValueError
        If all images are smaller than a crop, or there are no images.
    """
    scales = config.scales or (config.scale,)
    from_source = degradation_of(config.data).from_source
    return {
        scale: _crops(
            training_data, config, channels, rank, 1 if from_source else scale, takes_noise
        )
        for scale in scales
    }


def _crops(
    training_data: TrainingData,
    config: Config,
    channels: int,
    rank: int,
    scale: int,
    takes_noise: bool,
) -> Crops:
    data = config.data
    return Crops(
        training_data.learnt,
        training_data.recorded_of(training_data.learnt) or degradation_of(data),
        scale=scale,
        crop=data.crop,
        batch=data.batch,
        channels=channels,
        full_range=data.grey,
        takes_noise=takes_noise,
        seed=config.run.seed,
        rank=rank,
        augmentation=Augmentation(data.flips, data.turns),
        small_pictures="leave out" if data.leave_out_small else "refuse",
        memory=MEMORY // max(1, len(config.scales)),
    )


def draws_of(
    training_data: TrainingData,
    config: Config,
    channels: int,
    rank: int,
    device: torch.device,
    *,
    takes_noise: bool = False,
) -> dict[int, Callable[[int], tuple[Tensor, Tensor]]]:
    """Return, by scale, a function that draws the batch with a number, on the CPU or the device.

    Every third batch of a noisy source takes it as the HR image, if that is possible: otherwise,
    nothing would determine the details between the source's pixels.

    Raises
    ------
    ValueError
        As for `crops_of`, or if pictures cannot be kept on the device.
    """
    crops = crops_of(training_data, config, channels, rank, takes_noise=takes_noise)
    if config.data.cache_on_device:
        return {scale: DeviceDataset(one, device).batch for scale, one in crops.items()}
    learnt, across = training_data.learnt, degradation_of(config.data).across
    draws: dict[int, Callable[[int], tuple[Tensor, Tensor]]] = {}
    for scale, one in crops.items():
        draws[scale] = one.batch
        least = scale * config.data.crop
        if across and any(min(each.height, each.width) >= least for each in learnt):
            small = replace(config, data=replace(config.data, leave_out_small=True))
            further = _crops(training_data, small, channels, rank, scale, takes_noise)
            draws[scale] = _in_turn(one.batch, further.batch)
    return draws


def _in_turn(
    usual: Callable[[int], tuple[Tensor, Tensor]], third: Callable[[int], tuple[Tensor, Tensor]]
) -> Callable[[int], tuple[Tensor, Tensor]]:
    """Return a function that draws every third batch with `third`."""
    return lambda number: third(number) if number % 3 == 2 else usual(number)
