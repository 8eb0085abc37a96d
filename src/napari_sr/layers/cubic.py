"""The integral of the cubic kernel of Keys (1981), with a = -0.5.

Keys, "Cubic convolution interpolation for digital image processing", IEEE Transactions on
Acoustics, Speech and Signal Processing 29(6), 1981.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

REACH = 2
"""Radius of the cubic kernel in pixels."""


def cubic_integral(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the integral of the cubic kernel from 0 to each distance, in pixels."""
    x = np.minimum(np.abs(distance), REACH)
    near = ((0.375 * x - 2.5 / 3) * x * x + 1) * x
    far = (((-0.125 * x + 2.5 / 3) * x - 2) * x + 2) * x - 1 / 6
    whole: NDArray[np.float64] = np.sign(distance) * np.where(x <= 1, near, far)
    return whole
