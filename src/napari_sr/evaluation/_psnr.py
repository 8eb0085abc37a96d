"""Peak signal-to-noise ratio, as super-resolution papers report it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from napari_sr.evaluation._images import comparable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def psnr(
    result: ArrayLike,
    truth: ArrayLike,
    *,
    border: int = 0,
    luma: bool = True,
    value_range: tuple[float, float] | None = None,
) -> float:
    """Return the PSNR between two images, 10 log10(peak^2 / mean squared error).

    Papers on super-resolution score 8-bit RGB images by unrounded BT.601 luma with a peak of 255,
    without a border of `scale` pixels: `psnr(result, truth, border=scale)`.

    Parameters
    ----------
    result, truth : array, (H, W), (H, W, 1) or (H, W, 3)
        Grey or RGB: integers, with their type's largest value as peak, or floats with peak 1. The
        two may have different types.
    border : int
        Number of pixels to leave out along every side.
    luma : bool
        Whether to score RGB by its luma or by all three channels together. Grey stays grey.
    value_range : (low, high), optional
        Other values of black and white of both images: (0, 4095) for 12 bits in uint16.

    Returns
    -------
    float
        In dB; infinity for equal images.

    Raises
    ------
    ValueError
        If the two are not images of equal shape, contain NaN or infinity, or nothing remains inside
        the border.
    """
    return decibels(*comparable(result, truth, border, luma, value_range))


def decibels(result: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Return the PSNR between two arrays of equal shape, for a peak of 1; infinity if equal."""
    error = float(np.mean((result - truth) ** 2))
    return -10 * math.log10(error) if error else math.inf
