"""Alpha is opacity, not light: it keeps the range of its type, whatever black and white are.

Letters: H x W pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDING = 1e-6
"""Error of a bicubic sum in float32: opacity so near to an end of its range is the end."""


def opacity_range(alpha: NDArray[Any]) -> tuple[float, float]:
    """Return what is transparent and what is opaque in a plane's alpha, (H, W).

    From 0 to the largest integer of the type, or to 1 for floats. Values outside, such as 255
    in floats, widen the range, so that they come back as they are. NaN does not count.
    """
    full = np.iinfo(alpha.dtype).max if alpha.dtype.kind in "ui" else 1.0
    low = float(np.fmin.reduce(alpha, axis=None, initial=0))
    high = float(np.fmax.reduce(alpha, axis=None, initial=full))
    return low, high


def snapped(alpha: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return enlarged opacity, where 1 is opaque, with rounding errors at 0 and 1 taken out."""
    wide = alpha.astype(np.float64)
    end = np.rint(wide)
    return np.where(np.abs(wide - end) <= ROUNDING, end, wide)
