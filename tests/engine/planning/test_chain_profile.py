"""Arithmetic of links and format of planes, found without computing."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from fakes import Coarse

from napari_sr.engine.planning.chain_profile import ELEMENTWISE, PlaneFormat, Profile, profile
from napari_sr.graph.chain import IMAGE, RESULT, Step, with_one_writer_each


class Convolved(Coarse):
    """A convolution of one channel to four, then their sum at twice the size."""

    def __init__(self):
        super().__init__(scale=2)
        self.convolution = torch.nn.Conv2d(1, 4, 3, padding=1, bias=False)

    def chain(self):
        return (
            Step(self.convolution, (IMAGE,), ("features",), radius=1),
            Step(torch.nn.PixelShuffle(2), ("features",), (RESULT,), scale=2),
        )


def profile_of(network):
    network = network.to("meta")
    return profile(with_one_writer_each(network.chain()), network, 1)


def test_convolutions_count_two_operations_per_multiplication_and_all_writes():
    # four outputs of nine products each; four values per pixel are written either way
    assert profile_of(Convolved()).flops == (2 * 4 * 9 + ELEMENTWISE * 4, ELEMENTWISE * 4)


def test_planes_are_profiled_by_channels_and_scale():
    planes = profile_of(Convolved()).planes

    assert planes["features, link 0"] == PlaneFormat(4, 1, torch.float32)
    assert [planes[name].bytes for name in (IMAGE, RESULT)] == [4, 16]


def test_a_coarse_plane_has_fewer_bytes():
    planes = profile_of(Coarse(scale=1)).planes

    assert planes["squares, link 0"] == PlaneFormat(1, Fraction(1, 2), torch.float32)
    assert planes["squares, link 0"].bytes == pytest.approx(1)


def test_attention_costs_more_per_pixel_of_a_larger_image():
    of_chain = Profile((3.0, 1.0), {}, attention_flops=1.0, probe_pixels=100)

    assert [of_chain.flops_at(pixels) for pixels in (100, 300)] == [4, 6]
