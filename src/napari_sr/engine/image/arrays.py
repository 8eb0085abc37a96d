"""Read and write the planes of arrays with any axes. Only this module converts axes.

Symbols: Y and X are the image axes; a last axis C or S of 3 or 4 entries is RGB or RGBA; any
other letter (T, Z, C, ...) is an axis that is looped over, plane by plane.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from napari_sr.engine.image.axes import axes_of
from napari_sr.graph.factor import boundary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import DTypeLike, NDArray

    from napari_sr.graph.factor import Factor


class ArrayLike(Protocol):
    """A NumPy, dask or Zarr array, or anything else with a shape, a dtype and slicing."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis in pixels, planes or channels."""

    @property
    def dtype(self) -> Any:
        """Type of the values."""

    def __getitem__(self, index: Any, /) -> Any: ...


@dataclass(frozen=True)
class Layout:
    """Axes, shape and data type of an array."""

    axes: str
    """One letter per axis."""
    shape: tuple[int, ...]
    samples: bool
    """Whether the last axis is RGB or RGBA."""
    dtype: np.dtype[Any]

    @property
    def height(self) -> int:
        """Length of Y in pixels."""
        return self.shape[self.axes.index("Y")]

    @property
    def width(self) -> int:
        """Length of X in pixels."""
        return self.shape[self.axes.index("X")]

    @property
    def channels(self) -> int:
        """1 for grey planes, 3 for RGB, 4 for RGBA."""
        return self.shape[-1] if self.samples else 1

    @property
    def separate_channels(self) -> int:
        """Length of the axis C, if its planes are upscaled one by one; 1 without it."""
        return math.prod(self.shape[axis] for axis in self._looped if self.axes[axis] == "C")

    def channel_of(self, plane: tuple[int, ...]) -> int:
        """Return the index along C of a plane; 0 without this axis."""
        pairs = zip(self._looped, plane, strict=True)
        return next((place for axis, place in pairs if self.axes[axis] == "C"), 0)

    def planes(self) -> Iterator[tuple[int, ...]]:
        """Yield the index of every plane along the looped axes, last axis fastest."""
        return itertools.product(*(range(self.shape[axis]) for axis in self._looped))

    @cached_property
    def count(self) -> int:
        """Number of planes."""
        return math.prod(self.shape[axis] for axis in self._looped)

    @cached_property
    def _plane(self) -> list[int]:
        kept = [self.axes.index("Y"), self.axes.index("X")]
        return [*kept, len(self.axes) - 1] if self.samples else kept

    @cached_property
    def _looped(self) -> list[int]:
        return [axis for axis in range(len(self.axes)) if axis not in self._plane]

    def _index(
        self, plane: tuple[int, ...], rows: slice, columns: slice
    ) -> tuple[int | slice, ...]:
        index: list[int | slice] = [slice(None)] * len(self.axes)
        for axis, position in zip(self._looped, plane, strict=True):
            index[axis] = position
        index[self.axes.index("Y")], index[self.axes.index("X")] = rows, columns
        return tuple(index)

    def read(
        self,
        image: ArrayLike,
        plane: tuple[int, ...],
        rows: slice = slice(None),
        columns: slice = slice(None),
    ) -> NDArray[Any]:
        """Return a plane or a part of it: (Y, X), or (Y, X, 3 or 4) if the last axis is colour.

        Raises
        ------
        ValueError
            If integers are masked; see `pixels_of`. Masked floats become NaN.
        """
        block = pixels_of(image[self._index(plane, rows, columns)])
        return np.transpose(block, np.argsort(np.argsort(self._plane)))

    def write(
        self,
        image: Any,
        plane: tuple[int, ...],
        rows: slice,
        columns: slice,
        block: NDArray[Any],
    ) -> None:
        """Write a block, (Y, X) or (Y, X, 3 or 4), into an array with the axes of this layout."""
        image[self._index(plane, rows, columns)] = np.transpose(block, np.argsort(self._plane))

    @property
    def as_floats(self) -> Layout:
        """The same layout with a float type that can hold unrounded means of its values."""
        wide = self.dtype.itemsize > (4 if self.dtype.kind == "f" else 2)
        return replace(self, dtype=np.dtype(np.float64 if wide else np.float32))

    @property
    def one_plane(self) -> Layout:
        """The layout of one plane, with the same axes."""
        shape = tuple(1 if axis in self._looped else n for axis, n in enumerate(self.shape))
        return replace(self, shape=shape)

    def enlarged(self, scale: Factor) -> Layout:
        """Return the layout of the image `scale` times larger along Y and X, in whole pixels."""
        if isinstance(scale, int):
            return self.resized((self.height * scale, self.width * scale))
        return self.resized((boundary(self.height, scale), boundary(self.width, scale)))

    def resized(self, size: tuple[int, int]) -> Layout:
        """Return the layout of an image with another height and width."""
        lengths = dict(zip("YX", size, strict=True))
        pairs = zip(self.axes, self.shape, strict=True)
        return replace(self, shape=tuple(lengths.get(axis, length) for axis, length in pairs))


