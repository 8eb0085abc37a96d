"""Gate every pixel by an enlarged low-resolution plane, the tail of enhanced spatial attention.

y = x * sigmoid(excite(enlarged(low) + skip(squeezed)))

where excite and skip are 1x1 convolutions, and enlarged is bilinear: Liu et al., 2020,
https://arxiv.org/abs/2009.11551. Computed for a window of an image, from places in the whole.

Bytes, for p pixels of C features, E of them inside, of e bytes each: eager PyTorch moves pEe to
enlarge, 2pEe for the skip, 3pEe for the sum, p(E + C)e to excite, 2pCe for the sigmoid and 3pCe
for the product; the kernel moves p(2C + E)e, as low is small. With E = C / 4 it is at best 3.4
times as fast.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from sr_kernels._configuration import configuration
from sr_kernels._op import Op, register, tensors_of
from sr_kernels._triton import INTERPRETED, tl, triton

BLOCK = 64
"""Neighbouring pixels of a row that one program gates at once."""
ROWS = 4
"""Rows that one program gates one after the other, with the same weights."""
WARPS = 4
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


def reference(
    x: Tensor,
    squeezed: Tensor,
    low: Tensor,
    skip_weight: Tensor,
    skip_bias: Tensor,
    excite_weight: Tensor,
    excite_bias: Tensor,
    top: int,
    left: int,
    full_height: int,
    full_width: int,
) -> Tensor:
    """Compute `esa_tail` in plain PyTorch."""
    height, width = x.shape[2:]
    enlarged = sample_bilinear(low, height, width, (top, left, full_height, full_width))
    inner = enlarged + functional.conv2d(squeezed, skip_weight, skip_bias)
    return x * torch.sigmoid(functional.conv2d(inner, excite_weight, excite_bias))


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
def _kernel(
    x_ptr, squeezed_ptr, low_ptr, skip_weight_ptr, skip_bias_ptr, excite_weight_ptr,
    excite_bias_ptr, y_ptr, height, width, low_height, low_width, top, left, full_height,
    full_width, C: tl.constexpr, E: tl.constexpr, C2: tl.constexpr, E2: tl.constexpr,
    BLOCK: tl.constexpr, ROWS: tl.constexpr, DOT: tl.constexpr,
):  # fmt: skip
    # one program: ROWS rows of BLOCK pixels of one image, all channels
    across, down = tl.cdiv(width, BLOCK), tl.cdiv(height, ROWS)
    image = (tl.program_id(0) // (across * down)).to(tl.int64)
    begin = tl.program_id(0) // across % down * ROWS
    column = tl.program_id(0) % across * BLOCK

    # weights lie transposed, as pixels are rows; what fills up is zero and adds nothing
    c, e, f = tl.arange(0, C2), tl.arange(0, E2), tl.arange(0, E2)
    inside = (f < E)[:, None] & (e < E)[None, :]
    at = e[None, :] * E + f[:, None]
    skip_weight = tl.load(skip_weight_ptr + at, mask=inside, other=0.0).to(DOT)
    skip_bias = tl.load(skip_bias_ptr + e, mask=e < E, other=0.0).to(tl.float32)
    inside = (e < E)[:, None] & (c < C)[None, :]
    at = c[None, :] * E + e[:, None]
    excite_weight = tl.load(excite_weight_ptr + at, mask=inside, other=0.0).to(DOT)
    excite_bias = tl.load(excite_bias_ptr + c, mask=c < C, other=0.0).to(tl.float32)

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
        inner += tl.dot(squeezed.to(DOT), skip_weight) + skip_bias[None, :]
        gate = tl.sigmoid(tl.dot(inner.to(DOT), excite_weight) + excite_bias[None, :])
        here = pixel * C + c[None, :]
        y = gate * tl.load(x_ptr + here, mask=inside_c, other=0.0).to(tl.float32)
        tl.store(y_ptr + here, y, mask=inside_c)


def _launch(
    x: Tensor,
    squeezed: Tensor,
    low: Tensor,
    skip_weight: Tensor,
    skip_bias: Tensor,
    excite_weight: Tensor,
    excite_bias: Tensor,
    top: int,
    left: int,
    full_height: int,
    full_width: int,
) -> Tensor:
    """Return y in channels_last."""
    planes = [plane.contiguous(memory_format=torch.channels_last) for plane in (x, squeezed, low)]
    weights = [
        weight.contiguous() for weight in (skip_weight, skip_bias, excite_weight, excite_bias)
    ]
    y = torch.empty_like(planes[0])
    (images, features, height, width), inner = x.shape, squeezed.shape[1]
    padded = max(LEAST_DOT, triton.next_power_of_2(features))
    block = max(LEAST_DOT, min(BLOCK, BLOCK * 64 // padded))
    options = configuration("esa_tail", x, BLOCK=block, ROWS=ROWS, num_warps=WARPS)
    grid = (images * triton.cdiv(height, options["ROWS"]) * triton.cdiv(width, options["BLOCK"]),)
    with torch.cuda.device_of(x):
        _kernel[grid](
            *planes, *weights, y, height, width, *low.shape[2:], top, left, full_height, full_width,
            C=features, E=inner, C2=padded, E2=max(LEAST_DOT, triton.next_power_of_2(inner)),
            DOT=_dot_type(x.dtype), **options,
        )  # fmt: skip
    return y


def _dot_type(dtype: torch.dtype) -> Any:
    """Return in which dtype matrices are multiplied: the interpreter cannot do it in bfloat16."""
    types = {torch.float16: tl.float16, torch.bfloat16: tl.bfloat16}
    wide = INTERPRETED and dtype == torch.bfloat16
    return tl.float32 if wide else types.get(dtype, tl.float32)


_compute = register("esa_tail", reference, _launch)


def esa_tail(
    x: Tensor,
    squeezed: Tensor,
    low: Tensor,
    skip_weight: Tensor,
    skip_bias: Tensor,
    excite_weight: Tensor,
    excite_bias: Tensor,
    top: int,
    left: int,
    full_height: int,
    full_width: int,
) -> Tensor:
    """Gate a piece of an image by its own squeezed features and those of the whole image.

    Parameters
    ----------
    x, squeezed : Tensor, (N, C, H, W) and (N, E, H, W)
        The piece. Read as channels_last; other layouts are copied.
    low : Tensor, (N, E, h, w)
        The plane that spans the whole image. Likewise.
    skip_weight, skip_bias : Tensor, (E, E, 1, 1) and (E,)
        The 1x1 convolution of `squeezed`.
    excite_weight, excite_bias : Tensor, (C, E, 1, 1) and (C,)
        The 1x1 convolution of the sum.
    top, left, full_height, full_width : int
        Where the piece lies in the whole image, in pixels.

    Returns
    -------
    Tensor, (N, C, H, W)
        In the dtype of `x`. The kernel computes in float32, but rounds the sum once, for the
        matrix unit, and the result once.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or the piece does not lie in the image.
    """
    images, features, height, width = x.shape
    inner = squeezed.shape[1]
    _check_shape("squeezed", squeezed, (images, inner, height, width))
    _check_shape("low", low, (images, inner, *low.shape[2:]))
    _check_shape("skip_weight", skip_weight, (inner, inner, 1, 1))
    _check_shape("skip_bias", skip_bias, (inner,))
    _check_shape("excite_weight", excite_weight, (features, inner, 1, 1))
    _check_shape("excite_bias", excite_bias, (features,))
    if not (0 <= top <= full_height - height and 0 <= left <= full_width - width):
        raise ValueError(
            f"esa_tail needs a piece that lies in an image of {full_height} x {full_width}, got "
            f"{height} x {width} at {top}, {left}"
        )
    result: Tensor = _compute(
        x, squeezed, low, skip_weight, skip_bias, excite_weight, excite_bias,
        top, left, full_height, full_width,
    )  # fmt: skip
    return result


def _check_shape(name: str, tensor: Tensor, shape: tuple[int, ...]) -> None:
    if tensor.shape != shape:
        raise ValueError(f"esa_tail needs {name} {shape}, got {tuple(tensor.shape)}")


def _example(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> tuple[Any, ...]:
    images, features, height, width = shape
    inner = features // 4
    # a piece that begins off the low plane's grid
    top, left = 5, 11
    full_height, full_width = (-(-end // 64) * 64 for end in (top + height, left + width))
    tensors = (
        torch.randn(shape),
        torch.randn(images, inner, height, width),
        torch.randn(images, inner, -(-full_height // 6), -(-full_width // 6)),
        torch.randn(inner, inner, 1, 1) * inner**-0.5,
        torch.randn(inner),
        torch.randn(features, inner, 1, 1) * inner**-0.5,
        torch.randn(features),
    )
    moved = (tensor.to(device, dtype) for tensor in tensors)
    return *moved, top, left, full_height, full_width


def _bytes_moved(*arguments: Any) -> int:
    tensors = tensors_of(arguments)
    # the result is as large as x
    return sum(tensor.numel() * tensor.element_size() for tensor in [tensors[0], *tensors])


def _flops(x: Tensor, squeezed: Tensor, *_: Any) -> int:
    inner, pixels = squeezed.shape[1], squeezed.numel() // max(squeezed.shape[1], 1)
    # two matrices, three interpolations and a sum inside, a gate outside
    return pixels * (2 * inner * (inner + x.shape[1]) + 10 * inner + 2 * x.shape[1])


OP = Op(esa_tail, reference, _launch, _example, _bytes_moved, _flops)
