"""Compare a part of an image with the same part of a larger image.

So we notice what single pixels do not show: means of the whole image, and networks that shrink the
image inside, whose result depends on where a tile begins.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

CORE = 32
"""Pixels between the two halos of the smaller image, at least."""
LARGEST_SIDE = 640
"""Side in pixels of the largest image that is computed."""
TOLERANCE = 1e-4
"""Largest difference, as a share of the range of the result."""
ROUNDING = 1e-6
"""Largest difference that is rounding, as a share of the largest value."""


def tiles_differ(
    compute: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    channels: int,
    scale: int,
    halo: int,
    steps: tuple[tuple[int, int], tuple[int, int]],
) -> bool:
    """Return whether tiles with a halo give other results than the whole image.

    The images are random, twice: a large one, and the part of it that begins at one step.

    Parameters
    ----------
    compute : callable
        Takes (C, H, W), and returns (C, S * H, S * W).
    channels, scale : int
        C and S.
    halo : int
        LR pixels by which tiles overlap on each side.
    steps : two pairs of int
        Smallest height and width, and the steps in which they grow.

    Returns
    -------
    bool
        False also if the images would be too large, so that nothing was compared.
    """
    first = math.lcm(*(step for _, step in steps))
    small = [_fitting(2 * halo + CORE, *one) for one in steps]
    large = [_fitting(size + first + CORE, *one) for size, one in zip(small, steps, strict=True)]
    if max(large) > LARGEST_SIDE:
        return False
    image = np.random.default_rng(0).random((channels, *large), np.float32)
    part = (slice(None), *(slice(first, first + size) for size in small))
    brighter = image + np.float32(1)
    brighter[part] = image[part]  # the mean of the part differs from that of the whole
    core = [slice(halo, size - halo) for size in small]
    wanted = compute(brighter)[_inside(core, scale, first)]
    found = compute(np.ascontiguousarray(brighter[part]))[_inside(core, scale, 0)]
    most = TOLERANCE * float(np.ptp(wanted)) + ROUNDING * float(np.abs(wanted).max())
    return not bool((np.abs(found - wanted) <= most).all())


def _inside(core: list[slice], scale: int, shift: int) -> tuple[slice, ...]:
    """Return the place of a part in a result."""
    ends = [slice(scale * (one.start + shift), scale * (one.stop + shift)) for one in core]
    return (slice(None), *ends)


def _fitting(length: int, least: int, step: int) -> int:
    return max(least, least + -(-(length - least) // step) * step)
