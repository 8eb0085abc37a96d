"""CCA and ESA against their formulas, and their pieces against the whole."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional

from napari_sr.graph.chain import Window
from napari_sr.layers.attention import (
    ESA_LEAST_SIZE,
    ContrastGate,
    PooledConv,
    SpatialGate,
)
from napari_sr.layers.blocks import Activated3x3, conv3x3
from napari_sr.layers.separable import BSConv, BSConvS, DSConv
from sr_kernels._bilinear import sample_bilinear
from sr_kernels.esa_pool import PITCH, REACH
from sr_kernels.plane_moments import plane_moments


@pytest.fixture
def gate():
    torch.manual_seed(0)
    return SpatialGate(
        features=8,
        inner=2,
        pool=PooledConv(2),
        activated=partial(Activated3x3, activation=nn.ReLU()),
        plain=Activated3x3,
    ).double()


def moments(x):
    """Return the arguments of a contrast gate: mean, sum of squared deviations, pixels."""
    return *plane_moments(x), x.shape[2] * x.shape[3]


def test_contrast_gate_is_its_formula():
    torch.manual_seed(0)
    gate = ContrastGate(features=6, reduction=2).double()
    x = torch.randn(2, 6, 7, 9, dtype=torch.float64)
    flat = x.flatten(2)
    contrast = flat.mean(2) + ((flat - flat.mean(2, keepdim=True)) ** 2).mean(2).sqrt()
    inner = functional.linear(contrast, gate.squeeze.weight[:, :, 0, 0], gate.squeeze.bias)
    outer = functional.linear(inner.relu(), gate.excite.weight[:, :, 0, 0], gate.excite.bias)

    with torch.no_grad():
        result = gate(*moments(x))

    torch.testing.assert_close(result[:, :, 0, 0], outer.sigmoid(), rtol=0, atol=1e-12)


def test_contrast_gate_of_a_constant_plane_has_a_finite_gradient():
    gate = ContrastGate(features=4, reduction=2)
    x = torch.ones(1, 4, 5, 5, requires_grad=True)

    gate(*moments(x)).sum().backward()

    assert x.grad.isfinite().all()


def test_contrast_gate_of_one_pixel_is_finite():
    with torch.no_grad():
        result = ContrastGate(features=4, reduction=2)(*moments(torch.ones(1, 4, 1, 1)))

    assert result.isfinite().all()


def test_spatial_gate_is_its_formula(gate):
    torch.manual_seed(1)
    x = torch.randn(1, 8, 29, 40, dtype=torch.float64)
    squeezed = gate.squeeze(x)
    strided = functional.conv2d(squeezed, gate.pool.weight, gate.pool.bias, stride=2)
    low = functional.max_pool2d(strided, 7, 3)
    for convolution in gate.low[:2]:
        low = functional.conv2d(low, convolution.weight, convolution.bias, padding=1).relu()
    low = functional.conv2d(low, gate.low[2].weight, gate.low[2].bias, padding=1)
    enlarged = functional.interpolate(low, x.shape[2:], mode="bilinear", align_corners=False)
    expected = x * gate.excite(enlarged + gate.skip(squeezed)).sigmoid()

    link = gate.link("squeezed", "low")
    result = gate(x, squeezed, link.finish(link.compute(squeezed)), Window.whole(*x.shape[-2:]))

    torch.testing.assert_close(result, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", [15, 20, 21, 26, 27, 33])
def test_the_number_of_cells_is_the_number_of_squares_that_fit(gate, size):
    cells = gate.pool(torch.zeros(1, 2, size, size, dtype=torch.float64)).shape[-1]

    assert cells == (size - REACH) // PITCH + 1


def test_a_cell_depends_only_on_its_square(gate):
    torch.manual_seed(2)
    plane = torch.randn(1, 2, 33, 33, dtype=torch.float64)

    cell = gate.pool(plane)[..., 1, 2]

    alone = plane[..., 6 : 6 + REACH, 12 : 12 + REACH]
    torch.testing.assert_close(gate.pool(alone)[..., 0, 0], cell, rtol=0, atol=0)


@pytest.mark.parametrize("convolution", [BSConv, BSConvS, DSConv, Activated3x3, conv3x3])
def test_the_low_branch_equals_its_modules_in_series(convolution):
    torch.manual_seed(4)
    activated = convolution
    if convolution is not conv3x3:
        activated = partial(convolution, activation=nn.LeakyReLU(0.1))
    gate = SpatialGate(
        features=8, inner=2, pool=PooledConv(2), activated=activated, plain=convolution
    )
    cells = torch.randn(2, 2, 5, 6)

    assert torch.equal(gate.convolve_low(cells), gate.low(cells))


def test_a_last_convolution_that_is_activated_stays_so():
    activated = partial(Activated3x3, activation=nn.ReLU())
    gate = SpatialGate(
        features=8, inner=2, pool=PooledConv(2), activated=activated, plain=activated
    )

    assert (gate.convolve_low(torch.randn(1, 2, 5, 6)) >= 0).all()


def test_image_below_the_least_size_leaves_no_cell(gate):
    small = torch.zeros(1, 2, ESA_LEAST_SIZE - 1, ESA_LEAST_SIZE, dtype=torch.float64)

    with pytest.raises(ValueError, match=r"15 x 15 pixels, got \(1, 2, 14, 15\)"):
        gate.pool(small)


@pytest.mark.parametrize("full", [(15, 22), (61, 40), (2048, 30)], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_window_of_the_enlarged_plane_is_cut_out_of_the_whole(full, dtype):
    torch.manual_seed(3)
    low = torch.randn(2, 3, full[0] // 6, full[1] // 6 + 1).to(dtype)
    whole = functional.interpolate(low.double(), full, mode="bilinear", align_corners=False)

    result = sample_bilinear(low, 12, 9, (full[0] - 12, 3, *full))

    assert result.dtype == dtype
    # positions among 2048 / 6 cells are exact to 341 eps of float32; other values round once
    places = full[0] / 6 * torch.finfo(torch.promote_types(dtype, torch.float32)).eps
    torch.testing.assert_close(
        result.double(),
        whole[..., -12:, 3:12],
        rtol=torch.finfo(dtype).eps,
        atol=8 * places,
    )


def test_whole_window_is_interpolate():
    low = torch.randn(1, 2, 3, 4)

    result = sample_bilinear(low, 20, 25, (0, 0, 20, 25))

    expected = functional.interpolate(low, (20, 25), mode="bilinear", align_corners=False)
    torch.testing.assert_close(result, expected, rtol=0, atol=0)
