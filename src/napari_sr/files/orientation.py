"""The eight orientations of TIFF and EXIF (tag 274); turn stored pixels upright.

The table is in the TIFF specification 6.0, section 8, "Orientation": it says at which side of the
displayed image the first stored row and column are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_sr.files.image import Density

TAG = 274
"""The number of the tag Orientation, in TIFF and in EXIF."""
UPRIGHT = 1
"""The orientation of pixels that are stored upright."""

_RIGHT_TO_LEFT = (2, 3, 6, 7)
_BOTTOM_TO_TOP = (3, 4, 7, 8)
_SWAPPED = (5, 6, 7, 8)


def upright(
    pixels: NDArray[Any], orientation: object, rows: int = 0, columns: int = 1
) -> NDArray[Any]:
    """Return upright pixels; a view, not a copy.

    Parameters
    ----------
    pixels : array
        The stored pixels.
    orientation : int
        1 to 8. Other values are undefined; they leave pixels unchanged.
    rows, columns : int
        Indices of the axes of `pixels` that are the stored rows and columns.
    """
    if orientation in _SWAPPED:
        pixels = np.swapaxes(pixels, rows, columns)
    if orientation in _BOTTOM_TO_TOP:
        pixels = np.flip(pixels, rows)
    return np.flip(pixels, columns) if orientation in _RIGHT_TO_LEFT else pixels


def swaps_sides(orientation: object) -> bool:
    """Return whether stored rows are displayed as columns, which exchanges x and y."""
    return orientation in _SWAPPED


def upright_density(density: Density | None, orientation: object) -> Density | None:
    """Return the density of the upright pixels: x and y are exchanged for orientations 5 to 8."""
    if density is None or not swaps_sides(orientation):
        return density
    return replace(density, x=density.y, y=density.x)
