"""1x1 convolutions inside a kernel: (pixels, sources) times (sources, outputs)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from sr_kernels._triton import INTERPRETED, next_power_of_2, tl, triton

if TYPE_CHECKING:
    from torch import Tensor

LEAST_DOT = 16
"""Smallest side of a matrix product; fewer channels are padded with zeros."""


@triton.jit
def load_weight(
    weight_ptr, source, output, SOURCES: tl.constexpr, OUTPUTS: tl.constexpr,
    STRIDE: tl.constexpr, DOT: tl.constexpr,
):  # fmt: skip
    """Return a 1x1 convolution's weight as (sources, outputs), padded with zeros.

    Neighbouring outputs are STRIDE values apart; STRIDE exceeds SOURCES if the weight is a part of
    a larger weight.
    """
    inside = (source < SOURCES)[:, None] & (output < OUTPUTS)[None, :]
    at = output[None, :] * STRIDE + source[:, None]
    return tl.load(weight_ptr + at, mask=inside, other=0.0).to(DOT)


@triton.jit
def load_vector(vector_ptr, index, LENGTH: tl.constexpr):
    """Return a vector as (1, channels) of float32, padded with zeros."""
    return tl.load(vector_ptr + index, mask=index < LENGTH, other=0.0).to(tl.float32)[None, :]


def padded(channels: int) -> int:
    """Return the number of channels in a matrix product, padded to a power of two."""
    return max(LEAST_DOT, next_power_of_2(channels))


def dot_type(dtype: torch.dtype) -> Any:
    """Return the dtype of matrix products; the interpreter cannot multiply bfloat16."""
    types = {torch.float16: tl.float16, torch.bfloat16: tl.bfloat16}
    wide = INTERPRETED and dtype == torch.bfloat16
    return tl.float32 if wide else types.get(dtype, tl.float32)


def channels_last(plane: Tensor) -> Tensor:
    """Return a plane, (N, C, H, W), in memory order channels_last; copy it only if needed."""
    return plane.contiguous(memory_format=torch.channels_last)


def laid_out(tensor: Tensor | None) -> Tensor | None:
    """Return a weight, (C, I, h, w), with inputs as the fastest axis, or a contiguous vector."""
    if tensor is None:
        return None
    return channels_last(tensor) if tensor.ndim == 4 else tensor.contiguous()


def in_rows(weight: Tensor) -> Tensor:
    """Return a weight with contiguous inputs; a part of a larger weight is not copied."""
    return weight if weight.stride(1) == 1 else weight.contiguous()
