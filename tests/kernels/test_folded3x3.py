"""A depthwise 3x3 after a 1x1 is a dense 3x3; `esa_low` and `esa_pool` test it whole."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from sr_kernels._folded3x3 import check, convolve, load_mixing, load_taps_of_row
from sr_kernels._triton import tl, triton

INNER = 16


@triton.jit
def _kernel(weight_ptr, pointwise_ptr, y_ptr, E: tl.constexpr):
    e = tl.arange(0, E)
    mixing = load_mixing(pointwise_ptr, e, e, E)
    at = e[:, None] * E + e[None, :]
    for down in tl.static_range(3):
        taps = load_taps_of_row(weight_ptr, mixing, down, e, e, E, tl.float32)
        for across in tl.static_range(3):
            tl.store(y_ptr + (down * 3 + across) * E * E + at, taps[across])


def taps_of(weight, pointwise):
    y = weight.new_empty(9, INNER, INNER)
    weight = weight.contiguous(memory_format=torch.channels_last)
    _kernel[(1,)](weight, pointwise, y, E=INNER)
    return y


def test_a_dense_weight_is_loaded_as_it_is(device):
    weight = torch.randn(INNER, INNER, 3, 3, device=device)

    taps = taps_of(weight, None)

    assert torch.equal(taps, weight.permute(2, 3, 1, 0).reshape(9, INNER, INNER))


def test_a_folded_weight_convolves_as_both_do(device):
    weight = torch.randn(INNER, 1, 3, 3, device=device)
    pointwise = torch.randn(INNER, INNER, 1, 1, device=device)
    bias = torch.randn(INNER, device=device)
    x = torch.randn(1, INNER, 5, 6, device=device)

    dense = taps_of(weight, pointwise).reshape(3, 3, INNER, INNER).permute(3, 2, 0, 1)

    folded = functional.conv2d(x, dense, bias, padding=1)
    both = convolve(x, weight, bias, pointwise, None)
    torch.testing.assert_close(folded, both, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("place", "shape", "message"),
    [
        (0, (4, 4, 3, 3), r"op needs some \(4, 1, 3, 3\), got \(4, 4, 3, 3\)"),
        (1, (3,), r"op needs some_bias \(4,\), got \(3,\)"),
        (2, (4, 3, 1, 1), r"op needs some_pointwise \(4, 4, 1, 1\), got \(4, 3, 1, 1\)"),
    ],
)
def test_weights_that_do_not_fit_are_named_with_their_shapes(place, shape, message):
    shapes = [(4, 1, 3, 3), (4,), (4, 4, 1, 1), (4,)]
    shapes[place] = shape

    with pytest.raises(ValueError, match=message):
        check("op", "some", 4, [torch.zeros(each) for each in shapes])


def test_a_bias_between_needs_a_pointwise_half():
    weights = [torch.zeros(4, 4, 3, 3), torch.zeros(4), None, torch.zeros(4)]

    with pytest.raises(ValueError, match=r"op needs some_pointwise for some_between \(4,\), got N"):
        check("op", "some", 4, weights)
