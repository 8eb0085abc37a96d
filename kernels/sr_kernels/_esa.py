"""Enhanced spatial attention (ESA): the kernel of `esa_tail`, `esa_mix` and `esa_moments`.

A pixel's gate is sigmoid(excite(enlarged(low) + skip(squeezed))), where excite and skip are 1x1
convolutions, and enlarged is bilinear: Liu et al., 2020, https://arxiv.org/abs/2009.11551. The
kernel computes a window of an image, and interpolates at the window's position in the whole image.

Symbols: N images, C features, H x W pixels, E features inside ESA, h x w cells of the low plane.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sr_kernels._activation import sigmoid
from sr_kernels._bilinear import between, neighbours
from sr_kernels._configuration import configuration
from sr_kernels._matrix import LEAST_DOT, channels_last, dot_type, load_vector, load_weight, padded
from sr_kernels._moments import moments, store_part
from sr_kernels._op import check_shapes
from sr_kernels._triton import cdiv, kernel_jit, tl

if TYPE_CHECKING:
    from collections.abc import Sequence

BLOCK = 64
"""Number of neighbouring pixels of a row that one program gates at once."""
FEWER = 32
"""Number of pixels if channels are mixed or moments are computed. 64 pixels would spill registers:
when mixing 50 features on sm_120, or computing moments of 64 features on sm_80."""
ROWS = 4
"""Number of rows that one program gates one after the other, with the same weights."""
MOST_PARTS = 1024
"""Largest number of parts of a plane whose moments are computed separately. It is limited because
a single program merges them; in larger planes, each part has more rows."""
WARPS = 4
STAGES = 2


@kernel_jit
def _kernel(
    x_ptr, squeezed_ptr, low_ptr, skip_weight_ptr, skip_bias_ptr, excite_weight_ptr,
    excite_bias_ptr, scale_ptr, mix_weight_ptr, mix_bias_ptr, residual_ptr, parts_ptr, y_ptr,
    images, height, width, rows, low_height, low_width, top, left, full_height, full_width,
    C: tl.constexpr, E: tl.constexpr, C2: tl.constexpr, E2: tl.constexpr,
    BLOCK: tl.constexpr, DOT: tl.constexpr,
):  # fmt: skip
    # one program: `rows` rows of BLOCK pixels of one image, all channels
    across, down = tl.cdiv(width, BLOCK), tl.cdiv(height, rows)
    image = (tl.program_id(0) // (across * down)).to(tl.int64)
    begin = tl.program_id(0) // across % down * rows
    column = tl.program_id(0) % across * BLOCK

    c, e, f = tl.arange(0, C2), tl.arange(0, E2), tl.arange(0, E2)
    skip_weight = load_weight(skip_weight_ptr, f, e, E, E, E, DOT)
    skip_bias = load_vector(skip_bias_ptr, e, E)
    excite_weight = load_weight(excite_weight_ptr, e, c, E, C, E, DOT)
    excite_bias = load_vector(excite_bias_ptr, c, C)
    if mix_weight_ptr is not None:
        scale = load_vector(scale_ptr, c, C)
        mix_weight = load_weight(mix_weight_ptr, tl.arange(0, C2), c, C, C, C, DOT)
        mix_bias = load_vector(mix_bias_ptr, c, C)

    offset = tl.arange(0, BLOCK)
    west, east, eastern = neighbours(left + column, offset, low_width, full_width)
    west, east = west[:, None] * E + e[None, :], east[:, None] * E + e[None, :]
    low_ptr += image * low_height * low_width * E
    inside = (offset < width - column)[:, None]
    inside_e, inside_c = inside & (e < E)[None, :], inside & (c < C)[None, :]
    if parts_ptr is not None:
        # each column has its own sums, so that no row waits for a sum over columns
        first = tl.zeros((BLOCK, C2), tl.float32)
        total, squares = tl.zeros((BLOCK, C2), tl.float32), tl.zeros((BLOCK, C2), tl.float32)
    for row in range(begin, tl.minimum(begin + rows, height)):
        north, south, southern = neighbours(top + row, 0, low_height, full_height)
        north, south = low_ptr + north * low_width * E, low_ptr + south * low_width * E
        inner = between(north, south, west, inside_e, southern)
        inner += eastern[:, None] * (between(north, south, east, inside_e, southern) - inner)

        pixel = (image * height + row) * width + column + offset[:, None]
        squeezed = tl.load(squeezed_ptr + pixel * E + e[None, :], mask=inside_e, other=0.0)
        inner += tl.dot(squeezed.to(DOT), skip_weight) + skip_bias
        gate = sigmoid(tl.dot(inner.to(DOT), excite_weight) + excite_bias)
        at = pixel * C + c[None, :]
        y = gate * tl.load(x_ptr + at, mask=inside_c, other=0.0).to(tl.float32)
        if mix_weight_ptr is not None:
            y = tl.dot((y * scale).to(DOT), mix_weight) + mix_bias
            y += tl.load(residual_ptr + at, mask=inside_c, other=0.0).to(tl.float32)
        tl.store(y_ptr + at, y, mask=inside_c)
        if parts_ptr is not None:
            first = tl.where(row == begin, y, first)
            y -= first
            total += y
            squares += y * y
    if parts_ptr is not None:
        high = tl.minimum(rows, height - begin).to(tl.float32)
        wide = tl.minimum(width - column, BLOCK).to(tl.float32)
        pivot, mean, m2 = moments(first, total, squares, inside_c, high, wide)
        parts = across * down
        place = (image * parts + tl.program_id(0) % parts) * C + c
        store_part(parts_ptr, place, tl.cast(images, tl.int64) * C, parts, pivot, mean, m2, c < C)


def check(
    op: str,
    planes: Sequence[Tensor],
    weights: Sequence[Tensor],
    window: Sequence[int],
) -> None:
    """Check that planes, weights and window fit together; they are those of `run_kernel`.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or the window exceeds the image.
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
            f"{op} needs a piece inside an image of {full_height} x {full_width}, got "
            f"{height} x {width} at {top}, {left}"
        )


