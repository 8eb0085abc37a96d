"""Reorder the axes of an array, because file formats store axes in different orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_sr.engine.image.arrays import ArrayLike


def reordered(array: ArrayLike, axes: str, wanted: str) -> ArrayLike:
    """Return an array with its axes in another order; no pixels are read.

    Parameters
    ----------
    array : array
        NumPy, dask, Zarr or similar.
    axes, wanted : str
        One letter per axis: the present and the wanted order.

    Raises
    ------
    ValueError
        If the letters differ.
    """
    if axes == wanted:
        return array
    if sorted(axes) != sorted(wanted):
        raise ValueError(f"a result needs the source's axes {wanted}, got {axes}")
    return _Reordered(array, [axes.index(letter) for letter in wanted])


class _Reordered:
    """An array whose axis k is axis `order[k]` of another array."""

    def __init__(self, array: ArrayLike, order: list[int]) -> None:
        self.dtype = array.dtype
        self.shape = tuple(array.shape[axis] for axis in order)
        self._array, self._order = array, order

    def __getitem__(self, index: tuple[int | slice, ...]) -> NDArray[Any]:
        """Return pixels for one index per axis."""
        stored = [index[self._order.index(axis)] for axis in range(len(self._order))]
        pixels = np.asarray(self._array[tuple(stored)])
        left = [axis for axis in range(len(stored)) if isinstance(stored[axis], slice)]
        kept = [axis for axis in self._order if axis in left]
        return pixels.transpose([left.index(axis) for axis in kept])
