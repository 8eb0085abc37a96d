"""Enlarged low frequencies are at the right position; high frequencies are the difference."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from napari_sr.graph.chain import Window
from napari_sr.layers.frequencies import ChannelGate, PreservingBlock, enlarged


@pytest.mark.parametrize("size", [(2, 3), (3, 2), (7, 13), (8, 20), (37, 54)])
def test_corners_of_the_coarse_plane_meet_the_images(size):
    low = torch.rand(2, 3, size[0] // 2, size[1] // 2)

    large = enlarged(low, Window.whole(*size))

    expected = functional.interpolate(low, size, mode="bilinear", align_corners=True)
    torch.testing.assert_close(large, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("full", [30, 31])
def test_a_piece_is_enlarged_as_it_is_in_the_whole(full):
    low = torch.rand(1, 1, full // 2, full // 2)
    whole = enlarged(low, Window(0, 0, full, full, full, full))

    piece = enlarged(low[..., 5:12, 6:], Window(10, 12, 14, full - 12, full, full))

    # two pixels around a piece look outside
    assert torch.equal(piece[..., 2:-2, 2:], whole[..., 12:22, 14:])


def test_high_frequencies_are_the_image_minus_the_low_ones():
    torch.manual_seed(0)
    x = torch.rand(1, 3, 9, 12)
    window = Window.whole(*x.shape[-2:])
    low = PreservingBlock.pool(x)

    high = PreservingBlock.rest(x, low, window)

    torch.testing.assert_close(high + enlarged(low, window), x)
    flat = torch.ones(1, 3, 9, 12)
    assert PreservingBlock.rest(flat, PreservingBlock.pool(flat), window).abs().max() == 0


def test_the_gate_goes_by_the_mean_alone():
    gate = ChannelGate(features=4, reduction=2)
    mean = torch.rand(1, 4, 1, 1)

    first, second = (gate(mean, torch.full_like(mean, many), 9) for many in (0.0, 7.0))

    assert torch.equal(first, second)
    assert first.min() > 0 and first.max() < 1
