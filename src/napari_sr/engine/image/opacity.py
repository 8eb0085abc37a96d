"""Alpha: its range, and the colours that it hides.

Alpha is opacity, not intensity: black and white do not apply to it.

Symbols: H x W pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_sr.engine.image.conversion import Filled

ROUNDING = 1e-6
"""Rounding error of a bicubic sum in float32; opacity this close to 0 or 1 becomes 0 or 1."""


def opacity_range(alpha: NDArray[Any]) -> tuple[float, float]:
    """Return the alpha values that mean transparent and opaque in a plane, (H, W).

    The range goes from 0 to the largest integer of the type, or to 1 for floats. Values outside,
    such as 255 in floats, widen the range, so that they are preserved. NaN is ignored.
    """
    full = np.iinfo(alpha.dtype).max if alpha.dtype.kind in "ui" else 1.0
    low = float(np.fmin.reduce(alpha, axis=None, initial=0))
    high = float(np.fmax.reduce(alpha, axis=None, initial=full))
    return low, high


def opacity_of_plane(plane: Filled) -> tuple[float, float]:
    """Return the opacity range of the whole plane that contains these pixels, (H, W, 4)."""
    alpha = plane.pixels[..., 3]
    if (
        plane.whole is None or alpha.dtype.kind != "f"
    ):  # the range of integers depends on the type alone
        return opacity_range(alpha)
    return plane.whole().opacity or opacity_range(alpha)


def visible(pixels: NDArray[Any], channels: int) -> NDArray[Any]:
    """Return the visible colour values of a plane.

    Parameters
    ----------
    pixels : array, (H, W) or (H, W, C)
        Pixels of a plane, or of a part of it.
    channels : int
        C; 4 means that the last channel is alpha.

    Returns
    -------
    array
        The pixels themselves if they have no alpha. Otherwise the colours: (n, 3) without fully
        transparent pixels, or (H, W, 3) if no pixel or every pixel is fully transparent.
    """
    if channels < 4:
        return pixels
    colours, hidden = pixels[..., :3], pixels[..., 3] <= 0
    return colours[~hidden] if hidden.any() and not hidden.all() else colours


def snapped(alpha: NDArray[np.float32]) -> NDArray[np.float64]:
    """Set enlarged opacity within a rounding error of 0 or 1 to exactly 0 or 1 (1 is opaque)."""
    wide = alpha.astype(np.float64)
    end = np.rint(wide)
    return np.where(np.abs(wide - end) <= ROUNDING, end, wide)
