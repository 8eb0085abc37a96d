"""Normalised convolutions, compared with PyTorch's own layers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_sr.graph.chain import IMAGE, RESULT, Step
from napari_sr.graph.run import run
from napari_sr.layers.blocks import conv3x3
from napari_sr.layers.normalised import InstanceNorm, Normalised, NormalisedBlock


def shaken(module):
    """Give every parameter a different value."""
    torch.manual_seed(0)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.5)
    return module.double().eval()


def block(norm):
    first = Normalised(conv3x3(4, 4), 4, norm=norm, activation=nn.ReLU())
    return shaken(NormalisedBlock(first, Normalised(conv3x3(4, 4), 4, norm=norm)))


def plain(block, norm, x):
    """Compute a block by PyTorch's layers."""
    layers = {"batch": nn.BatchNorm2d, "instance": nn.InstanceNorm2d}
    result = x
    for part in (block.first, block.second):
        layer = layers[norm](4, affine=True).double().eval()
        layer.load_state_dict(part.norm.state_dict(), strict=False)
        result = part.activation(layer(part.convolution(result)))
    return x + result


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_links_of_a_block_compute_what_pytorch_does(norm):
    ours, x = block(norm), torch.randn(2, 4, 9, 7, dtype=torch.float64)

    result = run(ours.links(IMAGE, RESULT, 1), x)

    torch.testing.assert_close(result, plain(ours, norm, x), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("norm", "local"), [("batch", True), ("instance", False)])
def test_only_instance_normalisation_cuts_the_chain(norm, local):
    links = block(norm).links("x", "y", 1)

    assert all(isinstance(link, Step) for link in links) == local
    assert sum(link.radius for link in links if isinstance(link, Step)) == 2


def test_constant_plane_becomes_the_bias():
    norm = InstanceNorm(3)
    nn.init.constant_(norm.bias, 0.25)
    x = torch.full((1, 3, 4, 4), 100.0)

    statistics = norm.statistics(x[..., :1, :1], torch.zeros(1, 3, 1, 1), 16)

    torch.testing.assert_close(norm(x, statistics), torch.full_like(x, 0.25))


def test_half_precision_keeps_its_digits_far_from_zero():
    norm, x = InstanceNorm(1), 1000 + torch.randn(1, 1, 40, 40)
    x = x.half().float()
    mean = x.mean(dim=(2, 3), keepdim=True)
    statistics = norm.statistics(mean, (x - mean).square().sum(dim=(2, 3), keepdim=True), 1600)

    result = norm(x.half(), statistics)

    assert result.dtype == torch.float16
    expected = nn.functional.instance_norm(x.double())
    # the mean is rounded in float32, the result in half precision
    far, eps = 1000 * torch.finfo(torch.float32).eps, torch.finfo(torch.float16).eps
    torch.testing.assert_close(result.double(), expected, rtol=eps, atol=far)


def test_unknown_norm_is_named():
    with pytest.raises(ValueError, match="norm='batch' or norm='instance', got norm='layer'"):
        Normalised(conv3x3(2, 2), 2, norm="layer")
