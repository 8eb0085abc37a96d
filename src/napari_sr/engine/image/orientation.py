"""The eight orientations of a plane: as it is, flipped, and turned by quarter turns.

Letters: H x W pixels, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True)
class Orientation:
    """One of the eight ways to flip and turn a plane."""

    swapped: bool = False
    """Whether rows become columns, before anything is reversed."""
    upended: bool = False
    """Whether the order of rows is reversed."""
    mirrored: bool = False
    """Whether the order of columns is."""

    def apply(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Return a plane, (H, W, C), so laid: (H, W, C) or, swapped, (W, H, C). Copies nothing."""
        turned = pixels.swapaxes(0, 1) if self.swapped else pixels
        return turned[:: -1 if self.upended else 1, :: -1 if self.mirrored else 1]

    def undo(self, values: Tensor) -> Tensor:
        """Return a part of a plane so laid, (..., rows, columns), as it lies in the plane."""
        reversed_axes = [axis for axis, so in ((-2, self.upended), (-1, self.mirrored)) if so]
        turned = values.flip(reversed_axes) if reversed_axes else values
        return turned.transpose(-2, -1) if self.swapped else turned

    def place(self, rows: slice, columns: slice, size: tuple[int, int]) -> tuple[slice, slice]:
        """Return which rows and columns of the plane a part of it is, once it lies so.

        Parameters
        ----------
        rows, columns : slice
            Of the plane as it lies.
        size : (int, int)
            Its height and width as it lies.
        """
        height, width = size
        if self.upended:
            rows = slice(height - rows.stop, height - rows.start)
        if self.mirrored:
            columns = slice(width - columns.stop, width - columns.start)
        return (columns, rows) if self.swapped else (rows, columns)


AS_IT_IS = (Orientation(),)
ALL_VIEWS = tuple(Orientation(*each) for each in product((False, True), repeat=3))
"""The plane as it is comes first, and then all that are no wider: tiles change shape once."""
