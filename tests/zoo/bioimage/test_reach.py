"""How far networks look, measured with single pixels."""

from __future__ import annotations

import torch
from bioimage_packages import Enlarger, Everywhere, Pooled

from napari_sr.zoo.bioimage.reach import measured_reach


def measured(module):
    module = module.eval()

    def compute(image):
        with torch.inference_mode():
            return module(torch.from_numpy(image)[None])[0].numpy()

    return measured_reach(compute, 1, 2, lambda side: (side, side + 4))


def test_the_reach_of_convolutions_is_measured():
    assert measured(Enlarger()) == 3


def test_a_halving_network_may_look_one_pixel_farther():
    assert measured(Pooled()) in (3, 4)


def test_a_network_that_looks_everywhere_has_no_reach():
    assert measured(Everywhere()) is None


def test_a_network_that_ignores_the_image_has_no_reach():
    network = Enlarger()
    torch.nn.init.zeros_(network.second.weight)

    assert measured(network) is None


def test_a_reach_beyond_the_first_image_needs_a_larger_one():
    far = torch.nn.Conv2d(1, 1, 3, padding=30, dilation=30)
    network = torch.nn.Sequential(far, far, torch.nn.Upsample(scale_factor=2))

    assert measured(network) == 60
