"""The parts of networks that double step by step."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from napari_sr.layers.pyramid import Doubling, Leaky3x3, levels_of, of_matconvnet, set_bilinear


@pytest.mark.parametrize("inference", [True, False], ids=["inference", "training"])
@pytest.mark.parametrize("kernel", [3, 4])
def test_doubling_is_the_beginning_of_a_full_transposed_convolution(kernel, inference):
    doubling, x = Doubling(2, 3, kernel=kernel), torch.rand(1, 2, 4, 5)
    full = functional.conv_transpose2d(x, doubling.weight, doubling.bias, stride=2)

    with torch.inference_mode(inference):
        result = doubling(x)

    first = kernel - 3  # MatConvNet crops [0, 1, 0, 1] of 3x3, and [1, 1, 1, 1] of 4x4
    torch.testing.assert_close(result, full[..., first : first + 8, first : first + 10])


def test_leaky_convolution_adds_before_it_rectifies():
    layer, x, residual = Leaky3x3(2, 2), torch.rand(1, 2, 4, 4), torch.randn(1, 2, 4, 4)

    expected = functional.conv2d(x, layer.weight, layer.bias, padding=1) + residual

    torch.testing.assert_close(layer(x, residual), functional.leaky_relu(expected, 0.2))


def test_bilinear_start_enlarges_bilinearly():
    doubling, image = Doubling(2, 2, kernel=4, bias=False), torch.rand(1, 2, 6, 6)
    set_bilinear(doubling.weight)

    expected = functional.interpolate(image, scale_factor=2.0, mode="bilinear")

    torch.testing.assert_close(doubling(image)[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1])


@pytest.mark.parametrize(("scale", "levels"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (8, 3)])
def test_levels_reach_the_scale(scale, levels):
    assert levels_of(scale) == levels


def test_matconvnet_filters_get_pytorchs_axes_and_lost_axes_of_length_1():
    filters = torch.rand(3, 3, 5)

    found = of_matconvnet({"a_f": filters, "a_b": torch.rand(1, 5), "img_f": torch.rand(4, 4)})

    assert [(key, tuple(value.shape)) for key, value in found.items()] == [
        ("a.weight", (1, 5, 3, 3)),
        ("a.bias", (5,)),
        ("img.weight", (1, 1, 4, 4)),
    ]
    assert found["a.weight"][0, 4, 1, 2] == filters[1, 2, 4]
