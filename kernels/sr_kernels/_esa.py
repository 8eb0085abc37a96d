"""Enhanced spatial attention, as far as the ops share it that end in it.

A pixel's gate is sigmoid(excite(enlarged(low) + skip(squeezed))), where excite and skip are 1x1
convolutions, and enlarged is bilinear: Liu et al., 2020, https://arxiv.org/abs/2009.11551. It is
computed for a window of an image, from places in the whole.

Letters: N images, C features, H x W pixels, E features inside, h x w cells of the low plane.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from sr_kernels._configuration import configuration
from sr_kernels._op import check_shapes
from sr_kernels._triton import INTERPRETED, tl, triton

if TYPE_CHECKING:
    from collections.abc import Sequence

BLOCK = 64
"""Neighbouring pixels of a row that one program gates at once."""
MIXED = 32
"""The same where it mixes them too: 64 of 50 features each spill registers on sm_120."""
ROWS = 4
"""Rows that one program gates one after the other, with the same weights."""
WARPS = 4
STAGES = 2
LEAST_DOT = 16
"""No side of a matrix product is smaller; fewer features are filled up with zeros."""


def sample_bilinear(low: Tensor, height: int, width: int, window: tuple[int, ...]) -> Tensor:
    """Return a piece of `low`, (N, E, h, w), enlarged bilinearly to the whole image.

    Equal to `interpolate(low, (full_height, full_width), mode="bilinear")` cropped to the piece,
    pixel centres aligned, without making the whole.

    Parameters
    ----------
    low : Tensor, (N, E, h, w)
        The plane that spans the whole image.
    height, width : int
        Of the piece.
    window : tuple of int
        The piece's top and left, and the full height and width, in pixels.

    Returns
    -------
    Tensor, (N, E, height, width)
        In the dtype of `low`.
    """
    top, left, full_height, full_width = window
    if (height, width) == (full_height, full_width):
        size = (height, width)
        return functional.interpolate(low, size, mode="bilinear", align_corners=False)
    # half precision cannot tell the places of a large image's pixels apart
    wide = low if low.dtype == torch.float64 else low.float()
    rows = _shares(low.shape[2], full_height, top, height, wide)
    columns = _shares(low.shape[3], full_width, left, width, wide)
    return (rows @ wide @ columns.T).to(low.dtype)


def _shares(size: int, full: int, start: int, length: int, like: Tensor) -> Tensor:
    """Return the (length, size) matrix that interpolates one axis."""
    place = torch.arange(start, start + length, device=like.device, dtype=like.dtype) + 0.5
    place = (place * (size / full) - 0.5).clamp(0, size - 1)
    grid = torch.arange(size, device=like.device, dtype=like.dtype)
    return (1 - (place[:, None] - grid[None, :]).abs()).clamp(min=0)


@triton.jit
def _neighbours(start, offset, size, full):
    """Return between which two of `size` cells a pixel lies, and how far from the first.

    The pixel is number `start + offset` of `full`. The first one's place is exact, in integers:
    float32 would blur the places in a large image.
    """
    twice = tl.cast(full, tl.int64) * 2
    # the place is (2 * start + 1) * size / twice - 1 / 2, here raised by 1 to be positive
    first = (2 * start.to(tl.int64) + 1) * size + full
    place = (first % twice + 2 * size * offset).to(tl.float32) / twice.to(tl.float32)
    cell = tl.floor(place)
    share = place - cell
    cell = first // twice - 1 + cell.to(tl.int64)
    share = tl.where(cell < 0, 0.0, share)
    cell = tl.minimum(tl.maximum(cell, 0), size - 1)
    return cell, tl.minimum(cell + 1, size - 1), share


@triton.jit
def _between(one_ptr, other_ptr, offsets, inside, share):
    """Return what lies at `share` between two rows or columns of features, in float32."""
    one = tl.load(one_ptr + offsets, mask=inside, other=0.0).to(tl.float32)
    other = tl.load(other_ptr + offsets, mask=inside, other=0.0).to(tl.float32)
    return one + share * (other - one)


@triton.jit
def _load_transposed(weight_ptr, output, source, OUTPUTS, SOURCES, DOT: tl.constexpr):
    """Return a 1x1 convolution's weight as (sources, outputs); what fills up is zero."""
    inside = (source < SOURCES)[:, None] & (output < OUTPUTS)[None, :]
    at = output[None, :] * SOURCES + source[:, None]
    return tl.load(weight_ptr + at, mask=inside, other=0.0).to(DOT)


