"""A step learns from as much as time and memory allow, and as much is judged."""

from __future__ import annotations

import pytest
import torch

from napari_sr import models
from napari_sr.engine.planning.memory import WORKSPACE, learning_bytes
from napari_sr.models.edsr import EDSR
from napari_sr.models.fsrcnn import FSRCNN
from napari_sr.training.finetuning import sizing
from napari_sr.training.finetuning.sizing import (
    COPIES,
    LADDER,
    PART,
    Size,
    affordable,
    choose,
    sizes,
)

CPU = torch.device("cpu")


class Wanting(FSRCNN):
    """A network that takes crops of some sizes only."""

    multiple = 4
    least_size = 10


def test_what_is_better_learns_from_more():
    assert sorted(LADDER, key=lambda size: size.pixels, reverse=True) == list(LADDER)


def test_small_images_have_small_crops():
    found = sizes(FSRCNN(scale=2), 14)

    assert found[0] == Size(16, 14)
    assert found[-1] == Size(1, 8)
    assert max(size.crop for size in found) == 14
    assert len(set(found)) == len(found)


def test_crops_are_what_the_network_can_take():
    assert {size.crop for size in sizes(Wanting(scale=2), 23)} == {20, 16, 12}


def test_images_without_room_for_the_network_are_told():
    with pytest.raises(
        ValueError, match=r"at least 12 x 12 LR pixels, .* largest that fits has 11 x 11"
    ):
        sizes(Wanting(scale=2), 11)


@pytest.mark.parametrize("name", [one for one in models.names() if one != "interpolation"])
def test_every_network_that_learns_has_sizes_and_a_need(name):
    record = models.architecture(name)
    network = record.network(**record.example)

    every = sizes(network, 24, LADDER[::5])

    assert affordable(every, network, 1 << 50) == every
    assert affordable(every, network, 1) == every[-1:]


def test_a_step_stays_within_its_part_of_memory():
    network = EDSR(scale=2, channels=3, features=64, blocks=4)
    weights = COPIES * sum(one.nbytes for one in network.parameters())
    free = PART * (weights + WORKSPACE * 5 * learning_bytes(network, 24, 24))

    found = affordable(LADDER, network, int(free) + 1)

    assert found[0] == Size(4, 24)
    assert found == LADDER[LADDER.index(Size(4, 24)) :]


def test_memory_of_weights_counts():
    network = EDSR(scale=2, channels=3, features=64, blocks=4)
    weights = sum(one.nbytes for one in network.parameters())

    assert affordable(LADDER, network, PART * COPIES * weights) == LADDER[-1:]


@pytest.mark.parametrize(
    ("per_pixel", "expected"),
    [(1e-9, LADDER[0]), (1 / (6 * 24**2), Size(6, 24)), (1 / 257, Size(1, 16)), (9, LADDER[-1])],
)
def test_the_best_that_is_short_enough_is_chosen(per_pixel, expected):
    assert choose(LADDER, per_pixel, 1.0) == expected


@pytest.mark.parametrize(("minutes", "seconds"), [(60, 1.0), (5, 1.0), (1, 0.2)])
def test_short_trainings_have_short_steps(minutes, seconds):
    assert sizing.longest(minutes) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("per_pixel", "expected"),
    # 32, 64 and 128 LR pixels a side; one plane is shown beside those that are judged
    [
        (1e-9, (256, 8)),
        (1 / (4 * 128**2), (256, 3)),
        (0.4 / 64**2, (128, 1)),
        (0.4 / 32**2, (64, 1)),
        (9, (64, 1)),
    ],
)
def test_as_much_is_judged_as_takes_no_longer_than_it_may(monkeypatch, per_pixel, expected):
    seconds = lambda network, device, side: per_pixel * (side // network.scale) ** 2  # noqa: E731
    monkeypatch.setattr(sizing, "_seconds", seconds)

    assert sizing.judgeable(FSRCNN(scale=2), CPU, 1.0) == expected


def test_what_grows_faster_than_the_pixels_is_not_tried_in_vain(monkeypatch):
    tried = []

    def attending(network, device, side):
        tried.append(side)
        return 0.01 * (side / 64) ** 4

    monkeypatch.setattr(sizing, "_seconds", attending)

    assert sizing.judgeable(FSRCNN(scale=2), CPU, 1.0) == (128, 5)
    assert tried == [64, 64, 128]


def test_networks_are_timed_on_what_they_can_take():
    side, planes = sizing.judgeable(Wanting(scale=2).eval(), CPU, 60)

    assert (side, planes) == (256, 8)


def test_sizes_are_said_in_words():
    assert Size(16, 24).words == "16 crops of 24 x 24 pixels"
    assert Size(1, 8).words == "1 crop of 8 x 8 pixels"
