"""What `pointwise_sum` means; that it is right in general is in test_contract.py."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from sr_kernels.pointwise_sum import OP, pointwise_sum

pytestmark = pytest.mark.usefixtures("kernels")
OPTIONAL = ("bias", "gate", "other", "residual")


@pytest.fixture
def half(device):
    """A dtype that kernels compute in on this device."""
    return torch.float16 if device.type == "cuda" else torch.float32


def example(device, dtype, inputs=12, others=20, outputs=48):
    torch.manual_seed(0)
    tensors = {
        "x": torch.randn(2, inputs, 9, 15),
        "weight": torch.randn(outputs, inputs, 1, 1) / inputs**0.5,
        "bias": torch.randn(outputs),
        "gate": torch.rand(2, inputs, 1, 1),
        "other": torch.randn(2, others, 9, 15),
        "other_weight": torch.randn(outputs, others, 1, 1) / others**0.5,
        "residual": torch.randn(2, outputs, 9, 15),
    }
    return {name: tensor.to(device, dtype) for name, tensor in tensors.items()}


def assert_close(result, expected):
    tolerance = 20 * torch.finfo(result.dtype).eps
    torch.testing.assert_close(result, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("given", [(), *((name,) for name in OPTIONAL), OPTIONAL], ids=str)
def test_what_is_missing_is_left_out(given, device, half):
    tensors = example(device, half)
    for name in OPTIONAL:
        if name not in given:
            tensors[name] = None
    if "other" not in given:
        tensors["other_weight"] = None

    result = pointwise_sum(**tensors)

    assert_close(result, OP.reference(*tensors.values(), "none", 0.0))


def test_two_planes_are_mixed_as_if_concatenated(device, half):
    given = example(device, half, inputs=64, others=8, outputs=100)
    x, other = given["x"], given["other"]
    weight = torch.cat([given["weight"], given["other_weight"]], dim=1)

    result = pointwise_sum(
        x, weight[:, :64], given["bias"], other=other, other_weight=weight[:, 64:]
    )

    together = torch.cat([x, other], dim=1)
    assert_close(result, functional.conv2d(together, weight, given["bias"]))


def test_an_image_is_gated_by_its_own_gates(device, half):
    given = example(device, half)
    x, weight, gate = given["x"], given["weight"], torch.ones_like(given["gate"])
    gate[1] = 0

    result = pointwise_sum(x, weight, gate=gate)

    assert torch.equal(result[0], pointwise_sum(x, weight)[0])
    assert not result[1].any()


def test_the_sum_is_activated_with_all_that_is_in_it(device, half):
    given = example(device, half)

    result = pointwise_sum(**given, activation="leaky_relu", slope=0.25)

    assert_close(result, functional.leaky_relu(pointwise_sum(**given), 0.25))


def test_the_result_is_channels_last(device, half):
    result = pointwise_sum(**example(device, half))

    assert result.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("name", ["weight", "bias", "gate", "other", "other_weight", "residual"])
def test_an_error_names_the_tensor_and_its_shape(name, device, half):
    given = example(device, half)
    # a weight says how many outputs there are, so its inputs are what may be wrong
    given[name] = given[name][:, :1] if name == "weight" else given[name][:1]

    with pytest.raises(ValueError, match=f"pointwise_sum needs {name}") as caught:
        pointwise_sum(**given)

    assert str(tuple(given[name].shape)) in str(caught.value)


def test_a_second_plane_comes_with_its_weight(device, half):
    x, weight = (example(device, half)[name] for name in ("x", "weight"))

    with pytest.raises(ValueError, match=r"got \(2, 12, 9, 15\) and None"):
        pointwise_sum(x, weight, other=x)


def test_an_unknown_activation_is_refused(device, half):
    with pytest.raises(ValueError, match=r"pointwise_sum needs .* got 'mish'"):
        pointwise_sum(**example(device, half), activation="mish")
