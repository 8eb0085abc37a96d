"""What a 3x3 convolution with all that follows it means."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from sr_kernels.conv3x3 import OP, conv3x3

pytestmark = pytest.mark.usefixtures("kernels")


@pytest.fixture
def half(device):
    """A dtype that kernels compute in on this device, with its tolerance."""
    return torch.float16 if device.type == "cuda" else torch.float32


def parts(inputs, outputs, device, dtype, shuffle=1, size=(3, 5)):
    torch.manual_seed(0)
    height, width = size
    tensors = (
        torch.randn(1, inputs, height, width),
        torch.randn(outputs, inputs, 3, 3) / (9 * inputs) ** 0.5,
        torch.randn(outputs),
        torch.randn(1, outputs // shuffle**2, shuffle * height, shuffle * width),
    )
    return [tensor.to(device, dtype) for tensor in tensors]


def assert_close(result, expected):
    tolerance = 20 * torch.finfo(result.dtype).eps
    torch.testing.assert_close(result, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("inputs", "outputs", "shuffle"),
    [
        (1, 20, 1),
        (70, 3, 1),  # an image, of more inputs than one step takes
        (4, 70, 1),  # more outputs than one program has
        (5, 27, 3),  # three colours, and sides that are no power of two
        (3, 64, 8),
        (6, 24, 2),  # features, one phase of the shuffle to each program
    ],
)
def test_widths_and_shuffles_are_free(inputs, outputs, shuffle, device, half):
    # four patches
    x, weight, bias, residual = parts(inputs, outputs, device, half, shuffle, (5, 33))
    options = ("leaky_relu", 0.2, 0.5, shuffle)

    result = conv3x3(x, weight, bias, residual, *options)

    assert_close(result, OP.reference(x, weight, bias, residual, *options))


@pytest.mark.parametrize("activation", ["none", "gelu", "relu"])
@pytest.mark.parametrize("missing", [(2,), (3,), (2, 3)], ids=str)
def test_bias_residual_and_activation_may_be_missing(missing, activation, device, half):
    given = parts(5, 6, device, half)
    for place in missing:
        given[place] = None

    result = conv3x3(*given, activation=activation)

    assert_close(result, OP.reference(*given, activation))


def test_a_tap_looks_at_its_neighbour(device, half):
    x = torch.arange(12.0, device=device, dtype=half).reshape(1, 1, 3, 4)
    upper_right = x.new_zeros(1, 1, 3, 3)
    upper_right[0, 0, 0, 2] = 1

    result = conv3x3(x, upper_right)

    assert result[0, 0].tolist() == [[0, 0, 0, 0], [1, 2, 3, 0], [5, 6, 7, 0]]


def test_neighbours_end_at_the_border_of_each_image(device, half):
    x = torch.ones(2, 1, 5, 4, device=device, dtype=half)

    result = conv3x3(x, x.new_ones(1, 1, 3, 3))

    inner = [6, 9, 9, 6]
    assert result[:, 0].tolist() == 2 * [[[4, 6, 6, 4], inner, inner, inner, [4, 6, 6, 4]]]


def test_scale_comes_before_the_residual_and_that_before_the_activation(device, half):
    x = torch.ones(1, 1, 1, 1, device=device, dtype=half)
    weight, bias, residual = x.new_full((1, 1, 3, 3), 3), x.new_ones(1), x.new_full(x.shape, -4)

    result = conv3x3(x, weight, bias, residual, "leaky_relu", 0.25, 0.5)

    # (3 * 1 + 1) / 2 - 4 is below zero
    assert result.item() == -0.5


@pytest.mark.parametrize(("outputs", "shuffle"), [(3, 1), (12, 2), (48, 4)])
def test_an_image_is_contiguous(outputs, shuffle, device, half):
    given = parts(4, outputs, device, half, shuffle)

    assert conv3x3(*given, shuffle=shuffle).is_contiguous()


@pytest.mark.parametrize(("outputs", "shuffle"), [(5, 1), (20, 2)])
def test_features_are_channels_last(outputs, shuffle, device, half):
    given = parts(4, outputs, device, half, shuffle)

    result = conv3x3(*given, shuffle=shuffle)

    assert result.is_contiguous(memory_format=torch.channels_last)


def test_some_channels_of_features_enter_as_they_lie(device, half):
    wide, weight, *_ = parts(8, 6, device, half)
    some, weight = wide.contiguous(memory_format=torch.channels_last)[:, 2:7], weight[:, 2:7]

    assert_close(conv3x3(some, weight), functional.conv2d(some, weight, padding=1))


@pytest.mark.parametrize(
    ("place", "shape", "message"),
    [
        (1, (4, 3, 3, 3), r"weight \(4, 8, 3, 3\), got \(4, 3, 3, 3\)"),
        (1, (4, 8, 1, 1), r"weight \(4, 8, 3, 3\), got \(4, 8, 1, 1\)"),
        (1, (6, 8, 3, 3), "got 6 outputs, shuffle 2"),
        (2, (5,), r"bias \(4,\), got \(5,\)"),
        (3, (1, 1, 3, 5), r"residual \(1, 1, 6, 10\), got \(1, 1, 3, 5\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(place, shape, message, device, half):
    given = parts(8, 4, device, half, shuffle=2)
    given[place] = given[place].new_zeros(shape)

    with pytest.raises(ValueError, match=message):
        conv3x3(*given, shuffle=2)


def test_an_unknown_activation_is_refused(device, half):
    with pytest.raises(ValueError, match="got 'mish'"):
        conv3x3(*parts(4, 4, device, half), "mish")


def test_a_residual_that_is_the_input_is_read_once():
    x, weight, bias, _, *options = OP.example((1, 16, 4, 4), torch.float16, torch.device("cpu"))
    planes, weights = 2 * x.numel(), 2 * weight.numel()

    assert OP.bytes_moved(x, weight, bias, x, *options) == 2 * planes + weights
    assert OP.bytes_moved(x, weight, bias, x.clone(), *options) == 3 * planes + weights
    assert OP.flops(x, weight) == 16 * 18 * 16 * 16
