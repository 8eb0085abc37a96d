"""The eight ways to flip and turn a plane.

Symbols: C channels, H x W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from napari_sr.engine.image.conversion import Extension

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True)
class Orientation:
    """One of the eight ways to flip and turn a plane."""

    transposed: bool = False
    """Whether rows and columns are exchanged, before any flip."""
    flipped_rows: bool = False
    """Whether the order of rows is reversed."""
    flipped_columns: bool = False
    """Whether the order of columns is reversed."""

    def apply(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Turn a plane, (H, W, C), to this orientation, (H, W, C) or (W, H, C), without a copy."""
        turned = pixels.swapaxes(0, 1) if self.transposed else pixels
        return turned[:: -1 if self.flipped_rows else 1, :: -1 if self.flipped_columns else 1]

    def turned(self, extension: Extension) -> Extension:
        """Convert an extension from the image's orientation to this orientation."""
        rows, columns = (extension.top, extension.bottom), (extension.left, extension.right)
        if self.transposed:
            rows, columns = columns, rows
        rows = rows[::-1] if self.flipped_rows else rows
        columns = columns[::-1] if self.flipped_columns else columns
        return Extension(*rows, *columns)

    def undo(self, values: Tensor) -> Tensor:
        """Turn a part of an oriented plane, (..., rows, columns), to the image's orientation."""
        reversed_axes = [
            axis for axis, so in ((-2, self.flipped_rows), (-1, self.flipped_columns)) if so
        ]
        turned = values.flip(reversed_axes) if reversed_axes else values
        return turned.transpose(-2, -1) if self.transposed else turned

    def place(self, rows: slice, columns: slice, size: tuple[int, int]) -> tuple[slice, slice]:
        """Convert rows and columns of an oriented plane to rows and columns of the image.

        Parameters
        ----------
        rows, columns : slice
            Rows and columns of the oriented plane.
        size : (int, int)
            Height and width of the oriented plane.
        """
        height, width = size
        if self.flipped_rows:
            rows = slice(height - rows.stop, height - rows.start)
        if self.flipped_columns:
            columns = slice(width - columns.stop, width - columns.start)
        return (columns, rows) if self.transposed else (rows, columns)


ORIENTATIONS = tuple(Orientation(*each) for each in product((False, True), repeat=3))
"""All eight orientations; the image's own is first. Transposed ones are last, so that the shape of
tiles changes only once."""
