"""Shapes of convolutions, compared with those of torch; see also test_meta_shapes.py."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_sr.graph.meta_convolutions import either, ordinary, pooled, transposed

aten = torch.ops.aten
PAIRS = st.lists(st.integers(1, 3), min_size=2, max_size=2)


def meta(*shape):
    return torch.empty(shape, device="meta")


def of_torch(func, *args):
    """Return the shape that torch computes; None if it raises."""
    try:
        return tuple(func(*args).shape)
    except RuntimeError:
        return None


@given(sides=PAIRS, stride=PAIRS, padding=PAIRS, dilation=PAIRS, groups=st.sampled_from([1, 2]))
def test_shapes_are_those_of_torch_or_none(sides, stride, padding, dilation, groups):
    x, weight = meta(2, 4, 5, 7), meta(6, 4 // groups, *sides)
    back = meta(4, 6 // groups, *sides)

    plain = (x, weight, None, stride, padding, dilation, groups)
    turned = (x, back, None, stride, padding, [0, 0], groups, dilation)

    assert ordinary(*plain) == of_torch(aten.conv2d.default, *plain)
    assert transposed(*turned) == of_torch(aten.conv_transpose2d.input, *turned)


@pytest.mark.parametrize("is_transposed", [False, True])
def test_a_flag_says_whether_a_convolution_is_transposed(is_transposed):
    args = (meta(2, 4, 5, 7), meta(4, 4, 3, 3), None, [2, 2], [1, 1], [1, 1])
    rest = (is_transposed, [0, 0], 1)

    assert either(*args, *rest) == of_torch(aten.convolution.default, *args, *rest)


@given(side=PAIRS, stride=PAIRS)
def test_pools_have_the_shape_of_torchs(side, stride):
    x = meta(2, 3, 4, 9)

    assert pooled(x, side, stride) == of_torch(aten.max_pool2d.default, x, side, stride)
    assert pooled(x, side) == of_torch(aten.max_pool2d.default, x, side)
    assert pooled(x, [5, 5]) is None
