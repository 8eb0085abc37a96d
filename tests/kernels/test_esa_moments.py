"""What `esa_moments` means; that it is right in general is in test_contract.py."""

from __future__ import annotations

from unittest import mock

import pytest
import torch

from sr_kernels import _esa, launched
from sr_kernels.contrast_gate import contrast_gate
from sr_kernels.esa_moments import OP, esa_moments
from sr_kernels.esa_tail import esa_tail
from sr_kernels.plane_moments import merged, plane_moments

pytestmark = pytest.mark.usefixtures("kernels")
HEIGHT, WIDTH = 11, 43


@pytest.fixture
def given(device):
    """Arguments of a whole image, several programs each way, the last of each row narrower."""
    torch.manual_seed(0)
    x, squeezed, low, *weights = OP.example((2, 12, HEIGHT, WIDTH), torch.float16, device)[:11]
    return x, squeezed, low, *weights, 0, 0, HEIGHT, WIDTH


def assert_near(found, expected):
    """Compare moments, which come of sums in float32 of a few hundred values, squared."""
    for mine, its in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, its, rtol=5e-4, atol=1e-4)


def test_it_is_esa_s_tail_and_the_moments_of_that(given):
    y, mean, m2, gate = esa_moments(*given)

    assert launched() == {"esa_moments": 1}
    assert_near((mean, m2), plane_moments(y))
    # fewer pixels in a program move the places of pixels by a rounding
    torch.testing.assert_close(y, esa_tail(*given[:7], *given[11:]), rtol=1e-3, atol=1e-3)
    expected = contrast_gate(mean, m2, HEIGHT * WIDTH, *given[7:11])
    torch.testing.assert_close(gate, expected, rtol=0, atol=2**-11)


@pytest.mark.parametrize("offset", [0, 1000, -30000])
def test_an_offset_costs_no_digits(given, offset):
    x, squeezed, low, *weights = given[:7]
    x = (x.mul(64).round().clamp(-255, 255) / 16 + offset).half()
    # an open gate, where what is gathered is what is known
    weights = [torch.zeros_like(weight) for weight in weights[:3]] + [x.new_full((12,), 30)]

    y, mean, m2, _ = esa_moments(x, squeezed, low, *weights, *given[7:])

    assert torch.equal(y, x)
    variance, expected = torch.var_mean(x.double(), dim=(2, 3), keepdim=True, correction=0)
    eps = torch.finfo(torch.float32).eps
    assert (mean.double() - expected).abs().max() <= eps * (abs(offset) + 4)
    assert ((m2.double() / (variance * HEIGHT * WIDTH)) - 1).abs().max() < 20 * eps


def test_a_constant_plane_has_no_variance(given):
    x, squeezed, low, *weights = given[:7]
    # an open gate, which is 1 to the bit
    weights = [torch.zeros_like(weight) for weight in weights[:3]] + [x.new_full((12,), 30)]

    level = torch.full_like(x, 500)
    _, mean, m2, _ = esa_moments(level, squeezed, low, *weights, *given[7:])

    assert (mean == 500).all()
    assert not m2.any()


@pytest.mark.filterwarnings("ignore:invalid value encountered")
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_shows_in_its_plane_alone(given, value):
    x = given[0].clone()
    x[1, 3, 5, 7] = value

    _, mean, m2, _ = esa_moments(x, *given[1:])

    bad = ~(mean.isfinite() & m2.isfinite())
    assert bad.nonzero().tolist() == [[1, 3, 0, 0]]
    assert m2[1, 3].isnan().all()


def test_a_first_row_far_from_all_others_costs_no_digits(given):
    x, squeezed, low, *weights = given[:7]
    x = x.mul(64).round().clamp(-255, 255) / 64
    x[:, :, 0] += 1000
    weights = [torch.zeros_like(weight) for weight in weights[:3]] + [x.new_full((12,), 30)]

    y, mean, m2, _ = esa_moments(x, squeezed, low, *weights, *given[7:])

    variance, expected = torch.var_mean(y.double(), dim=(2, 3), keepdim=True, correction=0)
    torch.testing.assert_close(mean.double(), expected, rtol=1e-6, atol=0)
    torch.testing.assert_close(m2.double(), variance * HEIGHT * WIDTH, rtol=2e-6, atol=0)


def test_pieces_merge_into_the_whole(given):
    x, squeezed, low, *weights = given[:11]
    _, *whole, gate = esa_moments(*given)

    parts = []
    for top, left in [(0, 0), (0, 16), (5, 0), (5, 16)]:
        rows = slice(top, 5 if top == 0 else HEIGHT)
        columns = slice(left, 16 if left == 0 else WIDTH)
        piece = x[:, :, rows, columns], squeezed[:, :, rows, columns], low
        _, *moments, _ = esa_moments(*piece, *weights, top, left, HEIGHT, WIDTH)
        parts.append((piece[0][0, 0].numel(), *moments))
    pixels, *together = merged(parts)

    assert pixels == HEIGHT * WIDTH
    assert_near(together, whole)
    merged_gate = contrast_gate(*together, pixels, *weights[4:])
    torch.testing.assert_close(merged_gate, gate, rtol=0, atol=2**-11)


def test_more_rows_of_a_program_leave_fewer_parts(given, monkeypatch):
    _, *expected = esa_moments(*given)
    monkeypatch.setattr(_esa, "MOST_PARTS", 4)
    images, inner, features = 2, 3, 12
    planes = [torch.empty(images, each, HEIGHT, WIDTH) for each in (features, inner)]

    with mock.patch.object(_esa, "_run") as run:
        _, parts, part = _esa.run_with_parts("esa_moments", (*planes, planes[1]), (), ())
    _, *found = esa_moments(*given)

    assert (tuple(parts.shape), part) == ((3, images, 4, features), (6, 32))
    assert run.call_count == 1
    assert_near(found[:2], expected[:2])


def test_an_error_names_the_shape(given):
    with pytest.raises(ValueError, match=r"esa_moments needs .* got \(2, 12, 0, 43\)"):
        esa_moments(given[0][:, :, :0], *given[1:])


@pytest.mark.parametrize("place", [7, 8, 9, 10])
def test_an_error_names_the_gate_s_weight(given, place):
    names = ("narrow_weight", "narrow_bias", "widen_weight", "widen_bias")
    wrong = list(given)
    wrong[place] = given[place][:0]

    with pytest.raises(ValueError, match=f"esa_moments needs ({'|'.join(names)})"):
        esa_moments(*wrong)
