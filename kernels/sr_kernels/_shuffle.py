"""The addresses to which a pixel shuffle writes BLOCK pixels of a row, starting at `left`.

A pixel shuffle turns each pixel into R x R pixels, numbered (i, j). Rows are counted over all
images. R2 is R rounded up to a power of two; the mask excludes the excess.

Symbols: C channels of the result, H x W pixels before the shuffle.
"""

from __future__ import annotations

from sr_kernels._triton import tl, triton


@triton.jit
def places_in_image(
    row, left, first, height, width,
    CHANNELS: tl.constexpr, R: tl.constexpr, R2: tl.constexpr, PLANES: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """Return the addresses in an image, NCHW, their mask, and the channels.

    The axes are (c, i) and (w, j).
    """
    line, place = tl.arange(0, PLANES * R2), tl.arange(0, BLOCK * R2)
    c, i = first + line // R2, line % R2
    column, j = left + place // R2, place % R2
    image, h = row // height, row % height
    to = ((image * CHANNELS + c) * height + h) * R + i
    to = to[:, None] * (width * R) + (column * R + j)[None, :]
    inside = ((c < CHANNELS) & (i < R))[:, None] & ((column < width) & (j < R))[None, :]
    return to, inside, c[:, None]


@triton.jit
def places_in_features(
    row, left, first, width,
    CHANNELS: tl.constexpr, R: tl.constexpr, R2: tl.constexpr, PLANES: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """Return the addresses in features, channels_last, their mask, and the channels.

    The axes are (i, w, j) and c.
    """
    pixel, c = tl.arange(0, R2 * BLOCK * R2), first + tl.arange(0, PLANES)
    i, column, j = pixel // (BLOCK * R2), left + pixel // R2 % BLOCK, pixel % R2
    to = ((row * R + i) * width + column) * R + j
    to = to[:, None] * CHANNELS + c[None, :]
    inside = ((i < R) & (column < width) & (j < R))[:, None] & (c < CHANNELS)[None, :]
    return to, inside, c[None, :]