def run_kernel(
    op: str,
    planes: Sequence[Tensor],
    weights: Sequence[Tensor],
    window: Sequence[int],
    mix: Sequence[Tensor] | None = None,
) -> Tensor:
    """Gate a window of an image, and optionally mix its channels.

    Parameters
    ----------
    op : str
        Name of the calling op in the configurations.
    planes : sequence of Tensor, (N, C, H, W), (N, E, H, W) and (N, E, h, w)
        x, squeezed and low.
    weights : sequence of Tensor, (E, E, 1, 1), (E,), (C, E, 1, 1) and (C,)
        Weight and bias of skip and of excite.
    window : sequence of int
        Top and left of the window, and the full height and width, in pixels.
    mix : sequence of Tensor, (C,), (C, C, 1, 1), (C,) and (N, C, H, W), optional
        A weight for each channel, weight and bias of a 1x1 convolution, and a residual.

    Returns
    -------
    Tensor, (N, C, H, W)
        Channels_last.
    """
    mixing: list[Tensor | None] = [None] * 4
    if mix is not None:
        plain = [tensor.contiguous() for tensor in mix[:3]]
        mixing = [*plain, channels_last(mix[3])]
    options = _options(op, planes[0], FEWER if mix else BLOCK)
    rows = options.pop("ROWS")
    return _run(planes, weights, window, mixing, None, rows, options)


def run_with_parts(
    op: str, planes: Sequence[Tensor], weights: Sequence[Tensor], window: Sequence[int]
) -> tuple[Tensor, Tensor, tuple[int, int]]:
    """Gate a window of an image as `run_kernel` does, and compute the moments of its parts.

    Returns
    -------
    y : Tensor, (N, C, H, W)
        Channels_last.
    parts : Tensor, (3, N, parts, C)
        As in `_channel_gate.merge_and_gate`.
    part : (int, int)
        Height and width of a part; parts at the lower or right end may be smaller.
    """
    x = planes[0]
    images, features, height, width = x.shape
    options = _options(op, x, FEWER)
    rows, columns = options.pop("ROWS"), options["BLOCK"]
    across = cdiv(width, columns)
    rows = max(rows, cdiv(height, max(MOST_PARTS // across, 1)))
    count = cdiv(height, rows) * across
    parts = x.new_empty((3, images, count, features), dtype=torch.float32)
    y = _run(planes, weights, window, [None] * 4, parts, rows, options)
    return y, parts, (rows, columns)


def _options(op: str, x: Tensor, block: int) -> dict[str, int]:
    # with more features, fewer registers remain for pixels
    block = max(LEAST_DOT, block * 64 // max(padded(x.shape[1]), 64))
    return configuration(op, x, BLOCK=block, ROWS=ROWS, num_warps=WARPS, num_stages=STAGES)


def _run(
    planes: Sequence[Tensor],
    weights: Sequence[Tensor],
    window: Sequence[int],
    mixing: Sequence[Tensor | None],
    parts: Tensor | None,
    rows: int,
    options: dict[str, int],
) -> Tensor:
    x, squeezed, low = (channels_last(plane) for plane in planes)
    y = torch.empty_like(x)
    (images, features, height, width), inner = x.shape, squeezed.shape[1]
    grid = (images * cdiv(height, rows) * cdiv(width, options["BLOCK"]),)
    with torch.cuda.device_of(x):
        _kernel[grid](
            x, squeezed, low, *(weight.contiguous() for weight in weights), *mixing, parts, y,
            images, height, width, rows, *low.shape[2:], *window, C=features, E=inner,
            C2=padded(features), E2=padded(inner), DOT=dot_type(x.dtype), **options,
        )  # fmt: skip
    return y
