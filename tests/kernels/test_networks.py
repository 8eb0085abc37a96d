"""Whole networks through the kernels, held to the reference; on the CPU in Triton's interpreter."""

from __future__ import annotations

import pytest
import torch

import sr_kernels
from napari_sr import models

SMALL = {
    "bsrn": {"scale": 2, "features": 16, "blocks": 2, "reduction": 4},
    "bsrn_s": {"scale": 4, "features": 16, "blocks": 1},
    "rfdn": {"scale": 3, "features": 16, "blocks": 1},
    "imdn": {"scale": 2, "features": 16, "blocks": 1, "reduction": 4},
    "bsrn, dsconv": {
        "scale": 2,
        "features": 8,
        "blocks": 1,
        "convolution": "dsconv",
        "spatial": False,
        "reduction": None,
    },
    "espcn": {"scale": 3, "channels": 3, "features": 8, "mapped": 8},
    "edsr": {"scale": 2, "features": 16, "blocks": 1},
    "edsr, wide": {"scale": 2, "features": 68, "blocks": 0},
    "srresnet": {"scale": 2, "features": 16, "blocks": 1},
    "srgan": {"scale": 2, "features": 16, "blocks": 1},
}
LAUNCHED = {
    "bsrn": {
        "bsconv",
        "esa_low",
        "esa_moments",
        "esa_pool",
        "esdb_tail",
        "gated_fusion",
        "gated_residual",
        "conv3x3",
    },
    "bsrn_s": {"bsconv", "esa_low", "esa_mix", "esa_pool", "esdb_tail", "conv3x3", "pointwise_sum"},
    "rfdn": {"esa_low", "esa_pool", "esa_tail", "esdb_tail", "conv3x3", "pointwise_sum"},
    "imdn": {"contrast_gate", "conv3x3", "plane_moments", "pointwise_sum"},
    "bsrn, dsconv": {"depthwise_gelu", "pointwise_sum"},
    "espcn": {"conv3x3"},
    "edsr": {"conv3x3"},
    "edsr, wide": {"conv3x3", "pixel_shuffle_add"},
    "srresnet": {"conv3x3"},
    "srgan": {"pixel_shuffle_add"},
}


def network_of(name):
    """Return a network with random weights; what is after a comma is a form of it."""
    return models.architecture(name.split(",")[0]).network(**SMALL[name]).eval()


@pytest.mark.parametrize("name", SMALL)
def test_a_network_through_kernels_is_the_network(name, device, dtype):
    if dtype == torch.bfloat16 and device.type == "cpu":
        pytest.skip("the interpreter is slow, and every op is tested in bfloat16")
    torch.manual_seed(0)
    network = network_of(name).to(device)
    least = max(network.least_size, 6)
    image = torch.rand(1, 3, least, least + 2, device=device)
    with torch.inference_mode(), sr_kernels.use_kernels("reference"):
        expected = network.double()(image.double())
        plain = network.to(dtype)(image.to(dtype)).double()

    sr_kernels.reset_launched()
    with torch.inference_mode(), sr_kernels.use_kernels("triton"):
        result = network.to(dtype)(image.to(dtype)).double()

    # twice the error of PyTorch in the same dtype, and one rounding of the result
    rounding = torch.finfo(dtype).eps * expected.abs().max()
    allowed = 2 * (plain - expected).abs().max() + rounding
    assert (result - expected).abs().max() <= allowed
    assert LAUNCHED[name] <= set(sr_kernels.launched())


@pytest.mark.parametrize("name", SMALL)
def test_the_reference_launches_nothing(name):
    network = network_of(name)

    sr_kernels.reset_launched()
    with torch.inference_mode(), sr_kernels.use_kernels("reference"):
        network(torch.rand(1, 3, 17, 18))

    assert sr_kernels.launched() == {}


def test_a_network_trains_while_kernels_are_chosen():
    network = models.architecture("bsrn").network(**SMALL["bsrn"])

    with sr_kernels.use_kernels("triton"):
        network(torch.rand(1, 3, 17, 18)).square().mean().backward()

    assert all(parameter.grad is not None for parameter in network.parameters())
