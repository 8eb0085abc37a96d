"""Measure how far a foreign network looks: where its result changes if one pixel changes.

The measurement is no proof: a network may look farther in other images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SIDES = (96, 288)
"""Sides of the probed images in pixels, until the changes end near the pixel."""
SMALLEST = 1e-5
"""Changes below this share of the largest one are rounding."""
TRIALS = 2
"""Number of probed images and pixels."""


def measured_reach(
    compute: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    channels: int,
    scale: int,
    fitting: Callable[[int], tuple[int, int]],
) -> int | None:
    """Return the distance in LR pixels up to which one pixel changes the result.

    Parameters
    ----------
    compute : callable
        Takes (C, H, W), and returns (C, S * H, S * W).
    channels, scale : int
        C and S.
    fitting : callable
        Takes a side in pixels; returns the accepted height and width of at least this side.

    Returns
    -------
    int or None
        None if the change reaches beyond a quarter of the largest image, or there is none.
    """
    for side in SIDES:
        height, width = fitting(side)
        found = [
            _reach(compute, channels, scale, (height, width), trial) for trial in range(TRIALS)
        ]
        reach = max(found)
        # dilated convolutions skip pixels: they may look beyond an image unnoticed
        if 0 <= reach <= min(height, width) // 4:
            return reach
    return None


def _reach(
    compute: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    channels: int,
    scale: int,
    size: tuple[int, int],
    trial: int,
) -> int:
    """Return the largest distance of a change, in LR pixels; -1 if nothing changes."""
    random = np.random.default_rng(trial)
    image = random.random((channels, *size), np.float32)
    # pixels of different phases, for networks that shrink the image inside
    place = size[0] // 2 + trial, size[1] // 2 - trial
    other = image.copy()
    other[:, place[0], place[1]] += np.float32(1)
    change = np.abs(compute(other) - compute(image)).max(axis=0)
    if not change.max() > 0:
        return -1
    rows, columns = np.nonzero(change > SMALLEST * change.max())
    distances = (abs(rows // scale - place[0]), abs(columns // scale - place[1]))
    return int(max(one.max() for one in distances))
