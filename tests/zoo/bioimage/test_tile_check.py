"""Tiles of an image compared with the whole image."""

from __future__ import annotations

import pytest
import torch
from bioimage_packages import Enlarger, Everywhere, Pooled
from torch import nn

from napari_sr.zoo.bioimage.tile_check import tiles_differ


class Faint(nn.Module):
    """Nearest pixels, minus a small share of the mean of the whole image."""

    def forward(self, image):
        image = image - 0.01 * image.mean((2, 3), keepdim=True)
        return nn.functional.interpolate(image, scale_factor=2.0)


class Phased(nn.Module):
    """Means of 2x2 pixels, for any size: the result depends on where an image begins."""

    def forward(self, image):
        small = nn.functional.avg_pool2d(image, 2, ceil_mode=True)
        large = nn.functional.interpolate(small, scale_factor=4.0)
        return large[..., : 2 * image.shape[2], : 2 * image.shape[3]]


def differ(module, halo, step=1):
    module = module.eval()

    def compute(image):
        with torch.inference_mode():
            return module(torch.from_numpy(image)[None])[0].numpy()

    return tiles_differ(compute, 1, 2, halo, ((4, step), (8, step)))


@pytest.mark.parametrize(
    ("module", "halo", "step", "expected"),
    [
        (Enlarger, 3, 1, False),
        (Enlarger, 2, 1, True),
        (Everywhere, 20, 1, True),
        (Faint, 0, 1, True),
        (Phased, 1, 1, True),
        (Phased, 2, 2, False),
        (Pooled, 8, 2, False),
        (Enlarger, 400, 1, False),  # too large to be compared
    ],
)
def test_tiles_differ_if_a_network_looks_beyond_the_halo_or_counts_from_the_edge(
    module, halo, step, expected
):
    assert differ(module(), halo, step) is expected
