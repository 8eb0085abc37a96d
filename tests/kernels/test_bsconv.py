"""What a blueprint separable convolution means."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

import sr_kernels
from sr_kernels import use_kernels
from sr_kernels._matrix import channels_last
from sr_kernels.bsconv import OP, bsconv, choice

pytestmark = pytest.mark.usefixtures("kernels")


@pytest.fixture
def half(device):
    """A dtype that kernels compute in on this device, with its tolerance."""
    return torch.float16 if device.type == "cuda" else torch.float32


def parts(inputs, outputs, device, dtype, size=(9, 11)):
    torch.manual_seed(0)
    tensors = (
        torch.randn(2, inputs, *size),
        torch.randn(outputs, inputs, 1, 1) / inputs**0.5,
        torch.randn(outputs),
        torch.randn(outputs, 1, 3, 3) / 3,
        torch.randn(outputs),
        torch.randn(2, outputs, *size),
    )
    return tuple(tensor.to(device, dtype) for tensor in tensors)


def assert_close(result, expected):
    tolerance = 20 * torch.finfo(result.dtype).eps
    torch.testing.assert_close(result, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("activation", ["gelu", "none"])
@pytest.mark.parametrize("missing", [(), (2,), (4,), (5,), (2, 4, 5)], ids=str)
def test_biases_and_residual_may_be_missing(missing, activation, device, half):
    given = [
        None if place in missing else tensor
        for place, tensor in enumerate(parts(12, 12, device, half))
    ]

    result = bsconv(*given, activation)

    assert_close(result, OP.reference(*given, activation))


@pytest.mark.parametrize(("inputs", "outputs"), [(12, 48), (64, 32), (3, 100)])
def test_outputs_may_be_more_or_fewer_than_inputs(inputs, outputs, device, half):
    given = parts(inputs, outputs, device, half)

    assert_close(bsconv(*given), OP.reference(*given))


def test_the_bias_in_between_ends_at_the_border(device, half):
    """Ones through an identity: each pixel counts the neighbours that lie inside the image."""
    x = torch.zeros(1, 1, 3, 4, device=device, dtype=half)
    one, ones = x.new_ones(1, 1, 1, 1), x.new_ones(1, 1, 3, 3)

    result = bsconv(x, one, x.new_ones(1), ones, activation="none")

    expected = [[4, 6, 6, 4], [6, 9, 9, 6], [4, 6, 6, 4]]
    assert result[0, 0].tolist() == expected


def test_a_tap_looks_at_its_neighbour(device, half):
    x = torch.arange(12.0, device=device, dtype=half).reshape(1, 1, 3, 4)
    upper_right = x.new_zeros(1, 1, 3, 3)
    upper_right[0, 0, 0, 2] = 1

    result = bsconv(x, x.new_ones(1, 1, 1, 1), None, upper_right, activation="none")

    assert result[0, 0].tolist() == [[0, 0, 0, 0], [1, 2, 3, 0], [5, 6, 7, 0]]


def test_the_residual_is_added_before_the_activation(device, half):
    x = torch.zeros(1, 2, 3, 3, device=device, dtype=half)
    residual = torch.full_like(x, -3)
    weight, taps = x.new_zeros(2, 2, 1, 1), x.new_zeros(2, 1, 3, 3)

    result = bsconv(x, weight, None, taps, residual=residual)

    assert_close(result, functional.gelu(residual))


def test_the_result_is_channels_last(device, half):
    result = bsconv(*parts(8, 8, device, half))

    assert result.is_contiguous(memory_format=torch.channels_last)


def test_a_band_s_rows_do_not_change_the_bits(device, half, monkeypatch):
    given = parts(8, 8, device, half, size=(9, 5))
    expected = bsconv(*given)

    for rows in (2, 5, 40):
        monkeypatch.setattr("sr_kernels.bsconv.rows_per_band", lambda *_, rows=rows: rows)
        assert torch.equal(bsconv(*given), expected)


def test_training_gets_gradients_without_a_kernel(device, half):
    sr_kernels.reset_launched()
    given = [tensor.requires_grad_() for tensor in parts(4, 4, device, half)]

    with use_kernels("auto"):
        bsconv(*given).sum().backward()

    assert all(tensor.grad is not None for tensor in given)
    assert sr_kernels.launched() == {}


@pytest.mark.parametrize(
    ("place", "shape", "message"),
    [
        (1, (4, 3, 1, 1), r"pointwise \(4, 8, 1, 1\), got \(4, 3, 1, 1\)"),
        (2, (5,), r"pointwise_bias \(4,\), got \(5,\)"),
        (3, (4, 1, 5, 5), r"depthwise \(4, 1, 3, 3\), got \(4, 1, 5, 5\)"),
        (4, (1, 4), r"bias \(4,\), got \(1, 4\)"),
        (5, (2, 4, 9, 10), r"residual \(2, 4, 9, 11\), got \(2, 4, 9, 10\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(place, shape, message, device, half):
    given = list(parts(8, 4, device, half))
    given[place] = given[place].new_zeros(shape)

    with pytest.raises(ValueError, match=message):
        bsconv(*given)


def test_an_unknown_activation_is_refused(device, half):
    with pytest.raises(ValueError, match="got 'relu'"):
        bsconv(*parts(4, 4, device, half), "relu")


def test_a_residual_that_is_the_input_is_read_once():
    x, *rest = OP.example((1, 8, 4, 4), torch.float16, torch.device("cpu"))
    apart = [*rest[:-3], x.clone(), *rest[-2:]]

    assert OP.bytes_moved(x, *rest) == 2 * 2 * x.numel()
    assert OP.bytes_moved(x, *apart) == 3 * 2 * x.numel()
    assert OP.flops(x, *rest) == 16 * (2 * 8 * 8 + 18 * 8)


@pytest.mark.parametrize("part", [16, 32, 64])
def test_every_part_has_its_launch_options(part):
    assert choice(part).keys() == {"BLOCK", "num_warps", "num_stages"}


@pytest.mark.parametrize("width", [1, 33])
def test_an_odd_column_at_the_end_is_computed_alone(width, device, half):
    given = parts(12, 12, device, half, size=(3, width))

    assert_close(bsconv(*given), OP.reference(*given))


def test_an_image_that_is_repeated_is_read_as_it_lies(device, half):
    x, *rest = parts(12, 16, device, half, size=(5, 35))
    image = x[:, :3]

    result = bsconv(image, *rest, replication=4)

    assert_close(result, OP.reference(image.repeat(1, 4, 1, 1), *rest))
    assert torch.equal(result, bsconv(channels_last(image), *rest, replication=4))


def test_an_error_names_the_weight_of_a_repeated_image(device, half):
    given = parts(3, 8, device, half)

    with pytest.raises(ValueError, match=r"bsconv needs pointwise .*\(8, 12, 1, 1\)"):
        bsconv(*given, replication=4)
