"""A channel gate inside a kernel, computed from the moments of a plane's parts.

`contrast_gate` describes the gate, `_moments` the parts. One program merges the parts of all
channels of an image and computes the gate, which saves a launch. For 320 x 180 pixels in 450 parts
of 64 channels, it reads 345 KB. This takes a multiprocessor about as long as a launch.

Symbols: N images, C channels, R channels between squeeze and excite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from sr_kernels._activation import larger
from sr_kernels._triton import kernel_jit, next_power_of_2, tl, triton

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

LEAST_VARIANCE = 1e-12
"""Smallest variance, which keeps the slope of the root finite in training. The standard deviation
of a constant plane becomes 1e-6, far below the resolution of half precision near 1 (1e-3)."""
SLOTS = 64
"""Number of parts that are merged at once, for up to 64 channels."""
WARPS = 16


@triton.jit
def _load_matrix(ptr, row, column, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """Return a 1x1 convolution's weight in float32, padded with zeros."""
    inside = (row < ROWS)[:, None] & (column < COLUMNS)[None, :]
    at = row[:, None] * COLUMNS + column[None, :]
    return tl.load(ptr + at, mask=inside, other=0.0).to(tl.float32)


@triton.jit
def gate_of(
    mean, m2, pixels, squeeze_weight_ptr, squeeze_bias_ptr, excite_weight_ptr, excite_bias_ptr,
    LEAST: tl.constexpr, C: tl.constexpr, R: tl.constexpr, C2: tl.constexpr, R2: tl.constexpr,
):  # fmt: skip
    """Return the gates of one image's channels from their moments, each (C2,) of float32."""
    c, r = tl.arange(0, C2), tl.arange(0, R2)
    contrast = mean + tl.sqrt(larger(m2 / pixels, LEAST))
    # the matrices are padded with zeros, so the padding of the vectors does not matter
    hidden = tl.sum(_load_matrix(squeeze_weight_ptr, r, c, R, C) * contrast[None, :], axis=1)
    hidden += tl.load(squeeze_bias_ptr + r, mask=r < R, other=0.0).to(tl.float32)
    hidden = larger(hidden, 0.0)
    gate = tl.sum(_load_matrix(excite_weight_ptr, c, r, C, R) * hidden[None, :], axis=1)
    gate += tl.load(excite_bias_ptr + c, mask=c < C, other=0.0).to(tl.float32)
    return tl.sigmoid(gate)


@kernel_jit
def _kernel(
    parts_ptr, squeeze_weight_ptr, squeeze_bias_ptr, excite_weight_ptr, excite_bias_ptr, mean_ptr,
    m2_ptr, gate_ptr, height, width, rows, columns, parts, LEAST: tl.constexpr, C: tl.constexpr,
    R: tl.constexpr, C2: tl.constexpr, R2: tl.constexpr, SLOTS: tl.constexpr,
):  # fmt: skip
    # one program: all channels of one image; merges SLOTS parts at a time
    c, slot = tl.arange(0, C2), tl.arange(0, SLOTS)
    image = tl.program_id(0).to(tl.int64)
    every = tl.num_programs(0).to(tl.int64) * parts * C
    known, plane = c < C, image * C + c
    parts_ptr += image * parts * C
    origin = tl.load(parts_ptr + c, mask=known, other=0.0)
    across = tl.cdiv(width, columns)
    inverse = 1.0 / across
    before = tl.zeros((SLOTS,), tl.float32)
    mean, m2 = tl.zeros((SLOTS, C2), tl.float32), tl.zeros((SLOTS, C2), tl.float32)
    for begin in tl.range(0, parts, SLOTS, num_stages=2):
        part = begin + slot
        inside = (part < parts)[:, None] & known[None, :]
        at = part[:, None] * C + c[None, :]
        pivot = tl.load(parts_ptr + at, mask=inside, other=0.0)
        means = tl.load(parts_ptr + every + at, mask=inside, other=0.0)
        m2s = tl.load(parts_ptr + 2 * every + at, mask=inside, other=0.0)
        # exact for up to 2 million parts; integer division takes five times as many instructions
        row = ((part.to(tl.float32) + 0.5) * inverse).to(tl.int32)
        # parts at the right and lower ends have fewer pixels
        high = tl.minimum(height - row * rows, rows)
        wide = tl.minimum(width - (part - row * across) * columns, columns)
        count = tl.where(part < parts, high * wide, 0).to(tl.float32)
        together = before + count
        share = count / tl.maximum(together, 1.0)
        step = means + (pivot - origin[None, :]) - mean
        m2 += m2s + step * step * (before * share)[:, None]
        mean += step * share[:, None]
        before = together
    pixels = tl.sum(before, axis=0)
    average = tl.sum(mean * before[:, None], axis=0) / pixels
    apart = mean - average[None, :]
    total = tl.sum(m2 + before[:, None] * apart * apart, axis=0)
    average += origin
    tl.store(mean_ptr + plane, average, mask=known)
    tl.store(m2_ptr + plane, total, mask=known)
    gate = gate_of(
        average, total, pixels, squeeze_weight_ptr, squeeze_bias_ptr, excite_weight_ptr,
        excite_bias_ptr, LEAST, C, R, C2, R2,
    )  # fmt: skip
    tl.store(gate_ptr + plane, gate, mask=known)


def merge_and_gate(
    parts: Tensor, plane: tuple[int, int], part: tuple[int, int], weights: Sequence[Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Merge the moments of a plane's parts, and compute the gates of its channels.

    Parameters
    ----------
    parts : Tensor, (3, N, parts, C)
        As in `_moments.merge`, but channels are the fastest axis.
    plane, part : (int, int)
        As in `_moments.merge`.
    weights : sequence of Tensor, (R, C, 1, 1), (R,), (C, R, 1, 1) and (C,)
        Weight and bias of squeeze and of excite, as in `contrast_gate`.

    Returns
    -------
    mean, m2 : Tensor, (N, C, 1, 1)
        In float32.
    gate : Tensor, (N, C, 1, 1)
        In the dtype of the weights.
    """
    _, images, count, features = parts.shape
    inner, shape = weights[0].shape[0], (images, features, 1, 1)
    mean, m2 = (parts.new_empty(shape) for _ in range(2))
    gate = parts.new_empty(shape, dtype=weights[0].dtype)
    wide = next_power_of_2(features)
    # with more channels, fewer registers remain for parts
    slots = max(16, SLOTS * 64 // max(wide, 64))
    with torch.cuda.device_of(parts):
        _kernel[(images,)](
            parts, *(weight.contiguous() for weight in weights), mean, m2, gate, *plane, *part,
            count, LEAST=LEAST_VARIANCE, C=features, R=inner, C2=wide,
            R2=next_power_of_2(inner), SLOTS=slots, num_warps=WARPS,
        )  # fmt: skip
    return mean, m2, gate
