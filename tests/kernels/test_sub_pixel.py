"""A sub-pixel convolution is the same, whichever kernels compute it."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from sr_kernels import launched, reset_launched, use_kernels
from sr_kernels._sub_pixel import sub_pixel
from sr_kernels.conv3x3 import MOST_INPUTS

NARROW, WIDE = 4, MOST_INPUTS + 2
"""Channels that go in."""


def parts(inputs, device, dtype=torch.float32, bias=True):
    torch.manual_seed(0)
    x, weight = torch.randn(1, inputs, 3, 5), torch.randn(20, inputs, 3, 3) / (9 * inputs) ** 0.5
    values = [x, weight, torch.randn(20) if bias else None]
    return [value if value is None else value.to(device, dtype) for value in values]


def defined(x, weight, bias, slopes, factor):
    y = functional.conv2d(x, weight, bias, padding=1) * factor
    return functional.prelu(functional.pixel_shuffle(y, 2), slopes)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("inputs", "learnt", "op"),
    [
        (NARROW, False, "conv3x3"),
        (NARROW, True, "pixel_shuffle_add"),
        (WIDE, False, "pixel_shuffle_add"),
    ],
)
def test_pixels_are_shuffled_in_the_convolution_or_after_it(inputs, learnt, op, bias, device):
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    given = parts(inputs, device, dtype, bias)
    slopes = given[0].new_tensor([0.25])
    reset_launched()

    with use_kernels("triton"):
        y = sub_pixel(*given, 2, "leaky_relu", 0.25, slopes if learnt else None, 0.5)

    assert launched() == {op: 1}
    tolerance = 20 * torch.finfo(dtype).eps
    torch.testing.assert_close(y, defined(*given, slopes, 0.5), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("inputs", [NARROW, WIDE])
def test_the_reference_is_plain_pytorch_to_the_bit(inputs):
    given = parts(inputs, torch.device("cpu"))

    with use_kernels("reference"):
        y = sub_pixel(*given, 2, "leaky_relu", 0.1, factor=0.3)

    convolved = functional.conv2d(*given, padding=1) * 0.3
    assert torch.equal(y, functional.leaky_relu(functional.pixel_shuffle(convolved, 2), 0.1))


def test_what_is_compiled_chooses_between_kernel_and_reference_when_it_runs():
    given = parts(WIDE, torch.device("cpu"))
    compiled = torch.compile(
        lambda *given: sub_pixel(*given, 2, "relu"), backend="eager", fullgraph=True
    )
    reset_launched()

    with torch.no_grad():
        plain = compiled(*given)
        with use_kernels("triton"):
            fused = compiled(*given)

    assert launched() == {"pixel_shuffle_add": 1}
    torch.testing.assert_close(fused, plain)


def test_gradients_reach_the_bias_that_is_added_late(device):
    x, weight, bias = parts(WIDE, device)
    bias.requires_grad_()

    with use_kernels("triton" if device.type == "cpu" else "auto"):
        sub_pixel(x, weight, bias, 2).sum().backward()

    # each is added to every pixel of x
    assert (bias.grad == 15).all()
