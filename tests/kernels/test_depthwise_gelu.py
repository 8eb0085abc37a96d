"""What a depthwise convolution with bias, skip and GELU means."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from sr_kernels.depthwise_gelu import OP, depthwise_gelu

pytestmark = pytest.mark.usefixtures("kernels")


@pytest.fixture
def half(device):
    """A dtype that kernels compute in on this device, with its tolerance."""
    return torch.float16 if device.type == "cuda" else torch.float32


def parts(channels, device, dtype):
    torch.manual_seed(0)
    tensors = (
        torch.randn(2, channels, 9, 11),
        torch.randn(channels, 1, 3, 3) / 3,
        torch.randn(channels),
        torch.randn(2, channels, 9, 11),
    )
    return tuple(tensor.to(device, dtype) for tensor in tensors)


def assert_close(result, expected):
    tolerance = 20 * torch.finfo(result.dtype).eps
    torch.testing.assert_close(result, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("activation", ["gelu", "none"])
@pytest.mark.parametrize("missing", [(), (2,), (3,), (2, 3)], ids=str)
def test_bias_and_residual_may_be_missing(missing, activation, device, half):
    given = [
        None if place in missing else tensor for place, tensor in enumerate(parts(6, device, half))
    ]

    result = depthwise_gelu(*given, activation)

    assert_close(result, OP.reference(*given, activation))


def test_channels_do_not_mix(device, half):
    x, weight, bias, residual = parts(100, device, half)
    other = x.clone()
    other[:, 70] += 1

    changed = depthwise_gelu(x, weight, bias, residual) != depthwise_gelu(
        other, weight, bias, residual
    )

    assert changed.any(dim=(0, 2, 3)).nonzero().flatten().tolist() == [70]


def test_zeros_lie_around_the_image(device, half):
    x = torch.ones(1, 1, 3, 4, device=device, dtype=half)

    result = depthwise_gelu(x, torch.ones_like(x[..., :3]), activation="none")

    assert result[0, 0].tolist() == [[4, 6, 6, 4], [6, 9, 9, 6], [4, 6, 6, 4]]


def test_a_tap_looks_at_its_neighbour(device, half):
    x = torch.arange(12.0, device=device, dtype=half).reshape(1, 1, 3, 4)
    lower_left = x.new_zeros(1, 1, 3, 3)
    lower_left[0, 0, 2, 0] = 1

    result = depthwise_gelu(x, lower_left, activation="none")

    assert result[0, 0].tolist() == [[0, 4, 5, 6], [0, 8, 9, 10], [0, 0, 0, 0]]


def test_the_residual_is_added_before_the_activation(device, half):
    residual = torch.full((1, 2, 3, 3), -3, device=device, dtype=half)
    taps = residual.new_zeros(2, 1, 3, 3)

    result = depthwise_gelu(torch.zeros_like(residual), taps, residual=residual)

    assert_close(result, functional.gelu(residual))


@pytest.mark.parametrize(
    ("place", "shape", "message"),
    [
        (1, (6, 1, 1, 3), r"weight \(6, 1, 3, 3\), got \(6, 1, 1, 3\)"),
        (2, (5,), r"bias \(6,\), got \(5,\)"),
        (3, (1, 6, 9, 11), r"residual \(2, 6, 9, 11\), got \(1, 6, 9, 11\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(place, shape, message, device, half):
    given = list(parts(6, device, half))
    given[place] = given[place].new_zeros(shape)

    with pytest.raises(ValueError, match=message):
        depthwise_gelu(*given)


def test_an_unknown_activation_is_refused(device, half):
    with pytest.raises(ValueError, match="got 'relu'"):
        depthwise_gelu(*parts(4, device, half), "relu")


def test_a_residual_that_is_the_input_is_read_once():
    x, weight, bias, residual, _ = OP.example((1, 8, 4, 4), torch.float16, torch.device("cpu"))

    assert OP.bytes_moved(x, weight, bias, residual, "gelu") == 3 * 2 * x.numel()
    assert OP.bytes_moved(x, weight, bias, x, "gelu") == 2 * 2 * x.numel()
    assert OP.bytes_moved(x, weight, bias, None, "gelu") == 2 * 2 * x.numel()
