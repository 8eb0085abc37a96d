"""Crops cut on the device are those that threads would draw."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from trainings import discs, pictures

from napari_sr.training.data.bicubic import Bicubic
from napari_sr.training.data.crops import Augmentation, Crops
from napari_sr.training.data.device_dataset import DeviceDataset
from napari_sr.training.data.microscope import Microscope
from napari_sr.training.data.pictures import of_array

CPU = torch.device("cpu")


def crops(degradation=None, *, channels=3, flips=True, seen=None, full_range=False):
    return Crops(
        seen or pictures(3, 31),
        degradation or Bicubic(),
        scale=3,
        crop=5,
        batch=6,
        channels=channels,
        full_range=full_range,
        augmentation=Augmentation(flips=flips),
    )


def grey(random, size):
    return of_array(discs(random, size)[: size - 4, :, 0], axes="YX")


@pytest.mark.parametrize("flips", [True, False])
def test_the_same_batches_come(flips, random):
    drawn = crops(flips=flips, seen=[*pictures(3, 31), *grey(random, 40)])
    resident = DeviceDataset(drawn, CPU)

    for step in range(4):
        for ours, theirs in zip(resident.batch(step), drawn.batch(step), strict=True):
            assert torch.equal(ours, theirs)


@pytest.mark.parametrize("full_range", [True, False])
@pytest.mark.parametrize("colour", [True, False])
def test_a_network_of_luma_gets_the_same_luma_or_grey(colour, full_range, random):
    seen = pictures(3, 31) if colour else [*grey(random, 30), *grey(random, 36)]
    drawn = crops(channels=1, seen=seen, full_range=full_range)

    for ours, theirs in zip(DeviceDataset(drawn, CPU).batch(1), drawn.batch(1), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)


def test_grey_beside_colours_is_refused_for_luma(random):
    with pytest.raises(ValueError, match="all must be grey or all RGB, got 1 grey and 2 RGB"):
        DeviceDataset(crops(channels=1, seen=[*pictures(2, 31), *grey(random, 30)]), CPU)


def test_a_degradation_that_draws_is_refused():
    with pytest.raises(ValueError, match="must not be random, got Microscope"):
        DeviceDataset(crops(Microscope()), CPU)


def test_pictures_of_other_depth_are_refused():
    deep = [replace(one, steps=65535, name="deep.tif") for one in pictures(2)]

    with pytest.raises(ValueError, match=r"8 bits .*, got deep.tif, where white is 65535"):
        DeviceDataset(crops(seen=deep), CPU)
