"""Arrays that are read window by window: a window is the smallest box that an index needs."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import DTypeLike, NDArray

Window: TypeAlias = tuple[slice, ...]
"""One slice per axis, with integers as start and stop, and without step."""


def split(index: Any, shape: Sequence[int]) -> tuple[Window, tuple[int | slice, ...]]:
    """Split an index in two: the window to read, and an index into this window.

    Parameters
    ----------
    index : int, slice, Ellipsis or a tuple of these
        An index of NumPy's basic indexing, without `None`.
    shape : sequence of int
        Shape of the array.

    Raises
    ------
    IndexError
        If the index does not fit the array, or has parts of another type.
    """
    parts = list(index) if isinstance(index, tuple) else [index]
    dots = [number for number, part in enumerate(parts) if part is Ellipsis]
    missing = len(shape) - len(parts) + len(dots)
    if len(dots) > 1 or missing < 0:
        raise IndexError(f"an array of shape {tuple(shape)} has no index {index!r}")
    at = dots[0] if dots else len(parts)
    parts[at : at + len(dots)] = [slice(None)] * missing
    pairs = [_split(part, size) for part, size in zip(parts, shape, strict=True)]
    return tuple(window for window, _ in pairs), tuple(rest for _, rest in pairs)


def _split(part: Any, size: int) -> tuple[slice, int | slice]:
    if isinstance(part, slice):
        chosen = range(*part.indices(size))
        if not chosen:
            return slice(0, 0), slice(None)
        first, last = min(chosen[0], chosen[-1]), max(chosen[0], chosen[-1])
        return slice(first, last + 1), slice(None, None, chosen.step)
    if not isinstance(part, int | np.integer) or isinstance(part, bool):
        raise IndexError(f"an index must consist of integers and slices, got {part!r}")
    if not -size <= part < size:
        raise IndexError(f"index {part} is outside an axis of length {size}")
    position = int(part) % size
    return slice(position, position + 1), 0


def lengths(window: Window) -> tuple[int, ...]:
    """Return the shape of a window."""
    return tuple(part.stop - part.start for part in window)


class LazyArray(ABC):
    """An array that is read window by window.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array.
    dtype : data type
        Type of its values.
    """

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        self.shape = shape
        self.dtype = np.dtype(dtype)

    @abstractmethod
    def _window(self, window: Window) -> NDArray[Any]:
        """Return the values of a window that is not empty."""

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    def __getitem__(self, index: Any) -> NDArray[Any]:
        window, rest = split(index, self.shape)
        if math.prod(lengths(window)):
            return self._window(window)[rest]
        return np.empty(lengths(window), self.dtype)[rest]


class WindowedArray(LazyArray):
    """An array that calls a function to read its windows.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array.
    dtype : data type
        Type of its values.
    read : callable
        Takes a window that is not empty, and returns its values.
    """

    def __init__(
        self, shape: tuple[int, ...], dtype: DTypeLike, read: Callable[[Window], NDArray[Any]]
    ) -> None:
        super().__init__(shape, dtype)
        self._read = read

    def _window(self, window: Window) -> NDArray[Any]:
        return self._read(window)
