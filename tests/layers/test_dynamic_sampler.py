"""Sampling at computed positions, against spandrel and against bilinear interpolation."""

from __future__ import annotations

import pytest
import torch
from foreign_networks import spandrel_module
from torch import nn
from torch.nn.functional import interpolate

from napari_sr.layers.dynamic_sampler import DynamicSampler


def original(scale):
    """Return spandrel's layer, whose random positions are up to some pixels away."""
    module = spandrel_module("__arch_helpers.dysample")
    torch.manual_seed(0)
    layer = module.DySample(8, 3, scale).eval()
    for weight in (layer.scope.weight, layer.offset.weight):
        nn.init.normal_(weight, std=2)
    return layer


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_agrees_with_spandrel(scale):
    theirs, x = original(scale), torch.rand(2, 8, 9, 7)
    ours = DynamicSampler(8, 3, scale=scale)
    torch.testing.assert_close(ours.init_pos, theirs.init_pos)
    ours.load_state_dict(theirs.state_dict())

    with torch.inference_mode():
        torch.testing.assert_close(ours(x), theirs(x), rtol=0, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16], ids=str)
def test_without_offsets_it_is_bilinear_interpolation(dtype):
    layer, x = DynamicSampler(4, 4, scale=2), torch.rand(1, 4, 6, 5)
    nn.init.zeros_(layer.offset.weight)
    nn.init.zeros_(layer.offset.bias)
    nn.init.dirac_(layer.end_conv.weight)
    nn.init.zeros_(layer.end_conv.bias)

    result = layer.to(dtype)(x.to(dtype))

    expected = interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    assert result.dtype == dtype
    torch.testing.assert_close(result.float(), expected, rtol=0, atol=2e-3)


def test_features_that_no_group_divides_are_named():
    with pytest.raises(ValueError, match="a multiple of 4 features, got 6"):
        DynamicSampler(6, 3, scale=2)
