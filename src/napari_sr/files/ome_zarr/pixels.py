"""Read the pixels of a Zarr array where they are sliced."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.files.image import FileError
from napari_sr.files.windows import WindowedArray

if TYPE_CHECKING:
    from pathlib import Path

    import zarr
    from numpy.typing import NDArray

    from napari_sr.files.windows import Window


def zarr_pixels(array: zarr.Array[Any], order: tuple[int, ...], path: Path) -> WindowedArray:
    """Return a Zarr array with its axes in another order, and in this machine's byte order.

    Slicing the result raises `FileError` if a chunk cannot be read or decoded.

    Parameters
    ----------
    array : Zarr array
        The array.
    order : tuple of int
        The number of the stored axis for each axis of the result.
    path : Path
        The folder of the array, for messages.
    """
    shape = tuple(array.shape[axis] for axis in order)
    native = np.dtype(array.dtype).newbyteorder("=")
    return WindowedArray(shape, native, _Reader(array, order, native, path))


@dataclass(frozen=True)
class _Reader:
    """Reads windows of an array; it can be sent to other processes."""

    array: zarr.Array[Any]
    order: tuple[int, ...]
    native: np.dtype[Any]
    path: Path

    def __call__(self, window: Window) -> NDArray[Any]:
        """Read a window; only the chunks that it touches are decoded."""
        stored = tuple(window[self.order.index(axis)] for axis in range(len(window)))
        try:
            values = np.asarray(self.array[stored])
        except (OSError, RuntimeError, ValueError, zlib.error) as error:
            raise FileError(f"a part of {self.path} cannot be read: {error}") from error
        return values.astype(self.native, copy=False).transpose(self.order)
