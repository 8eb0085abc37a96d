"""What `gated_fusion` means; that it is right in general is in test_contract.py."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from sr_kernels.gated_fusion import OP, gated_fusion
from sr_kernels.gated_residual import gated_residual

pytestmark = pytest.mark.usefixtures("kernels")
NAMES = ("x", "gate", "residual", "weight", "residual_weight", "bias", "total")


@pytest.fixture
def given(device):
    """Tensors of two images by name, of features that no power of two is."""
    torch.manual_seed(0)
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    return dict(zip(NAMES, OP.example((2, 12, 5, 7), dtype, device), strict=False))


def assert_close(result, expected):
    tolerance = 20 * torch.finfo(result.dtype).eps
    torch.testing.assert_close(result, expected, rtol=tolerance, atol=tolerance)


def test_the_first_result_is_the_gated_sum_to_the_bit(given):
    y, _ = gated_fusion(**given)

    assert torch.equal(y, gated_residual(given["x"], given["gate"], given["residual"]))


@pytest.mark.parametrize("missing", [(), ("bias",), ("total",), ("bias", "total")], ids=str)
def test_the_fusion_is_that_of_both_planes(missing, given):
    given |= dict.fromkeys(missing)

    y, fused = gated_fusion(**given, activation="leaky_relu", slope=0.3)

    expected = functional.conv2d(y, given["weight"], given["bias"])
    expected = expected + functional.conv2d(given["residual"], given["residual_weight"])
    if given["total"] is not None:
        expected = expected + given["total"]
    assert_close(fused, functional.leaky_relu(expected, 0.3))


def test_parts_of_a_larger_weight_and_fewer_outputs_are_read(given):
    whole = torch.cat([given["residual_weight"], given["weight"]], dim=1)[:8]
    given |= {"bias": given["bias"][:8], "total": given["total"][:, :8]}
    given["residual_weight"], given["weight"] = whole.split(12, dim=1)

    results = gated_fusion(**given)

    for result, expected in zip(results, OP.reference(*given.values(), "none", 0.0), strict=True):
        assert_close(result, expected)


def test_wide_features_are_fused_too(device):
    torch.manual_seed(0)
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    wide = OP.example((1, 132, 2, 11), dtype, device)

    for result, expected in zip(gated_fusion(*wide), OP.reference(*wide), strict=True):
        assert_close(result, expected)


def test_results_are_channels_last(given):
    for result in gated_fusion(**given):
        assert result.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("name", ["gate", "residual", "residual_weight", "bias", "total"])
def test_an_error_names_the_tensor_and_its_shape(given, name):
    wrong = given[name][:1]

    with pytest.raises(ValueError, match=f"gated_fusion needs {name}") as caught:
        gated_fusion(**{**given, name: wrong})

    assert str(tuple(wrong.shape)) in str(caught.value)


def test_an_unknown_activation_is_refused(given):
    with pytest.raises(ValueError, match=r"gated_fusion needs an activation among .* got 'mish'"):
        gated_fusion(**given, activation="mish")
