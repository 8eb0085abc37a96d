"""Merging the moments of parts and gating by them in one kernel."""

from __future__ import annotations

import pytest
import torch

from sr_kernels import _channel_gate, use_kernels
from sr_kernels._channel_gate import merge_and_gate
from sr_kernels._moments import merge
from sr_kernels.contrast_gate import contrast_gate

HEIGHT, WIDTH, ROWS, COLUMNS = 23, 29, 3, 5
PARTS = 48


@pytest.fixture
def weights(device):
    """Squeeze and excite of 3 channels through 2."""
    torch.manual_seed(0)
    shapes = ((2, 3, 1, 1), (2,), (3, 2, 1, 1), (3,))
    return [torch.randn(shape, device=device) for shape in shapes]


@pytest.mark.parametrize("slots", [16, 32, 64])
def test_it_is_the_merge_and_the_gate_of_that(slots, weights, device, monkeypatch):
    monkeypatch.setattr(_channel_gate, "SLOTS", slots)
    parts = torch.randn(3, 2, 3, PARTS, device=device)
    parts[0] += 5
    parts[2] = parts[2].square()
    sizes = (HEIGHT, WIDTH), (ROWS, COLUMNS)

    mean, m2, gate = merge_and_gate(parts.transpose(2, 3).contiguous(), *sizes, weights)

    expected_mean, expected_m2 = merge(parts, *sizes)
    torch.testing.assert_close(mean, expected_mean, rtol=1e-6, atol=0)
    torch.testing.assert_close(m2, expected_m2, rtol=2e-6, atol=0)
    with use_kernels("reference"):
        expected = contrast_gate(mean, m2, HEIGHT * WIDTH, *weights)
    torch.testing.assert_close(gate, expected, rtol=0, atol=1e-6)


def test_the_gate_has_the_dtype_of_the_weights(weights, device):
    parts = torch.rand(3, 1, 1, 3, device=device)
    half = [weight.half() for weight in weights]

    mean, m2, gate = merge_and_gate(parts, (4, 5), (4, 8), half)

    assert (mean.dtype, m2.dtype, gate.dtype) == (torch.float32, torch.float32, torch.float16)
    assert gate.shape == mean.shape == (1, 3, 1, 1)
