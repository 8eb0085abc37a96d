"""Warn about values beyond black and white in training images; they are not clipped.

Symbols: H x W pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_sr.training.data.pictures import Picture

BAND = 256
"""Number of rows that are checked at once."""
LOOKED_AT = 1 << 26
"""Largest number of pixels that are checked in a plane, in evenly spaced bands."""


def beyond(name: str, pictures: Sequence[Picture]) -> str:
    """Describe the number and the range of values beyond black and white.

    Parameters
    ----------
    name : str
        Name of the images, for the user.
    pictures : sequence of Picture
        The planes. Integers that use the full range of their type are not read.

    Returns
    -------
    str
        A sentence; "" if there are no such values.
    """
    values = outside = 0
    low = high = None
    for picture in pictures:
        black, white = sorted((picture.values.low, picture.values.high))
        for block in _bands(picture):
            values += block.size
            ends = float(block.min()), float(block.max())
            if ends[0] < black or ends[1] > white:
                outside += int(np.count_nonzero((block < black) | (block > white)))
            low = ends[0] if low is None else min(low, ends[0])
            high = ends[1] if high is None else max(high, ends[1])
    if not outside:
        return ""
    ranges = {(picture.values.low, picture.values.high) for picture in pictures}
    declared = f" ({black:g} to {white:g})" if len(ranges) == 1 else ""
    return (
        f"{max(outside / values, 1e-4):.2%} of the values of {name} are beyond black and white"
        f"{declared}: all values range from {low:g} to {high:g}, and are used unclipped"
    )


def _bands(picture: Picture) -> Iterator[NDArray[Any]]:
    """Yield the pixels of a picture, or bands of a very large one."""
    if picture.steps is not None:
        return
    every = -(-picture.height * picture.width // LOOKED_AT)
    for top in range(0, picture.height, BAND * every):
        yield picture.read(slice(top, min(top + BAND, picture.height)), slice(0, picture.width))
