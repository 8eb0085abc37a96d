"""The pixels that a form's run reads, and how they are read: plane by plane."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.arrays import pixels_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Source:
    """The pixels that a run reads, and what their axes are."""

    name: str
    """Of the layer."""
    data: Any
    """The finest level's array: NumPy, dask, Zarr or alike; not copied."""
    shape: tuple[int, ...]
    """Of what is read: 1 on the leading axes where one plane is."""
    axes: str
    """One letter per axis of the array, colour included."""
    rgb: bool
    """Whether the last axis is colour."""
    plane: tuple[int, ...] | None = None
    """Index of the one plane to read on the leading axes, or None for all of them."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        kind: np.dtype[Any] = np.dtype(self.data.dtype)
        return kind

    @property
    def origin(self) -> tuple[int, ...]:
        """Data index of the first pixel read, without the colour axis."""
        leading = len(self.shape) - 2 - self.rgb
        return (*(self.plane or (0,) * leading), 0, 0)

    def factors(self, scale: int) -> tuple[int, ...]:
        """Return how many times larger each axis becomes, without the colour axis."""
        return (*(1 for _ in self.origin[:-2]), scale, scale)


def read_pixels(source: Source) -> Generator[tuple[int, int], None, NDArray[Any]]:
    """Read a source into memory plane by plane; yield how many planes are done, of how many.

    A NumPy array that is wanted whole is returned as it is.
    """
    if isinstance(source.data, np.ndarray) and source.plane is None:
        return source.data
    leading = source.shape[: len(source.origin) - 2]
    planes = planes_of(source)
    pixels = np.empty(source.shape, source.dtype)
    flat = pixels.reshape(-1, *source.shape[len(leading) :])
    for done, index in enumerate(planes):
        flat[done] = pixels_of(source.data[index] if index else source.data)
        yield done + 1, len(planes)
    return pixels


def planes_of(source: Source) -> list[tuple[int, ...]]:
    """Return the indices on the leading axes of the planes that are read."""
    if source.plane is not None:
        return [source.plane]
    leading = source.shape[: len(source.origin) - 2]
    return list(itertools.product(*(range(size) for size in leading)))
