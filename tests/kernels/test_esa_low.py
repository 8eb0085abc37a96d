"""What `esa_low` means; that it is right in general is in test_contract.py."""

from __future__ import annotations

import pytest
import torch

from sr_kernels import esa_low as module
from sr_kernels import launched
from sr_kernels.esa_low import OP, esa_low

pytestmark = pytest.mark.usefixtures("kernels")
EPS = 2**-10
NAMES = (
    "cells", "first", "first_bias", "first_pointwise", "first_between", "second", "second_bias",
    "second_pointwise", "second_between", "last", "last_bias", "last_pointwise", "last_between",
)  # fmt: skip


@pytest.fixture
def small_tiles(monkeypatch):
    """Tiles as on a GPU, and of which a small plane has several."""
    monkeypatch.setattr(module, "ROWS", 4)
    monkeypatch.setattr(module, "COLUMNS", 8)


def dense(inner, device, size=(9, 11)):
    """Return cells and three dense 3x3, each with its bias and no 1x1."""
    torch.manual_seed(0)
    arguments = [torch.randn(2, inner, *size)]
    for _ in range(3):
        weight = torch.randn(inner, inner, 3, 3) / inner**0.5 / 3
        arguments += [weight, torch.randn(inner), None, None]
    return [None if each is None else each.to(device).half() for each in arguments]


def in_float64(arguments, *activation):
    wide = [None if each is None else each.double() for each in arguments]
    return OP.reference(*wide, *activation)


@pytest.mark.usefixtures("small_tiles")
def test_dense_3x3_are_convolved_too(device):
    arguments, activation = dense(12, device, size=(5, 9)), ("leaky_relu", 0.1)

    result = esa_low(*arguments, *activation)

    # three roundings of sums near 1 to 4
    expected = in_float64(arguments, *activation)
    torch.testing.assert_close(result.double(), expected, rtol=4 * EPS, atol=4 * EPS)
    assert launched() == {"esa_low": 1}


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("size", [(1, 1), (4, 17)], ids=str)
def test_tiles_leave_no_trace(device, size):
    torch.manual_seed(0)
    arguments = OP.example((1, 4, *size), torch.float16, device)

    result = esa_low(*arguments)

    expected = in_float64(arguments[:-2], "gelu", 0.0)
    torch.testing.assert_close(result.double(), expected, rtol=4 * EPS, atol=4 * EPS)


def test_every_convolution_sees_zeros_outside_the_plane(device):
    """A bias alone shows which taps a cell has: of a 3x3 of ones, as many as lie inside."""
    ones, none = torch.ones(1, 1, 3, 3, device=device).half(), torch.zeros(1, device=device).half()
    one = (ones, none, ones[..., :1, :1], none + 1)
    cells = torch.zeros(1, 1, 3, 3, device=device).half()

    result = esa_low(cells, *one, *one, *one, "none")

    # of a corner 4, of an edge 6, of the middle 9; then sums of these and one for each tap
    inside = torch.tensor([[4.0, 6, 4], [6, 9, 6], [4, 6, 4]], dtype=torch.float64)
    expected = torch.nn.functional.conv2d(inside[None, None], torch.ones(1, 1, 3, 3).double(),
                                          padding=1) + inside  # fmt: skip
    expected = torch.nn.functional.conv2d(expected, torch.ones(1, 1, 3, 3).double(), padding=1)
    assert torch.equal(result.double().cpu(), expected + inside)


@pytest.mark.parametrize("name", NAMES[1:])
def test_an_error_names_the_tensor_and_its_shape(device, name):
    *tensors, activation, slope = OP.example((1, 8, 3, 4), torch.float16, device)
    tensors[NAMES.index(name)] = tensors[NAMES.index(name)][:3]

    with pytest.raises(ValueError, match=f"esa_low needs {name}") as caught:
        esa_low(*tensors, activation, slope)

    assert str(tuple(tensors[NAMES.index(name)].shape)) in str(caught.value)


def test_a_bias_needs_its_1x1(device):
    arguments = dense(4, device)
    arguments[4] = arguments[2]

    with pytest.raises(ValueError, match=r"needs first_pointwise for first_between \(4,\), got N"):
        esa_low(*arguments)


def test_an_unknown_activation_is_refused(device):
    with pytest.raises(ValueError, match="got 'softplus'"):
        esa_low(*dense(4, device), "softplus")
