"""Which pixels of an axis a place between or beyond them is computed from, in NumPy.

`layers.resize` resamples whole tensors; this module serves parts of planes, also without PyTorch.

Keys, "Cubic convolution interpolation for digital image processing", IEEE Transactions on
Acoustics, Speech and Signal Processing 29(6), 1981.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def mirrored(places: NDArray[np.int64], length: int, *, twice: bool = True) -> NDArray[np.int64]:
    """Return which pixel of an axis is at each place, if the axis is reflected endlessly.

    Parameters
    ----------
    places : array of int
        Places; 0 is the first pixel of the axis, and -1 is the place before it.
    length : int
        Number of pixels of the axis.
    twice : bool
        Whether the pixels at both ends appear twice (c b a a b c) instead of once (c b a b c).

    Returns
    -------
    array of int, in the shape of `places`
        From 0 to `length - 1`.
    """
    period = max(2 * length - (0 if twice else 2), 1)
    along = places % period
    return np.where(along < length, along, period - along - twice)


def cubic_taps(places: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the four pixels around each place, and their weights by Keys' kernel (a = -0.5).

    Parameters
    ----------
    places : array
        Places, in pixels; 0 is the centre of the first pixel.

    Returns
    -------
    pixels, weights : array, in the shape of `places` with a further axis of 4
        The pixels may lie outside the axis: see `mirrored`.
    """
    pixels = np.floor(places).astype(np.int64)[..., None] + np.arange(-1, 3)
    distance = np.abs(places[..., None] - pixels)
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    return pixels, np.where(distance <= 1, near, far)
