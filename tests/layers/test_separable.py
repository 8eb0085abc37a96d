"""Separable convolutions against dense ones and against their definitions."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from napari_sr.layers.separable import SEPARABLE, BSConv, depthwise, middle
from sr_kernels import launched, reset_launched, use_kernels
from sr_kernels._triton import HAS_TRITON

KINDS = pytest.mark.parametrize("kind", SEPARABLE)


def test_blueprint_pads_what_the_pointwise_half_returns():
    torch.manual_seed(0)
    convolution = BSConv(3, 4, pointwise_bias=True).double()
    x = torch.rand(1, 3, 5, 6, dtype=torch.float64)
    pointwise = torch.einsum("oi,nihw->nohw", convolution.pointwise.weight[:, :, 0, 0], x)
    pointwise = pointwise + convolution.pointwise.bias[:, None, None]
    padded = functional.pad(pointwise, (1, 1, 1, 1))
    kernels = convolution.depthwise.weight[:, 0]
    expected = convolution.depthwise.bias[:, None, None] + sum(
        padded[:, :, row : row + 5, column : column + 6] * kernels[:, row, column, None, None]
        for row in range(3)
        for column in range(3)
    )

    torch.testing.assert_close(convolution(x), expected, rtol=0, atol=1e-12)


def in_order(kind, layer, x, stride=1, padding=1):
    """Compute both halves of a separable convolution, one after the other."""

    def spread(x):
        weight, bias = layer.depthwise.weight, layer.depthwise.bias
        return functional.conv2d(x, weight, bias, stride, padding, groups=weight.shape[0])

    if kind == "dsconv":
        return layer.pointwise(spread(x))
    narrow = getattr(layer, "narrow", nn.Identity())
    return spread(layer.pointwise(narrow(x)))


@KINDS
@pytest.mark.parametrize(
    "activation", [nn.GELU(), nn.ReLU(), nn.LeakyReLU(0.3), nn.Hardswish(), None], ids=str
)
def test_it_adds_before_it_activates(kind, activation):
    torch.manual_seed(1)
    layer = SEPARABLE[kind].convolution(8, 6, activation=activation).double()
    x, residual = (torch.randn(1, many, 5, 6, dtype=torch.float64) for many in (8, 6))
    activate = activation or nn.Identity()

    expected = activate(in_order(kind, layer, x) + residual)

    torch.testing.assert_close(layer(x, residual), expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(layer(x), activate(in_order(kind, layer, x)), rtol=0, atol=1e-12)


@KINDS
def test_cells_are_the_maximum_of_the_strided_convolution(kind):
    torch.manual_seed(2)
    pool = SEPARABLE[kind].pool(6).double()
    squeezed = torch.randn(2, 6, 22, 27, dtype=torch.float64)
    strided = in_order(kind, pool, squeezed, stride=2, padding=0)

    expected = functional.max_pool2d(strided, 7, stride=3)

    torch.testing.assert_close(pool(squeezed), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        # 64 x 64 over channels and 64 x 9 + 64 in each
        ("bsconv_u", 4_736),
        # 64 x 16 and 16 x 64 over channels
        ("bsconv_s", 2_688),
        ("dsconv", 4_736),
    ],
)
def test_parameters_are_those_of_the_definition(kind, parameters):
    layer = SEPARABLE[kind].convolution(64, 64)

    assert sum(parameter.numel() for parameter in layer.parameters()) == parameters


@pytest.mark.parametrize(("inputs", "between"), [(64, 16), (50, 13), (12, 4), (3, 3)])
def test_between_two_1x1_is_a_quarter_but_four_at_least(inputs, between):
    assert middle(inputs) == between


def test_depthwise_keeps_channels_apart():
    layer = depthwise(3)
    x = torch.zeros(1, 3, 4, 4)
    other = x.clone()
    other[:, 1] = 1

    difference = (layer(other) - layer(x)).abs().amax((0, 2, 3))

    assert difference[1] > 0
    assert difference[[0, 2]].max() == 0


@pytest.mark.skipif(not HAS_TRITON, reason="there are no kernels without Triton")
@pytest.mark.parametrize(
    ("kind", "activation", "ops"),
    [
        ("bsconv_u", nn.GELU(), ["bsconv"]),
        ("bsconv_u", nn.Hardswish(), ["bsconv"]),
        ("bsconv_s", nn.GELU(), ["bsconv"]),
        ("dsconv", nn.Hardswish(), ["depthwise_gelu", "pointwise_sum"]),
    ],
    ids=str,
)
def test_kernels_take_what_fits(kind, activation, ops):
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(3)
    layer = SEPARABLE[kind].convolution(16, 16, activation=activation).to(device).half()
    x = torch.randn(1, 16, 5, 6, device=device).half()

    reset_launched()
    with torch.no_grad():
        with use_kernels("triton"):
            result = layer(x, x)
        expected = layer.double()(x.double(), x.double())

    assert launched() == dict.fromkeys(ops, 1)
    # the halves in between are rounded too
    torch.testing.assert_close(result.double(), expected, rtol=0, atol=4e-3)
