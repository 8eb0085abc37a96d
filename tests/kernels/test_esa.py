"""What the ops share that end in ESA: blocks that fit the width, and parts that fit the blocks."""

from __future__ import annotations

import pytest
import torch

from sr_kernels import _esa
from sr_kernels.esa_moments import esa_moments
from sr_kernels.esa_tail import esa_tail

pytestmark = pytest.mark.usefixtures("kernels")


def half_open(features, inner, height, width, device):
    """Return random features with what gates them all by 1 / 2."""
    torch.manual_seed(0)
    x = torch.rand(1, features, height, width, device=device).half()
    nothing = x.new_zeros(1, inner, height, width)
    shapes = [(inner, inner, 1, 1), inner, (features, inner, 1, 1), features]
    weights = [x.new_zeros(shape) for shape in shapes]
    return x, nothing, nothing, *weights, 0, 0, height, width


def test_wide_features_are_gated_too(device):
    given = half_open(260, 65, 3, 5, device)

    result = esa_tail(*given)

    assert torch.equal(result, given[0] / 2)


@pytest.mark.parametrize("rows", [1, 3, 8])
def test_the_rows_of_a_program_change_no_moments(device, rows, monkeypatch):
    given = half_open(12, 3, 7, 35, device)
    monkeypatch.setattr(_esa, "ROWS", rows)

    narrow, widen = given[0].new_zeros(3, 12, 1, 1), given[0].new_zeros(12, 3, 1, 1)
    gating = (narrow, narrow[:, 0, 0, 0], widen, widen[:, 0, 0, 0])

    _, mean, m2, gate = esa_moments(*given[:7], *gating, *given[7:])

    variance, expected = torch.var_mean(given[0].double() / 2, dim=(2, 3), correction=0)
    torch.testing.assert_close(mean[:, :, 0, 0].double(), expected, rtol=1e-6, atol=0)
    torch.testing.assert_close(m2[:, :, 0, 0].double(), variance * 7 * 35, rtol=2e-6, atol=0)
    assert (gate == 0.5).all()
