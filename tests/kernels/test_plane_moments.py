"""What `plane_moments` means; that it is right in general is in test_contract.py."""

from __future__ import annotations

import pytest
import torch

from sr_kernels import launched, plane_moments, use_kernels
from sr_kernels.plane_moments import merged

pytestmark = pytest.mark.usefixtures("kernels")
EPS = torch.finfo(torch.float32).eps


@pytest.fixture
def x(device):
    torch.manual_seed(0)
    return torch.randn(2, 12, 37, 53, device=device).half()


@pytest.fixture
def many_parts(monkeypatch):
    """Make parts so small that a plane has many, each of several blocks."""
    monkeypatch.setattr(plane_moments, "BLOCK", 1024)
    monkeypatch.setattr(plane_moments, "MOST", 8)


def deviation(found, exact):
    """Return the largest relative error."""
    return ((found.double() - exact) / exact).abs().max()


@pytest.mark.usefixtures("many_parts")
@pytest.mark.parametrize("offset", [0, 5, 1000, -30000])
def test_an_offset_costs_no_digits(x, offset):
    x = (x.mul(64).round().clamp(-255, 255) / 16 + offset).half()

    mean, m2 = plane_moments.plane_moments(x)

    variance, exact = torch.var_mean(x.double(), dim=(2, 3), keepdim=True, correction=0)
    # float32 is spaced by its eps times what it holds: the offset, and values 4 around it
    assert (mean.double() - exact).abs().max() <= EPS * (abs(offset) + 4)
    # sums of about a hundred addends, one after the other, squared
    assert deviation(m2, variance * 37 * 53) < 20 * EPS
    assert launched() == {"plane_moments": 1}


@pytest.mark.parametrize("level", [0.0, 0.3, 1000.0])
def test_a_constant_plane_has_no_variance_at_all(x, level):
    x = torch.full_like(x, level)

    mean, m2 = plane_moments.plane_moments(x)

    assert torch.equal(mean, x[:, :, :1, :1].float())
    assert not m2.any()


@pytest.mark.usefixtures("many_parts")
def test_results_are_equal_to_the_bit(x):
    first, second = plane_moments.plane_moments(x), plane_moments.plane_moments(x)

    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])


def test_more_channels_than_a_program_holds_are_all_seen(device, monkeypatch):
    monkeypatch.setattr(plane_moments, "CHANNELS", 16)
    x = torch.arange(50, device=device).reshape(1, 50, 1, 1).expand(1, 50, 3, 3).half()

    mean, _ = plane_moments.plane_moments(x)

    assert mean.flatten().tolist() == list(range(50))


def test_tiles_merge_into_the_whole(x):
    x = x + 5
    tiles = [tile for rows in x.split(16, dim=2) for tile in rows.split(20, dim=3)]

    count, mean, m2 = merged(
        (tile[0, 0].numel(), *plane_moments.plane_moments(tile)) for tile in tiles
    )

    expected_mean, expected_m2 = plane_moments.reference(x.double())
    assert count == 37 * 53
    assert deviation(mean, expected_mean) < 2 * EPS
    assert deviation(m2, expected_m2) < 20 * EPS


def test_one_part_is_the_whole(x):
    mean, m2 = plane_moments.reference(x)

    assert merged([(7, mean, m2)]) == (7, mean, m2)


def test_no_parts_have_no_moments():
    with pytest.raises(ValueError, match=r"at least one part, got \[\]"):
        merged([])


@pytest.mark.parametrize("shape", [(2, 3, 0, 4), (2, 3, 4)], ids=str)
def test_an_error_names_the_shape(device, shape):
    with pytest.raises(ValueError, match="plane_moments needs") as caught:
        plane_moments.plane_moments(torch.ones(shape, device=device))

    assert str(shape) in str(caught.value)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize(("offset", "rows"), [(0, 3), (0, 8), (1000, 21), (0, 200)])
def test_rows_together_have_the_moments_of_the_plane(layout, offset, rows):
    torch.manual_seed(0)
    x = (torch.randn(2, 5, rows, 31) + offset).contiguous(memory_format=layout)[..., 1:]

    with torch.inference_mode(), use_kernels("reference"):
        found = plane_moments.plane_moments(x)

    variance, mean = torch.var_mean(x.double(), dim=(2, 3), keepdim=True, correction=0)
    assert all(torch.equal(*pair) for pair in zip(found, plane_moments._by_rows(x), strict=True))
    assert (found[0].double() - mean).abs().max() <= EPS * (offset + 1)
    assert deviation(found[1], variance * rows * 30) < 20 * EPS * max(offset, 1)
