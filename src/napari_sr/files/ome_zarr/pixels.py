"""The pixels of a Zarr array, read only where they are sliced."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.files.image import FileError

if TYPE_CHECKING:
    from pathlib import Path

    import zarr
    from numpy.typing import NDArray


class ZarrPixels:
    """A Zarr array with its axes in another order, and in the byte order of this machine.

    Parameters
    ----------
    array : Zarr array
        The array.
    order : tuple of int
        For each axis, the number of the stored axis.
    path : Path
        The folder of the array, for messages.
    """

    def __init__(self, array: zarr.Array[Any], order: tuple[int, ...], path: Path) -> None:
        self._array, self._order, self._path = array, order, path
        self.shape: tuple[int, ...] = tuple(array.shape[axis] for axis in order)
        self.dtype: np.dtype[Any] = np.dtype(array.dtype).newbyteorder("=")

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __getitem__(self, index: Any, /) -> NDArray[Any]:
        """Read a window; only the chunks that it touches are decoded.

        Parameters
        ----------
        index : int, slice or Ellipsis, or a tuple of them
            The window.

        Raises
        ------
        FileError
            If a chunk cannot be read or decoded.
        """
        window = _complete(index, self.ndim)
        stored: list[int | slice] = [slice(None)] * self.ndim
        for axis, part in zip(self._order, window, strict=True):
            stored[axis] = part
        try:
            values = np.asarray(self._array[tuple(stored)])
        except (OSError, RuntimeError, ValueError, zlib.error) as error:
            raise FileError(f"a part of {self._path} cannot be read: {error}") from error
        kept = [axis for axis in range(self.ndim) if isinstance(stored[axis], slice)]
        wanted = [kept.index(axis) for axis in self._order if axis in kept]
        return values.astype(self.dtype, copy=False).transpose(wanted)


def _complete(index: Any, count: int) -> list[int | slice]:
    """Return one integer or slice per axis.

    Raises
    ------
    IndexError
        If there are more of them than axes, or others than integers and slices.
    """
    parts = list(index) if isinstance(index, tuple) else [index]
    at = next((number for number, part in enumerate(parts) if part is Ellipsis), len(parts))
    parts += [Ellipsis] * (at == len(parts))
    missing = count - len(parts) + 1
    parts[at : at + 1] = [slice(None)] * missing
    whole = [part if isinstance(part, slice) else _integer(part) for part in parts]
    if missing < 0 or None in whole:
        raise IndexError(f"a window needs at most {count} integers or slices, got {index!r}")
    return [part for part in whole if part is not None]


def _integer(part: Any) -> int | None:
    return int(part) if isinstance(part, int | np.integer) else None