class Cropped:
    """Some rows and columns of an image; pixels are read only when they are sliced.

    Parameters
    ----------
    image : array
        NumPy, dask, Zarr or similar.
    layout : Layout
        The image's layout.
    rows, columns : slice
        The rows and columns, with whole numbers as start and stop.
    """

    def __init__(self, image: ArrayLike, layout: Layout, rows: slice, columns: slice) -> None:
        self.dtype = image.dtype
        self._image = image
        self._spans = {layout.axes.index("Y"): rows, layout.axes.index("X"): columns}
        lengths = {axis: span.stop - span.start for axis, span in self._spans.items()}
        self.shape = tuple(lengths.get(axis, size) for axis, size in enumerate(image.shape))

    def __getitem__(self, index: tuple[int | slice, ...]) -> Any:
        """Return pixels for one index per axis, with slices for Y and X."""
        places = list(index)
        for axis, span in self._spans.items():
            inner = index[axis]
            if not isinstance(inner, slice):
                raise TypeError(f"axis {axis} of a crop needs a slice, got {inner!r}")
            start, stop, step = inner.indices(self.shape[axis])
            places[axis] = slice(span.start + start, span.start + stop, step)
        return self._image[tuple(places)]


def layout_of(shape: tuple[int, ...], dtype: DTypeLike, axes: str | None = None) -> Layout:
    """Return the layout of an array; guess its axes if they are not named.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array.
    dtype : data type
        Data type of the array. If no axes are named, a last axis of 3 or 4 counts as colour only in
        arrays of uint8, uint16 or floats with three or more axes.
    axes : str, optional
        One letter per axis, such as "TZYX" or "YXC"; see `axes.axes_of`.

    Raises
    ------
    ValueError
        If the array is empty, has fewer than two axes, has an axis of unknown length, or does not
        contain real numbers; if the letters do not fit the array; or if no axes are named, and it
        is unclear whether the last axis is colour.
    """
    letters = axes_of(shape, np.dtype(dtype), axes)
    colour = letters[-1] in "CS" and shape[-1] in (3, 4)
    return Layout(letters, tuple(int(size) for size in shape), colour, np.dtype(dtype))


def pixels_of(block: Any) -> NDArray[Any]:
    """Convert the result of slicing to a plain NumPy array; masked floats become NaN.

    Raises
    ------
    ValueError
        If integers are masked, because integers have no NaN.
    """
    if hasattr(block, "__dask_graph__"):  # np.asarray would drop the mask of its chunks
        block = block.compute()
    if isinstance(block, np.ma.MaskedArray):
        if block.dtype.kind == "f":
            return np.asarray(block.filled(np.nan))
        refuse_masked(block)
        return np.asarray(block.data)
    return np.asarray(block)


def refuse_masked(image: Any) -> None:
    """Raise an error for masked integers, because their mask would be lost.

    Raises
    ------
    ValueError
        If integers are masked; the message gives their number.
    """
    if isinstance(image, np.ma.MaskedArray) and image.dtype.kind != "f" and np.ma.is_masked(image):
        count = int(np.count_nonzero(np.ma.getmaskarray(image)))
        raise ValueError(
            f"{count} of {image.size} values are masked, and {image.dtype} cannot hold NaN: "
            "pass image.astype('float32') or image.filled(value)"
        )
