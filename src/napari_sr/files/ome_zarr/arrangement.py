"""The order of axes in which OME-Zarr stores the planes of an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.files.image import FileError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_sr.engine.image.arrays import Layout

ORDER = "TCZYX"
"""All axes of OME-Zarr, in stored order."""


@dataclass(frozen=True)
class Arrangement:
    """The axes of an image in a run, and in OME-Zarr."""

    layout: Layout
    """Axes, shape and data type in a run."""
    letters: str
    """Axes in stored order; colours are the axis C."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the stored array."""
        sizes = dict(zip(_as_stored(self.layout), self.layout.shape, strict=True))
        return tuple(sizes[letter] for letter in self.letters)

    def position(self, plane: tuple[int, ...]) -> dict[str, int]:
        """Return the index of a plane along each looped axis, by axis letter.

        Parameters
        ----------
        plane : tuple of int
            Index of the plane, as `Layout.planes` yields it.
        """
        letters = self.layout.axes[:-1] if self.layout.samples else self.layout.axes
        looped = [letter for letter in letters if letter not in "YX"]
        return dict(zip(looped, plane, strict=True))

    def index(
        self, plane: tuple[int, ...], row: int, column: int, values: NDArray[Any]
    ) -> tuple[tuple[slice, ...], NDArray[Any]]:
        """Return the index at which a part of a plane is stored, and its values with stored axes.

        Parameters
        ----------
        plane : tuple of int
            Index of the plane.
        row, column : int
            First row and column of the part.
        values : array, (H, W) or (H, W, C)
            The part; C is 3 or 4 colours.
        """
        starts = self.position(plane) | {"Y": row, "X": column}
        sizes = {"Y": values.shape[0], "X": values.shape[1]}
        if self.layout.samples:
            sizes["C"] = values.shape[2]
            values = np.moveaxis(values, 2, 0)
        shape = [sizes.get(letter, 1) for letter in self.letters]
        begins = [starts.get(letter, 0) for letter in self.letters]
        index = tuple(slice(begin, begin + size) for begin, size in zip(begins, shape, strict=True))
        return index, values.reshape(shape)


def arranged(layout: Layout) -> Arrangement:
    """Return the arrangement in which OME-Zarr stores an image.

    Raises
    ------
    FileError
        If an axis is none of T, C, Z, Y and X, or if both channels and colours are axes.
    """
    letters = _as_stored(layout)
    if letters.count("C") > 1:
        raise FileError(
            f"OME-Zarr has one axis for channels and colours, but the axes {layout.axes} have two: "
            "upscale each channel separately, or write another format"
        )
    others = [letter for letter in letters if letter not in ORDER]
    if others:
        raise FileError(
            f"OME-Zarr has the axes T, C, Z, Y and X, but the axes {layout.axes} have "
            f"{' and '.join(others)}: name the axes, such as axes='TCZYX'"
        )
    return Arrangement(layout, "".join(letter for letter in ORDER if letter in letters))


def _as_stored(layout: Layout) -> str:
    return layout.axes[:-1] + "C" if layout.samples else layout.axes
