"""What `esa_pool` means; that it is right in general is in test_contract.py."""

from __future__ import annotations

import pytest
import torch

from sr_kernels import esa_pool as module
from sr_kernels import launched
from sr_kernels.esa_pool import OP, esa_pool

pytestmark = pytest.mark.usefixtures("kernels")


def given(inner, device, size=(21, 75)):
    """Return a plane, a dense 3x3 and its bias."""
    torch.manual_seed(0)
    squeezed = torch.randn(2, inner, *size)
    weight = torch.randn(inner, inner, 3, 3) / inner**0.5 / 3
    return [each.to(device).half() for each in (squeezed, weight, torch.randn(inner))]


@pytest.mark.parametrize("inner", [3, 12, 65])
def test_a_dense_3x3_is_pooled_too(device, inner):
    arguments = given(inner, device, size=(15, 75) if inner == 12 else (15, 21))

    result = esa_pool(*arguments)

    expected = OP.reference(*(each.double() for each in arguments))
    # sums near 1 to 4, rounded to half precision once
    torch.testing.assert_close(result.double(), expected, rtol=1e-3, atol=1e-3)
    assert launched() == {"esa_pool": 1}


def test_a_cell_looks_at_its_own_square_and_nothing_else(device):
    squeezed, weight, bias = given(4, device, size=(27, 33))

    cell = esa_pool(squeezed, weight, bias)[..., 1, 2]

    alone = squeezed[..., 6:21, 12:27]
    assert torch.equal(esa_pool(alone, weight, bias)[..., 0, 0], cell)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (14, 14), (3, 12)])
def test_every_pixel_of_the_square_counts_by_its_tap(device, row, column):
    """A single pixel shows what the taps make of it, at the best of the strided places."""
    squeezed = torch.zeros(1, 1, 15, 15, device=device).half()
    squeezed[0, 0, row, column] = 1
    weight = torch.arange(1.0, 10, device=device).half().reshape(1, 1, 3, 3)

    result = esa_pool(squeezed, weight, weight.new_zeros(1))

    # a pixel in an even row is under the upper taps, and under the lower ones of the row before
    taps = [
        weight[0, 0, row - top, column - left].item()
        for top in range(row - 2, row + 1)
        for left in range(column - 2, column + 1)
        if top % 2 == left % 2 == 0 and 0 <= top <= 12 and 0 <= left <= 12
    ]
    assert result.tolist() == [[[[max(taps)]]]]


@pytest.mark.parametrize("rows", [1, 2, 8])
def test_bands_leave_no_trace(device, rows, monkeypatch):
    squeezed, weight, bias = given(4, device, size=(33, 21))
    monkeypatch.setattr(module, "MOST_ROWS", rows)

    result = esa_pool(squeezed, weight, bias)

    expected = OP.reference(squeezed.double(), weight.double(), bias.double())
    torch.testing.assert_close(result.double(), expected, rtol=1e-3, atol=1e-3)


def test_sizes_round_down_to_whole_cells(device):
    squeezed, weight, bias = given(4, device, size=(26, 27))

    assert esa_pool(squeezed, weight, bias).shape == (2, 4, 2, 3)


def test_cells_may_be_negative(device):
    squeezed, weight, _ = given(4, device, size=(15, 21))
    none = weight.new_zeros(4)

    result = esa_pool(squeezed.abs() + 1, -weight.abs(), none)

    expected = OP.reference(squeezed.abs() + 1, -weight.abs(), none)
    assert (expected < -1).all()
    torch.testing.assert_close(result, expected, rtol=2e-3, atol=0)


@pytest.mark.parametrize("name", ["weight", "bias", "pointwise"])
def test_an_error_names_the_tensor_and_its_shape(device, name):
    arguments = OP.example((1, 8, 1, 1), torch.float16, device)
    tensors = dict(zip(["squeezed", "weight", "bias", "pointwise"], arguments, strict=True))
    tensors[name] = tensors[name][:3]

    with pytest.raises(ValueError, match=f"esa_pool needs {name}") as caught:
        esa_pool(**tensors)

    assert str(tuple(tensors[name].shape)) in str(caught.value)


def test_an_error_names_an_image_without_a_cell(device):
    squeezed, weight, bias = given(4, device, size=(15, 14))

    with pytest.raises(ValueError, match=r"at least 15 x 15 pixels, got \(2, 4, 15, 14\)"):
        esa_pool(squeezed, weight, bias)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_stays_so_as_in_pytorch(device, value):
    """By that the engine knows a tile whose sums went beyond half precision."""
    squeezed, weight, bias = given(4, device, size=(27, 33))
    squeezed[0, 1, 8, 8] = value

    cells = esa_pool(squeezed, weight, bias)

    assert torch.equal(cells.isnan(), OP.reference(squeezed, weight, bias).isnan())
    assert cells[1].isfinite().all()
