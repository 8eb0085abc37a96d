"""Prepare images for comparison: values in 0..1, equal shapes, optionally luma, no border.

Symbols: H x W pixels, C channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.arrays import pixels_of
from napari_sr.engine.image.conversion import as_array
from napari_sr.engine.image.value_range import declared_range
from napari_sr.layers.bt601 import LUMA_OF_BLACK, TO_YCBCR

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

FLAT = 1 / 65535
"""An image is flat if its values span less than this share of white minus black, which is one level
of 16 bits."""


def unit_range(
    image: ArrayLike, value_range: tuple[float, float] | None = None
) -> NDArray[np.float64]:
    """Return an image with black at 0 and white at 1.

    Parameters
    ----------
    image : array
        Integers, with white at their type's largest value, or floats with white at 1.
    value_range : (low, high), optional
        Other values of black and white.

    Raises
    ------
    ValueError
        If the range is empty, or values are not numbers, NaN, infinite or masked.
    """
    pixels = pixels_of(as_array(image))
    if pixels.dtype.kind not in "uif":
        raise ValueError(f"an image must be of integers or floats, got {pixels.dtype}")
    if value_range is None:
        value_range = (0.0, np.iinfo(pixels.dtype).max if pixels.dtype.kind in "ui" else 1.0)
    ends = declared_range(value_range)
    low, high = ends.low, ends.high
    found: NDArray[np.float64] = (pixels.astype(np.float64) - low) / (high - low)
    if not np.isfinite(found).all():
        raise ValueError(
            f"{np.count_nonzero(~np.isfinite(found))} of {found.size} values are NaN, masked or "
            "infinite, for which no metric is defined"
        )
    return found


def luma_of(rgb: NDArray[Any]) -> NDArray[np.float64]:
    """Return BT.601 luma in 16/255..235/255, not rounded: (..., 3) in 0..1 to (...)."""
    luma: NDArray[np.float64] = rgb @ (np.array(TO_YCBCR[0]) / 255) + LUMA_OF_BLACK
    return luma


def comparable(
    result: ArrayLike,
    truth: ArrayLike,
    border: int,
    luma: bool,
    value_range: tuple[float, float] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return two images as (H, W, C) in 0..1, without borders.

    Raises
    ------
    ValueError
        If they are not images of equal shape, if nothing remains inside the border, or if the truth
        exceeds its value range.
    """
    pair = [unit_range(image, value_range) for image in (result, truth)]
    if pair[0].shape != pair[1].shape:
        raise ValueError(f"the images differ in shape: {pair[0].shape} and {pair[1].shape}")
    shape = pair[0].shape
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] not in (1, 3)):
        raise ValueError(f"an image must be (H, W), (H, W, 1) or (H, W, 3), got {shape}")
    low, high = float(pair[1].min()), float(pair[1].max())
    if low < -1e-6 or high > 1 + 1e-6:
        raise ValueError(
            "the values of the reference image must be from 0 (black) to 1 (white), got "
            f"{low:g} to {high:g}: give value_range=(black, white), or store floats from 0 to 1"
        )
    first, second = (judged_part(image, border, luma) for image in pair)
    return first, second


def judged_part(image: NDArray[Any], border: int, luma: bool) -> NDArray[np.float64]:
    """Cut the border off (H, W), (H, W, 1) or (H, W, 3) in 0..1; return the scored part, (H, W, C).

    Raises
    ------
    ValueError
        If nothing remains inside the border.
    """
    height, width = image.shape[:2]
    if border < 0 or 2 * border >= min(height, width):
        raise ValueError(f"a border of {border} px leaves nothing of {height} x {width} px")
    inside = image[border : height - border, border : width - border]
    return np.atleast_3d(luma_of(inside) if luma and image.shape[2:] == (3,) else inside)


def is_flat(truth: NDArray[Any], border: int, luma: bool) -> bool:
    """Return whether a true image in 0..1 is flat, so that a score is meaningless.

    A network's result for a flat image differs from it only by rounding. The PSNR is then about
    150 dB or infinite, which would raise the mean of a set.

    Raises
    ------
    ValueError
        As for `judged_part`.
    """
    return bool(np.ptp(judged_part(truth, border, luma), axis=(0, 1)).max() < FLAT)
