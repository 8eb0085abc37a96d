"""A dense 3x3 convolution in which each program computes one patch of the image.

A patch is some columns of some rows. It is read in channels_last, and written either as features
(channels_last) or as an image (NCHW). A pixel shuffle turns a pixel into R x R pixels; in features,
one of them, (i, j), is written at a time, in an image all of them.

Symbols: N images, C channels, H x W pixels, R the factor of a pixel shuffle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sr_kernels._activation import activate
from sr_kernels._matrix import channels_last
from sr_kernels._triton import tl, triton

if TYPE_CHECKING:
    from torch import Tensor


@triton.jit
def convolve(
    x_ptr, weight_ptr, top, left, height, width, output, wanted,
    INPUTS: tl.constexpr, PITCH: tl.constexpr, DEPTH: tl.constexpr, BLOCK: tl.constexpr,
    ROWS: tl.constexpr, DOT: tl.constexpr,
):  # fmt: skip
    """Return the 3x3 convolution of a patch, (pixels, outputs) in float32.

    x_ptr points at the first pixel of the patch. Neighbouring pixels are PITCH values apart.
    """
    pixel, source = tl.arange(0, ROWS * BLOCK), tl.arange(0, DEPTH)
    row, column = top + pixel // BLOCK, left + pixel % BLOCK
    place = (pixel // BLOCK * width + pixel % BLOCK) * PITCH
    depths: tl.constexpr = (INPUTS + DEPTH - 1) // DEPTH
    y = tl.zeros((ROWS * BLOCK, output.shape[0]), dtype=tl.float32)
    for step in range(9 * depths):
        tap, channel = step // depths, step % depths * DEPTH + source
        down, right = tap // 3 - 1, tap % 3 - 1
        inside = (row + down >= 0) & (row + down < height)
        inside = inside & (column + right >= 0) & (column + right < width)
        at = (place + (down * width + right) * PITCH)[:, None] + channel[None, :]
        x = tl.load(x_ptr + at, mask=inside[:, None] & (channel < INPUTS)[None, :], other=0.0)
        at = (output * (9 * INPUTS) + tap * INPUTS)[None, :] + channel[:, None]
        known = (channel < INPUTS)[:, None] & wanted[None, :]
        weight = tl.load(weight_ptr + at, mask=known, other=0.0)
        y = tl.dot(x.to(DOT), weight.to(DOT), y, input_precision="ieee")
    return y


@triton.jit
def _finish(y, start, at, inside, residual_ptr, y_ptr, slope, ACTIVATION: tl.constexpr):
    if residual_ptr is not None:
        y += tl.load(residual_ptr + start + at, mask=inside, other=0.0).to(tl.float32)
    tl.store(y_ptr + start + at, activate(y, ACTIVATION, slope), mask=inside)


@triton.jit
def finish_features(
    y, image, top, left, c, i, j, height, width, residual_ptr, y_ptr, slope,
    CHANNELS: tl.constexpr, R: tl.constexpr, BLOCK: tl.constexpr, ROWS: tl.constexpr,
    ACTIVATION: tl.constexpr,
):  # fmt: skip
    """Add the residual to a patch of features, activate and store it: (pixels, channels).

    The features are channels_last; the patch fills pixel (i, j) of each square of R x R.
    """
    # within a patch, addresses fit into 32 bits
    pixel = tl.arange(0, ROWS * BLOCK)
    row, column = pixel // BLOCK, pixel % BLOCK
    start = ((((image * height + top) * R + i) * width + left) * R + j) * CHANNELS
    at = ((row * R * width + column) * R * CHANNELS)[:, None] + c[None, :]
    inside = (top + row < height) & (left + column < width)
    inside = inside[:, None] & (c < CHANNELS)[None, :]
    _finish(y, start, at, inside, residual_ptr, y_ptr, slope, ACTIVATION)


@triton.jit
def finish_image(
    y, image, top, left, first, height, width, residual_ptr, y_ptr, slope,
    CHANNELS: tl.constexpr, R: tl.constexpr, R2: tl.constexpr, PLANES: tl.constexpr,
    BLOCK: tl.constexpr, ROWS: tl.constexpr, ACTIVATION: tl.constexpr,
):  # fmt: skip
    """Add the residual to a patch of an image, activate and store it: ((h, w), (c, i, j)).

    The image is NCHW. Only the first R of the R2 values of i and of j are valid.
    """
    # reorder the axes as in memory: (c, h, i) and (w, j)
    y = tl.reshape(y, (ROWS, BLOCK, PLANES, R2, R2))
    y = tl.reshape(tl.permute(y, (2, 0, 3, 1, 4)), (PLANES * ROWS * R2, BLOCK * R2))
    line, place = tl.arange(0, PLANES * ROWS * R2), tl.arange(0, BLOCK * R2)
    c, i, j = first + line // (ROWS * R2), line % R2, place % R2
    row, column = top + line // R2 % ROWS, left + place // R2
    start = image * CHANNELS * height * width * (R * R)
    at = ((c.to(tl.int64) * height + row) * R + i) * (width * R)
    at = at[:, None] + (column * R + j)[None, :]
    inside = (c < CHANNELS) & (row < height) & (i < R)
    inside = inside[:, None] & ((column < width) & (j < R))[None, :]
    _finish(y, start, at, inside, residual_ptr, y_ptr, slope, ACTIVATION)


def with_pitch(x: Tensor) -> tuple[Tensor, int]:
    """Return planes, (N, C, H, W), in channels_last, and the distance of two pixels in values.

    Planes that are a part of the channels of channels_last planes are not copied; other layouts
    are.
    """
    _, channels, height, width = x.shape
    pitch = x.stride(3)
    if pitch >= channels and x.stride() == (height * width * pitch, 1, width * pitch, pitch):
        return x, pitch
    return channels_last(x), channels
