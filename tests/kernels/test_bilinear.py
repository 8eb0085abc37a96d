"""Where the kernels look in a plane that is enlarged, and where their references do."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from sr_kernels._bilinear import sample_bilinear
from sr_kernels.esa_tail import esa_tail

pytestmark = pytest.mark.usefixtures("kernels")


def one_cell(low, window):
    """Return what of the low plane shows in a window: the gate's logarithm is that alone."""
    top, left, height, width, full_height, full_width = window
    x, squeezed = low.new_ones(1, 1, height, width), low.new_zeros(1, 1, height, width)
    one, none = low.new_ones(1, 1, 1, 1), low.new_zeros(1)
    place = (top, left, full_height, full_width)
    return esa_tail(x, squeezed, low, one, none, one, none, *place).logit()


@pytest.mark.parametrize("along", ["rows", "columns"])
def test_places_in_a_very_large_image_do_not_blur(device, along):
    full, begin, length = 600_001, 599_000, 70
    low = torch.zeros(1, 1, 100_000, 1, device=device)
    low[:, :, ::2] = 1
    window = (begin, 0, length, 1, full, 1)
    if along == "columns":
        low, window = low.mT, (0, begin, 1, length, 1, full)

    found = one_cell(low, window)

    place = (torch.arange(begin, begin + length).double() + 0.5) * (100_000 / full) - 0.5
    expected = (place % 2 - 1).abs()
    # float32 is spaced by 0.008 at these places
    torch.testing.assert_close(found.flatten().cpu().double(), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize(("low", "full"), [((1, 1), (7, 9)), ((3, 4), (7, 70)), ((7, 9), (7, 9))])
def test_the_low_plane_is_enlarged_as_torch_does_it(device, low, full):
    torch.manual_seed(0)
    plane = torch.rand(1, 1, *low, device=device)

    found = one_cell(plane, (0, 0, *full, *full))

    expected = functional.interpolate(plane, full, mode="bilinear")
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_a_piece_is_sampled_as_the_whole(device):
    torch.manual_seed(0)
    low = torch.rand(2, 3, 4, 5, device=device, dtype=torch.float64)

    piece = sample_bilinear(low, 6, 10, (11, 3, 20, 30))

    whole = functional.interpolate(low, (20, 30), mode="bilinear")
    torch.testing.assert_close(piece, whole[:, :, 11:17, 3:13])
    assert piece.is_contiguous(memory_format=torch.channels_last)


def test_a_plane_of_full_size_is_not_computed_again(device):
    low = torch.rand(2, 3, 4, 5, device=device)

    assert sample_bilinear(low, 4, 5, (0, 0, 4, 5)) is low
