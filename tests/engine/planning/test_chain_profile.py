"""What links compute and planes hold, found without computing."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from fakes import Coarse

from napari_sr.engine.planning.chain_profile import ELEMENTWISE, Kind, Profile, profile
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


def found_of(network):
    network = network.to("meta")
    return profile(with_one_writer_each(network.chain()), network, 1)


def test_convolutions_count_two_operations_for_a_multiplication_and_all_writes():
    # four outputs of nine products each; four values per pixel are written either way
    assert found_of(Convolved()).flops == (2 * 4 * 9 + ELEMENTWISE * 4, ELEMENTWISE * 4)


def test_planes_are_known_by_width_and_size():
    planes = found_of(Convolved()).planes

    assert planes["features, link 0"] == Kind(4, 1, torch.float32)
    assert [planes[name].bytes for name in (IMAGE, RESULT)] == [4, 16]


def test_a_coarse_plane_takes_less():
    planes = found_of(Coarse(scale=1)).planes

    assert planes["squares, link 0"] == Kind(1, Fraction(1, 2), torch.float32)
    assert planes["squares, link 0"].bytes == pytest.approx(1)


def test_pixels_that_look_at_more_pixels_cost_more():
    found = Profile((3.0, 1.0), {}, attending=1.0, pixels=100)

    assert [found.work(pixels) for pixels in (100, 300)] == [4, 6]
