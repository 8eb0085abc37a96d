"""Activations in a kernel are those of PyTorch."""

from __future__ import annotations

import pytest
import torch

from sr_kernels._activation import ACTIVATIONS, activate, activated, check_activation
from sr_kernels._triton import tl, triton


@triton.jit
def _kernel(x_ptr, y_ptr, slope, ACTIVATION: tl.constexpr, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(y_ptr + at, activate(tl.load(x_ptr + at), ACTIVATION, slope))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_kernel_s_activation_is_pytorch_s(name, device):
    x = torch.linspace(-5, 5, 256, device=device)
    y = torch.empty_like(x)

    _kernel[(1,)](x, y, 0.3, ACTIVATION=name, BLOCK=256)

    torch.testing.assert_close(y, activated(x, name, 0.3), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("none", [-2, 2]),
        ("relu", [0, 2]),
        ("leaky_relu", [-1, 2]),
        ("gelu", [-0.0455, 1.9545]),
        ("hard_swish", [-1 / 3, 5 / 3]),
    ],
)
def test_activations_are_what_their_names_say(name, expected):
    result = activated(torch.tensor([-2.0, 2.0]), name, 0.5)

    torch.testing.assert_close(result, torch.tensor(expected).float(), rtol=0, atol=1e-4)


def test_an_unknown_activation_is_refused_by_name():
    with pytest.raises(ValueError, match=r"bsconv takes .*\('gelu', 'none'\), got 'tanh'"):
        check_activation("bsconv", "tanh", ("gelu", "none"))
