"""The small layers and functions that networks share."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from napari_sr.layers.blocks import (
    Activated3x3,
    ResidualBlock,
    SubPixel3x3,
    activation_of,
    conv1x1,
    conv3x3,
    count,
    options_of_blocks,
    reach_in_small_pixels,
    rename,
    scale_of_shuffle,
    shape_of,
    weight_and_bias,
    width_of,
)
from sr_kernels._activation import activated


@pytest.mark.parametrize("convolution", [conv1x1, conv3x3])
def test_convolutions_keep_the_size(convolution):
    assert convolution(3, 5)(torch.zeros(1, 3, 4, 7)).shape == (1, 5, 4, 7)
    assert convolution(3, 5, bias=False).bias is None


@pytest.mark.parametrize(
    "module",
    [nn.GELU(), nn.ReLU(), nn.LeakyReLU(0.3), nn.Hardswish(), nn.Tanh(), nn.Identity()],
    ids=str,
)
def test_kernels_know_an_activation_by_name_and_slope(module):
    x = torch.linspace(-3, 3, 13)

    assert torch.equal(activated(x, *activation_of(module)), module(x))


@pytest.mark.parametrize("module", [nn.Mish(), nn.GELU(approximate="tanh")], ids=str)
def test_an_activation_that_kernels_do_not_know_is_refused(module):
    with pytest.raises(ValueError, match=rf"got {type(module).__name__}\("):
        activation_of(module)


def test_a_convolution_s_tensors_come_weight_first():
    layer = conv1x1(3, 5)

    weight, bias = weight_and_bias(layer)

    assert weight is layer.weight and bias is layer.bias


def convolve(layer, x):
    return functional.conv2d(x, layer.weight, layer.bias, padding=1)


def test_a_residual_comes_after_the_factor_and_before_the_activation():
    layer = Activated3x3(3, 5, activation=nn.LeakyReLU(0.3)).double()
    x, residual = torch.randn(2, 3, 4, 6).double(), torch.randn(2, 5, 4, 6).double()

    expected = functional.leaky_relu(convolve(layer, x) / 10 + residual, 0.3)

    torch.testing.assert_close(layer(x, residual, 0.1), expected, rtol=0, atol=1e-12)


def test_sub_pixels_are_multiplied_and_activated():
    layer = SubPixel3x3(3, 2, scale=3, activation=nn.ReLU()).double()
    x = torch.randn(2, 3, 4, 6).double()

    expected = functional.pixel_shuffle(convolve(layer, x), 3).relu() / 10

    torch.testing.assert_close(layer(x, 0.1), expected, rtol=0, atol=1e-12)


def test_residual_block_is_its_definition():
    block = ResidualBlock(features=3, factor=0.1).double()
    first, second = block.branch
    x = torch.randn(2, 3, 4, 6).double()

    expected = x + convolve(second, convolve(first, x).relu()) / 10

    torch.testing.assert_close(block(x), expected, rtol=0, atol=1e-12)
    assert list(dict(block.named_parameters())) == [
        f"branch.{index}.{kind}" for index in (0, 2) for kind in ("weight", "bias")
    ]


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("reach", range(10))
def test_reach_in_small_pixels_is_the_furthest_over_all_phases(scale, reach):
    furthest = max(
        max((place + reach) // scale, -((place - reach) // scale)) for place in range(scale)
    )

    assert reach_in_small_pixels(reach, scale) == furthest


def test_rename_applies_rules_in_order():
    state = {"a.1.w": torch.zeros(1)}

    renamed = rename(state, [(r"^a\.", "b."), (r"b\.(\d)", lambda match: f"c{int(match[1]) + 1}")])

    assert list(renamed) == ["c2.w"]


def test_rename_loses_no_tensor_where_two_keys_become_one():
    state = {"a.w": torch.zeros(1), "b.w": torch.ones(1)}

    assert rename(state, [(r"^a\.", "b.")]) == state


def test_shapes_of_missing_and_strange_tensors_are_empty():
    state = {"x": torch.zeros(2, 3, 1, 1), "flat": torch.zeros(4), "none": torch.zeros(0, 1, 1, 1)}

    assert shape_of(state, "x") == (2, 3, 1, 1)
    assert shape_of(state, "y") == ()
    assert width_of(state, "x") == (2, 3)
    assert width_of(state, "flat") == width_of(state, "none") == width_of(state, "y") == (0, 0)


def test_count_counts_different_numbers():
    state = dict.fromkeys(["b.0.w", "b.0.v", "b.7.w", "c.3.w"], torch.zeros(1))

    assert count(state, r"b\.(\d+)\.") == 2


@pytest.mark.parametrize(
    ("outputs", "channels", "scale"),
    [(12, 3, 2), (48, 3, 4), (3, 3, 1), (9, 1, 3), (10, 3, None), (15, 3, None), (4, 0, None)],
)
def test_scale_of_shuffle(outputs, channels, scale):
    assert scale_of_shuffle(outputs, channels) == scale


def test_options_are_read_off_a_head_and_blocks():
    state = {"head.weight": torch.zeros(8, 3, 3, 3)}
    state |= {f"blocks.{index}.weight": torch.zeros(1) for index in range(4)}

    options = options_of_blocks(state, 2)

    assert options == {"scale": 2, "channels": 3, "features": 8, "blocks": 4}
    assert options_of_blocks(state, None) is None
    assert options_of_blocks({"head.weight": torch.zeros(8)}, 2) is None


def test_a_convolution_without_bias_is_the_weight_alone():
    torch.manual_seed(0)
    layer, x = Activated3x3(3, 4, activation=nn.ReLU(), bias=False), torch.rand(1, 3, 5, 6)

    expected = functional.conv2d(x, layer.weight, padding=1).relu()
    torch.testing.assert_close(layer(x), expected)
    assert layer.state_dict().keys() == {"weight"}
