"""BSRN against its authors' code and counts."""

from __future__ import annotations

import pytest
import torch
from reference import cases
from torch.nn import functional

from napari_sr import models
from napari_sr.models.bsrn import BSRN, BSConv


@pytest.mark.parametrize("name", cases("BSRN_", "synth_BSRN"))
def test_agrees_with_the_authors_code(name, case_of):
    case = case_of(name)

    network = models.build(case.state)

    errors = case.errors(network)
    # on noise BSRN x2 is chaotic: it answers 0..1 with -2080..1700
    assert name != "BSRN_x2" or errors.pop("rand") <= 2e-3
    assert max(errors.values()) <= 1e-4
    assert sum(parameter.numel() for parameter in network.parameters()) == case.parameters


@pytest.mark.parametrize(("scale", "parameters"), [(2, 331_628), (3, 340_283), (4, 352_400)])
def test_parameters_are_as_many_as_published(scale, parameters):
    with torch.device("meta"):
        network = BSRN(scale=scale)

    assert sum(parameter.numel() for parameter in network.parameters()) == parameters


def test_separable_convolution_pads_what_the_pointwise_half_returns():
    torch.manual_seed(0)
    convolution = BSConv(3, 4, pointwise_bias=True).double()
    x = torch.rand(1, 3, 5, 6, dtype=torch.float64)
    pointwise = torch.einsum("oi,nihw->nohw", convolution.pointwise.weight[:, :, 0, 0], x)
    pointwise = pointwise + convolution.pointwise.bias[:, None, None]
    padded = functional.pad(pointwise, (1, 1, 1, 1))
    kernels = convolution.depthwise.weight[:, 0]
    expected = convolution.depthwise.bias[:, None, None] + sum(
        padded[:, :, row : row + 5, column : column + 6] * kernels[:, row, column, None, None]
        for row in range(3)
        for column in range(3)
    )

    torch.testing.assert_close(convolution(x), expected, rtol=0, atol=1e-12)


def test_separable_convolution_adds_before_it_activates():
    torch.manual_seed(1)
    plain = BSConv(4, 4).double()
    activated = BSConv(4, 4, activation="gelu").double()
    activated.load_state_dict(plain.state_dict())
    x, residual = torch.randn(2, 1, 4, 5, 6, dtype=torch.float64)

    result = activated(x, residual)

    expected = functional.gelu(plain(x) + residual)
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-12)


def test_paper_has_no_bias_between_the_halves():
    with torch.device("meta"):
        network = BSRN(scale=2)

    assert not [key for key in network.state_dict() if key.endswith("pointwise.bias")]


def test_checkpoint_shows_width_depth_and_reduction(case_of):
    case = case_of("synth_BSRN_small_x4")

    _, _, options = models.recognise(case.state)

    assert options == {"scale": 4, "channels": 3, "features": 16, "blocks": 8, "reduction": 16}
