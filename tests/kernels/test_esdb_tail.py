"""What `esdb_tail` means; that it is right in general is in test_contract.py."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from sr_kernels.esdb_tail import OP, esdb_tail

pytestmark = pytest.mark.usefixtures("kernels")
NAMES = (
    "x", "first", "second", "last", "x_weight", "x_bias", "first_weight", "first_bias",
    "second_weight", "second_bias", "fuse_weight", "fuse_bias", "squeeze_weight", "squeeze_bias",
)  # fmt: skip


def example(shape, device):
    """Return an op's tensors by name, in a dtype that kernels compute in on this device."""
    torch.manual_seed(0)
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    return dict(zip(NAMES, OP.example(shape, dtype, device), strict=False))


@pytest.fixture
def given(device):
    """Tensors of RFDN's widths: 50 features, 25 of a part, 12 of the squeeze."""
    return example((2, 50, 3, 5), device)


def assert_close(result, expected):
    tolerance = 20 * torch.finfo(result.dtype).eps
    torch.testing.assert_close(result, expected, rtol=tolerance, atol=tolerance)


def picking(part, given):
    """Return a fusion that hands on one of the four parts, and zero beyond its channels."""
    weight = torch.zeros_like(given["fuse_weight"])
    for channel in range(25):
        weight[channel, 25 * part + channel] = 1
    return {**given, "fuse_weight": weight, "fuse_bias": torch.zeros_like(given["fuse_bias"])}


@pytest.mark.parametrize(("part", "plane"), enumerate(["x", "first", "second"]))
def test_each_part_is_its_own_plane_distilled_and_activated(part, plane, given):
    refined, _ = esdb_tail(**picking(part, given), activation="leaky_relu", slope=0.3)

    expected = functional.conv2d(given[plane], given[f"{plane}_weight"], given[f"{plane}_bias"])
    assert_close(refined[:, :25], functional.leaky_relu(expected, 0.3))
    assert not refined[:, 25:].any()


def test_the_last_part_is_taken_as_it_is(given):
    refined, _ = esdb_tail(**picking(3, given))

    assert torch.equal(refined[:, :25], given["last"])


def test_the_squeeze_is_of_what_was_refined(given):
    refined, squeezed = esdb_tail(**given)

    expected = functional.conv2d(refined, given["squeeze_weight"], given["squeeze_bias"])
    assert_close(squeezed, expected)


def test_wide_features_are_fused_too(device):
    wide = example((1, 132, 2, 11), device)

    results = esdb_tail(**wide, activation="relu")

    for result, expected in zip(results, OP.reference(*wide.values(), "relu", 0.0), strict=True):
        assert_close(result, expected)


def test_results_are_channels_last(given):
    for result in esdb_tail(**given):
        assert result.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("name", ["first", "last", "x_weight", "second_bias", "fuse_weight"])
def test_an_error_names_the_tensor_and_its_shape(given, name):
    wrong = given[name][:1]

    with pytest.raises(ValueError, match=f"esdb_tail needs {name}") as caught:
        esdb_tail(**{**given, name: wrong})

    assert str(tuple(wrong.shape)) in str(caught.value)


def test_an_unknown_activation_is_refused(given):
    with pytest.raises(ValueError, match=r"esdb_tail needs an activation among .* got 'mish'"):
        esdb_tail(**given, activation="mish")
