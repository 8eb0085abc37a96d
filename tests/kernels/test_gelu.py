"""GELU inside a kernel is GELU."""

from __future__ import annotations

import torch

from sr_kernels._gelu import gelu
from sr_kernels._triton import tl, triton


@triton.jit
def _kernel(x_ptr, y_ptr, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(y_ptr + at, gelu(tl.load(x_ptr + at)))


def test_gelu_is_off_by_less_than_half_a_millionth(device):
    x = torch.linspace(-12, 12, 4096, device=device)
    y = torch.empty_like(x)

    _kernel[(1,)](x, y, BLOCK=4096)

    expected = torch.nn.functional.gelu(x.double())
    assert (y.double() - expected).abs().max() < 5e-7


def test_gelu_is_exact_far_from_zero(device):
    x = torch.tensor([-1e4, -30.0, 0.0, 30.0], device=device)
    y = torch.empty_like(x)

    _kernel[(1,)](x, y, BLOCK=4)

    assert y.tolist() == [0, 0, 0, 30]
