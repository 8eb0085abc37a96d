"""Activation functions, in PyTorch and inside a kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

from sr_kernels._gelu import gelu
from sr_kernels._triton import tl, triton

if TYPE_CHECKING:
    from torch import Tensor

ACTIVATIONS = ("none", "gelu", "relu", "leaky_relu", "hard_swish", "tanh")
"""Names of all activations. Only "leaky_relu" has a slope, a factor for values below zero."""


def activated(y: Tensor, activation: str, slope: float = 0.0) -> Tensor:
    """Apply an activation to a tensor of any shape, in plain PyTorch."""
    if activation == "gelu":
        return functional.gelu(y)
    if activation == "relu":
        return functional.relu(y)
    if activation == "hard_swish":
        return functional.hardswish(y)
    if activation == "tanh":
        return y.tanh()
    return functional.leaky_relu(y, slope) if activation == "leaky_relu" else y


@triton.jit
def larger(one, other):
    """Return the larger of two float32 values, or NaN if one of them is NaN.

    `tl.maximum` alone drops NaN on a GPU, but not in the interpreter. PyTorch keeps NaN, and the
    engine needs NaN to find tiles whose sums exceeded half precision.
    """
    return tl.maximum(one, other, propagate_nan=tl.PropagateNan.ALL)


@triton.jit
def activate(y, ACTIVATION: tl.constexpr, slope):
    """Apply an activation to float32 values."""
    if ACTIVATION == "gelu":
        y = gelu(y)
    if ACTIVATION == "relu":
        y = larger(y, 0.0)
    if ACTIVATION == "leaky_relu":
        y = tl.where(y > 0.0, y, y * slope)
    if ACTIVATION == "hard_swish":
        y *= tl.minimum(tl.maximum(y + 3.0, 0.0), 6.0) / 6.0
    if ACTIVATION == "tanh":
        # the exponent is never positive, so the power cannot become infinite
        power = tl.exp(-2.0 * tl.abs(y))
        y = tl.where(y < 0.0, power - 1.0, 1.0 - power) / (1.0 + power)
    return y


@triton.jit
def sigmoid(x):
    """Return 1 / (1 + exp(-x)) of float32; for x >= -20, the relative error is below 3e-6.

    The square of a reciprocal root takes two instructions; a division takes eight.
    """
    root = tl.rsqrt(1.0 + tl.exp2(-1.4426950409 * x))
    return root * root


def check_activation(op: str, activation: str, known: tuple[str, ...] = ACTIVATIONS) -> None:
    """Check that an op supports an activation.

    Raises
    ------
    ValueError
        If the activation is unknown.
    """
    if activation not in known:
        raise ValueError(f"{op} needs an activation among {', '.join(known)}, got {activation!r}")
