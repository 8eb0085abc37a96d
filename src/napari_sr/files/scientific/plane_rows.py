"""Yield an image's pixels in the order in which a file stores them, as blocks of rows."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.arrays import pixels_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_sr.engine.image.arrays import ArrayLike

BYTES = 32 * 2**20
"""Largest size of a block of rows, in bytes."""


def blocks(pixels: ArrayLike, axes: str, order: str) -> Iterator[NDArray[Any]]:
    """Yield blocks of rows: (rows, X) or (rows, X, S).

    Parameters
    ----------
    pixels : array
        The image, read window by window.
    axes : str
        One letter per axis of `pixels`; S is the axis of colours.
    order : str
        The letters of the looped axes, in the order in which planes are stored.
    """
    sizes = dict(zip(axes, map(int, pixels.shape), strict=True))
    plane_axes = [letter for letter in axes if letter not in order]
    wanted = [plane_axes.index(letter) for letter in "YXS" if letter in plane_axes]
    row = sizes["X"] * sizes.get("S", 1) * np.dtype(pixels.dtype).itemsize
    step = max(1, BYTES // row)
    for place in itertools.product(*(range(sizes[letter]) for letter in order)):
        at = dict(zip(order, place, strict=True))
        for top in range(0, sizes["Y"], step):
            at_rows = {**at, "Y": slice(top, min(top + step, sizes["Y"]))}
            block = pixels_of(pixels[tuple(at_rows.get(letter, slice(None)) for letter in axes)])
            yield np.ascontiguousarray(np.transpose(block, wanted))


def count(pixels: ArrayLike, axes: str, order: str) -> int:
    """Return the number of blocks that `blocks` yields."""
    sizes = dict(zip(axes, map(int, pixels.shape), strict=True))
    row = sizes["X"] * sizes.get("S", 1) * int(np.dtype(pixels.dtype).itemsize)
    planes = math.prod(sizes[letter] for letter in order)
    return planes * -(-sizes["Y"] // max(1, BYTES // row))
