"""What `pixel_shuffle_add` means; that it is right in general is in test_contract.py."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from sr_kernels import launched
from sr_kernels.pixel_shuffle_add import BLOCK, OP, pixel_shuffle_add

pytestmark = pytest.mark.usefixtures("kernels")
SCALES = [2, 3, 4]


def numbered(shape, device):
    """Return a tensor whose every value tells its place, exactly."""
    size = torch.Size(shape).numel()
    return (torch.arange(size, device=device) % 2039).reshape(shape).half()


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("planes", [1, 3, 6, 20])
def test_every_pixel_comes_from_its_channel(device, scale, planes):
    height, width = 3, BLOCK + 5
    x = numbered((2, planes * scale**2, height, width), device)

    y = pixel_shuffle_add(x, scale)

    shares = x.reshape(2, planes, scale, scale, height, width)
    for i in range(scale):
        for j in range(scale):
            assert torch.equal(y[:, :, i::scale, j::scale], shares[:, :, i, j])
    assert launched() == {"pixel_shuffle_add": 1}


@pytest.mark.parametrize("scale", SCALES)
def test_the_skip_is_added_where_it_lies(device, scale):
    skip = numbered((1, 3, 5 * scale, 7 * scale), device)
    x = torch.zeros(1, 3 * scale**2, 5, 7, device=device).half()

    y = pixel_shuffle_add(x, scale, skip)

    assert torch.equal(y, skip)


@pytest.mark.parametrize("scale", SCALES)
def test_the_result_is_an_image_in_nchw(device, scale):
    x = numbered((2, 3 * scale**2, 4, 5), device).to(memory_format=torch.channels_last)

    y = pixel_shuffle_add(x, scale)

    assert y.shape == (2, 3, 4 * scale, 5 * scale)
    assert y.is_contiguous()


@pytest.mark.parametrize("scale", SCALES)
def test_features_stay_channels_last(device, scale):
    x, skip = (
        numbered((2, 5 * scale**2, 4, 5), device),
        numbered((2, 5, 4 * scale, 5 * scale), device),
    )

    y = pixel_shuffle_add(torch.zeros_like(x), scale, skip)

    assert torch.equal(y, skip)
    assert y.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("shares", "scale"), [(12, 2), (20, 2), (54, 3)])
def test_every_channel_has_a_bias_of_its_own(device, shares, scale):
    bias = numbered((shares,), device)

    y = pixel_shuffle_add(torch.zeros(1, shares, 3, 4, device=device).half(), scale, bias=bias)

    one = functional.pixel_shuffle(bias[:, None, None], scale)
    assert torch.equal(y[0], one.repeat(1, 3, 4))


def test_bias_comes_first_then_factor_skip_and_activation(device):
    x = torch.ones(1, 4, 1, 1, device=device).half()
    skip = x.new_full((1, 1, 2, 2), -4)

    y = pixel_shuffle_add(x, 2, skip, 2 * x[0, :, 0, 0], "leaky_relu", 0.25, factor=0.5)

    # (1 + 2) / 2 - 4 is below zero
    assert (y == -0.625).all()


@pytest.mark.parametrize("planes", [3, 5])
@pytest.mark.parametrize("several", [False, True])
def test_slopes_that_were_learnt_are_those_of_a_parametric_rectifier(device, planes, several):
    x = -numbered((1, planes * 4, 2, 3), device)
    slopes = torch.arange(1.0, planes + 1 if several else 2, device=device).half() / 8

    y = pixel_shuffle_add(x, 2, None, None, "leaky_relu", 7.0, slopes)

    assert torch.equal(y, functional.prelu(functional.pixel_shuffle(x, 2), slopes))


@pytest.mark.parametrize("activation", ["none", "gelu", "relu", "hard_swish"])
def test_activations_are_those_of_pytorch(device, activation):
    x = torch.linspace(-3, 3, 20, device=device).reshape(1, 20, 1, 1).half()

    y = pixel_shuffle_add(x, 2, activation=activation)

    torch.testing.assert_close(y, OP.reference(x, 2, activation=activation), rtol=2e-3, atol=1e-3)


def test_a_scale_of_one_only_adds(device):
    x = numbered((1, 3, 4, 5), device)

    assert torch.equal(pixel_shuffle_add(x, 1, x), 2 * x)


@pytest.mark.parametrize(("shape", "scale"), [((1, 6, 4, 5), 2), ((1, 4, 4), 2), ((1, 4, 4, 5), 0)])
def test_an_error_names_shape_and_scale(device, shape, scale):
    with pytest.raises(ValueError, match=f"scale {scale}$") as caught:
        pixel_shuffle_add(torch.ones(shape, device=device), scale)

    assert str(shape) in str(caught.value)


def test_an_error_names_the_skip_that_would_fit(device):
    x = torch.ones(1, 12, 4, 5, device=device)

    with pytest.raises(ValueError, match=r"needs skip \(1, 3, 8, 10\), got \(1, 3, 4, 5\)"):
        pixel_shuffle_add(x, 2, x[:, :3])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"bias": 3}, r"needs bias \(12,\), got \(3,\)"),
        ({"slopes": 2, "activation": "leaky_relu"}, r"needs slopes \(3,\), got \(2,\)"),
        ({"slopes": 3, "activation": "relu"}, "activation 'leaky_relu' for slopes, got 'relu'"),
        ({"activation": "mish"}, "got 'mish'"),
    ],
    ids=str,
)
def test_an_error_names_what_does_not_fit(device, given, message):
    x = torch.ones(1, 12, 4, 5, device=device)
    arguments = {
        name: x.new_ones(value) if isinstance(value, int) else value
        for name, value in given.items()
    }

    with pytest.raises(ValueError, match=message):
        pixel_shuffle_add(x, 2, **arguments)
