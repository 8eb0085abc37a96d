"""Activations in a kernel are those of PyTorch."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from sr_kernels._activation import ACTIVATIONS, activate, activated, check_activation, sigmoid
from sr_kernels._triton import tl, triton


@triton.jit
def _kernel(x_ptr, y_ptr, slope, ACTIVATION: tl.constexpr, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(y_ptr + at, activate(tl.load(x_ptr + at), ACTIVATION, slope))


@triton.jit
def _sigmoid_kernel(x_ptr, y_ptr, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(y_ptr + at, sigmoid(tl.load(x_ptr + at)))


def sigmoid_of(x):
    """Return the kernel's sigmoid of 256 values."""
    y = torch.empty_like(x)
    _sigmoid_kernel[(1,)](x, y, BLOCK=256)
    return y


def test_a_kernel_s_sigmoid_is_pytorch_s(device):
    x = torch.linspace(-20, 20, 256, device=device)

    result = sigmoid_of(x)

    # the exponent, up to 29, is rounded to float32; a root and an exponential are off by 2 eps
    expected = torch.sigmoid(x.double())
    torch.testing.assert_close(result.double(), expected, rtol=3e-6, atol=0)


@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_sigmoid_ends_at_0_and_1_and_keeps_nan(device):
    x = torch.tensor([-float("inf"), -1e30, -200, 30, 1e30, float("inf")], device=device)
    nan = torch.full((250,), float("nan"), device=device)

    result = sigmoid_of(torch.cat((x, nan)))

    assert result[:6].tolist() == [0, 0, 0, 1, 1, 1]
    assert result[6:].isnan().all()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_kernel_s_activation_is_pytorch_s(name, device):
    x = torch.linspace(-5, 5, 256, device=device)
    y = torch.empty_like(x)

    _kernel[(1,)](x, y, 0.3, ACTIVATION=name, BLOCK=256)

    torch.testing.assert_close(y, activated(x, name, 0.3), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nan_stays(name, device):
    x = torch.full((4,), float("nan"), device=device)
    y = torch.zeros_like(x)

    _kernel[(1,)](x, y, 0.3, ACTIVATION=name, BLOCK=4)

    assert y.isnan().all()


COMPILING = """
import re
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from sr_kernels._activation import activate
tl = triton.language

@triton.jit
def kernel(x_ptr, y_ptr, NAME: tl.constexpr):
    at = tl.arange(0, 128)
    tl.store(y_ptr + at, activate(tl.load(x_ptr + at), NAME, 0.0))

types = {"x_ptr": "*fp32", "y_ptr": "*fp32", "NAME": "constexpr"}
source = ASTSource(kernel, types, {"NAME": "relu"})  # older Triton has other names
code = triton.compile(source, target=GPUTarget("cuda", 80, 32)).asm["ptx"]
print(*set(re.findall(r"max[.]\\S+", code)))
"""


def test_nan_stays_on_a_gpu_too(tmp_path):
    """Plainly written, a maximum keeps NaN in the interpreter only."""
    script = tmp_path / "compiling.py"
    script.write_text(COMPILING)
    bare = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}

    result = subprocess.run(
        [sys.executable, script], env=bare, capture_output=True, text=True, check=False
    )

    assert result.stdout.split() == ["max.NaN.f32"], result.stderr


def test_tanh_of_large_values_is_one(device):
    x = torch.tensor([-1e4, -50, 50, 1e4], device=device)
    y = torch.empty_like(x)

    _kernel[(1,)](x, y, 0.0, ACTIVATION="tanh", BLOCK=4)

    assert y.tolist() == [-1, -1, 1, 1]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("none", [-2, 2]),
        ("relu", [0, 2]),
        ("leaky_relu", [-1, 2]),
        ("gelu", [-0.0455, 1.9545]),
        ("hard_swish", [-1 / 3, 5 / 3]),
        ("tanh", [-0.9640, 0.9640]),
    ],
)
def test_activations_are_what_their_names_say(name, expected):
    result = activated(torch.tensor([-2.0, 2.0]), name, 0.5)

    torch.testing.assert_close(result, torch.tensor(expected).float(), rtol=0, atol=1e-4)


def test_an_unknown_activation_is_refused_by_name():
    with pytest.raises(ValueError, match=r"bsconv needs .*among gelu, none, got 'tanh'"):
        check_activation("bsconv", "tanh", ("gelu", "none"))
