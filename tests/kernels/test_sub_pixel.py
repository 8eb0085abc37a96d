"""A sub-pixel convolution is the same, whichever kernels compute it."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from sr_kernels import _sub_pixel, launched, reset_launched, use_kernels
from sr_kernels._sub_pixel import sub_pixel


def parts(outputs, device, dtype=torch.float32, bias=True):
    torch.manual_seed(0)
    x, weight = torch.randn(1, 4, 3, 5), torch.randn(outputs, 4, 3, 3) / 6
    values = [x, weight, torch.randn(outputs) if bias else None]
    return [value if value is None else value.to(device, dtype) for value in values]


def defined(x, weight, bias, shuffle, slopes, factor):
    y = functional.conv2d(x, weight, bias, padding=1) * factor
    return functional.prelu(functional.pixel_shuffle(y, shuffle), slopes)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("outputs", "launches"),
    [(48, {"conv3x3": 1}), (80, {"pixel_shuffle_add": 1})],
    ids=["narrow", "wide"],
)
def test_narrow_results_are_shuffled_by_their_convolution_and_wide_ones_after_it(
    outputs, launches, bias, device
):
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    x, weight, bias = parts(outputs, device, dtype, bias)
    slopes = x.new_tensor([0.25])
    reset_launched()

    with use_kernels("triton"):
        y = sub_pixel(x, weight, bias, 2, "leaky_relu", 0.0, slopes, 0.5)

    assert launched() == launches
    expected = defined(x, weight, bias, 2, slopes, 0.5)
    tolerance = 20 * torch.finfo(dtype).eps
    torch.testing.assert_close(y, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("outputs", [48, 80])
def test_the_reference_is_plain_pytorch_to_the_bit(outputs):
    given = parts(outputs, torch.device("cpu"))

    with use_kernels("reference"):
        y = sub_pixel(*given, 2, "leaky_relu", 0.1, factor=0.3)

    convolved = functional.conv2d(*given, padding=1) * 0.3
    assert torch.equal(y, functional.leaky_relu(functional.pixel_shuffle(convolved, 2), 0.1))


def test_what_is_compiled_keeps_both_ways():
    given = parts(80, torch.device("cpu"))
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


def test_only_one_place_chooses(monkeypatch, device):
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    monkeypatch.setattr(_sub_pixel, "MOST_OUTPUTS", 128)
    reset_launched()

    with use_kernels("triton"):
        sub_pixel(*parts(80, device, dtype), 2)

    assert launched() == {"conv3x3": 1}