@triton.jit
def _load_row(vector_ptr, index, LENGTH):
    """Return a vector as (1, channels) of float32; what fills up is zero."""
    return tl.load(vector_ptr + index, mask=index < LENGTH, other=0.0).to(tl.float32)[None, :]


@triton.jit
def _kernel(
    x_ptr, squeezed_ptr, low_ptr, skip_weight_ptr, skip_bias_ptr, excite_weight_ptr,
    excite_bias_ptr, scale_ptr, mix_weight_ptr, mix_bias_ptr, residual_ptr, y_ptr,
    height, width, low_height, low_width, top, left, full_height, full_width,
    C: tl.constexpr, E: tl.constexpr, C2: tl.constexpr, E2: tl.constexpr,
    BLOCK: tl.constexpr, ROWS: tl.constexpr, DOT: tl.constexpr,
):  # fmt: skip
    # one program: ROWS rows of BLOCK pixels of one image, all channels
    across, down = tl.cdiv(width, BLOCK), tl.cdiv(height, ROWS)
    image = (tl.program_id(0) // (across * down)).to(tl.int64)
    begin = tl.program_id(0) // across % down * ROWS
    column = tl.program_id(0) % across * BLOCK

    c, e, f = tl.arange(0, C2), tl.arange(0, E2), tl.arange(0, E2)
    skip_weight = _load_transposed(skip_weight_ptr, e, f, E, E, DOT)
    skip_bias = _load_row(skip_bias_ptr, e, E)
    excite_weight = _load_transposed(excite_weight_ptr, c, e, C, E, DOT)
    excite_bias = _load_row(excite_bias_ptr, c, C)
    if mix_weight_ptr is not None:
        scale = _load_row(scale_ptr, c, C)
        mix_weight = _load_transposed(mix_weight_ptr, c, tl.arange(0, C2), C, C, DOT)
        mix_bias = _load_row(mix_bias_ptr, c, C)

    offset = tl.arange(0, BLOCK)
    west, east, eastern = _neighbours(left + column, offset, low_width, full_width)
    west, east = west[:, None] * E + e[None, :], east[:, None] * E + e[None, :]
    low_ptr += image * low_height * low_width * E
    inside = (offset < width - column)[:, None]
    inside_e, inside_c = inside & (e < E)[None, :], inside & (c < C)[None, :]
    for row in range(begin, tl.minimum(begin + ROWS, height)):
        north, south, southern = _neighbours(top + row, 0, low_height, full_height)
        north, south = low_ptr + north * low_width * E, low_ptr + south * low_width * E
        inner = _between(north, south, west, inside_e, southern)
        inner += eastern[:, None] * (_between(north, south, east, inside_e, southern) - inner)

        pixel = (image * height + row) * width + column + offset[:, None]
        squeezed = tl.load(squeezed_ptr + pixel * E + e[None, :], mask=inside_e, other=0.0)
        inner += tl.dot(squeezed.to(DOT), skip_weight) + skip_bias
        gate = tl.sigmoid(tl.dot(inner.to(DOT), excite_weight) + excite_bias)
        at = pixel * C + c[None, :]
        y = gate * tl.load(x_ptr + at, mask=inside_c, other=0.0).to(tl.float32)
        if mix_weight_ptr is not None:
            y = tl.dot((y * scale).to(DOT), mix_weight) + mix_bias
            y += tl.load(residual_ptr + at, mask=inside_c, other=0.0).to(tl.float32)
        tl.store(y_ptr + at, y, mask=inside_c)


def check(
    op: str,
    planes: Sequence[Tensor],
    weights: Sequence[Tensor],
    window: Sequence[int],
) -> None:
    """Compare planes, weights and window, as `run_kernel` takes them, with each other.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or the window does not lie in the image.
    """
    x, squeezed, low = planes
    images, features, height, width = x.shape
    inner = squeezed.shape[1]
    skip_weight, skip_bias, excite_weight, excite_bias = weights
    check_shapes(
        op,
        squeezed=(squeezed, (images, inner, height, width)),
        low=(low, (images, inner, *low.shape[2:])),
        skip_weight=(skip_weight, (inner, inner, 1, 1)),
        skip_bias=(skip_bias, (inner,)),
        excite_weight=(excite_weight, (features, inner, 1, 1)),
        excite_bias=(excite_bias, (features,)),
    )
    top, left, full_height, full_width = window
    if not (0 <= top <= full_height - height and 0 <= left <= full_width - width):
        raise ValueError(
            f"{op} needs a piece that lies in an image of {full_height} x {full_width}, got "
            f"{height} x {width} at {top}, {left}"
        )


def run_kernel(
    op: str,
    planes: Sequence[Tensor],
    weights: Sequence[Tensor],
    window: Sequence[int],
    mix: Sequence[Tensor] | None = None,
) -> Tensor:
    """Gate a window of an image, and mix what is gated where that is wanted.

    Parameters
    ----------
    op : str
        On whose behalf: its name in the configurations.
    planes : sequence of Tensor, (N, C, H, W), (N, E, H, W) and (N, E, h, w)
        x, squeezed and low.
    weights : sequence of Tensor, (E, E, 1, 1), (E,), (C, E, 1, 1) and (C,)
        Weight and bias of skip and of excite.
    window : sequence of int
        Top and left of the window, and the full height and width, in pixels.
    mix : sequence of Tensor, (C,), (C, C, 1, 1), (C,) and (N, C, H, W), optional
        A weight of each channel, weight and bias of a 1x1 convolution, a residual.

    Returns
    -------
    Tensor, (N, C, H, W)
        Channels_last.
    """
    x, squeezed, low = (plane.contiguous(memory_format=torch.channels_last) for plane in planes)
    plain = [tensor.contiguous() for tensor in (*weights, *(mix or ())[:3])]
    mixing = (
        [*plain[4:], mix[3].contiguous(memory_format=torch.channels_last)] if mix else 4 * [None]
    )
    y = torch.empty_like(x)
    (images, features, height, width), inner = x.shape, squeezed.shape[1]
    padded = max(LEAST_DOT, triton.next_power_of_2(features))
    # wider features take the registers of pixels
    block = max(LEAST_DOT, (MIXED if mix else BLOCK) * 64 // max(padded, 64))
    options = configuration(op, x, BLOCK=block, ROWS=ROWS, num_warps=WARPS, num_stages=STAGES)
    grid = (images * triton.cdiv(height, options["ROWS"]) * triton.cdiv(width, options["BLOCK"]),)
    with torch.cuda.device_of(x):
        _kernel[grid](
            x, squeezed, low, *plain[:4], *mixing, y, height, width, *low.shape[2:], *window,
            C=features, E=inner, C2=padded, E2=max(LEAST_DOT, triton.next_power_of_2(inner)),
            DOT=_dot_type(x.dtype), **options,
        )  # fmt: skip
    return y


def _dot_type(dtype: torch.dtype) -> Any:
    """Return in which dtype matrices are multiplied: the interpreter cannot do it in bfloat16."""
    types = {torch.float16: tl.float16, torch.bfloat16: tl.bfloat16}
    wide = INTERPRETED and dtype == torch.bfloat16
    return tl.float32 if wide else types.get(dtype, tl.float32)
