"""The pixels of a layer, and a function that reads them plane by plane."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.arrays import pixels_of
from napari_sr.graph.factor import first_edge, number_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_sr.engine.planning.tiling import Region
    from napari_sr.graph.factor import Factor


@dataclass(frozen=True)
class Source:
    """The pixels of a layer that a run reads, and their axes."""

    name: str
    """Name of the layer."""
    data: Any
    """The array of the finest level: NumPy, dask, Zarr or similar; not copied."""
    shape: tuple[int, ...]
    """Shape of the pixels to read. A single plane has length 1 on the leading axes."""
    axes: str
    """One letter per axis of the array, colour included."""
    rgb: bool
    """Whether the last axis is colour."""
    plane: tuple[int, ...] | None = None
    """Index of a single plane on the leading axes, or None for all planes."""
    path: str | None = None
    """File or folder from which the layer was read, if napari knows it."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the pixels."""
        kind: np.dtype[Any] = np.dtype(self.data.dtype)
        return kind

    @property
    def origin(self) -> tuple[int, ...]:
        """Index of the first pixel that is read, without the colour axis."""
        leading = len(self.shape) - 2 - self.rgb
        return (*(self.plane or (0,) * leading), 0, 0)

    def only(self, plane: tuple[int, ...]) -> Source:
        """Return one plane, by its index on the leading axes; these axes get the length 1."""
        shape = (*(1 for _ in plane), *self.shape[len(plane) :])
        return replace(self, shape=shape, plane=plane)

    def origin_of(self, region: Region | None, scale: Factor = 1) -> tuple[float, ...]:
        """Return the index of the first pixel of a region, without the colour axis.

        For a result that is enlarged by `scale`, it is the place where its first pixel begins.
        """
        if region is None:
            return self.origin
        first = region.rows.start, region.columns.start
        return (*self.origin[:-2], *(first_edge(one, scale) for one in first))

    @property
    def record(self) -> dict[str, Any]:
        """The record's entries about this source."""
        return {
            "source": self.name,
            "source_path": self.path,
            "source_shape": tuple(int(size) for size in self.data.shape),
            "source_dtype": str(self.dtype),
            "axes": self.axes,
            "plane": self.plane,
        }

    @property
    def pixels(self) -> Any:
        """The array, or its single plane with leading axes of length 1; nothing is read."""
        return self.data if self.plane is None else _SinglePlane(self)

    def factors(self, scale: Factor) -> tuple[float, ...]:
        """Return the enlargement factor of each axis, without the colour axis."""
        return (*(1 for _ in self.origin[:-2]), number_of(scale), number_of(scale))


class _SinglePlane:
    """One plane of a source as an array with all axes, read where it is sliced."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.shape, self.dtype = source.shape, source.dtype

    def __getitem__(self, index: tuple[Any, ...]) -> Any:
        plane = self._source.plane or ()
        return self._source.data[(*plane, *index[len(plane) :])]


def read_pixels(source: Source) -> Generator[tuple[int, int], None, NDArray[Any]]:
    """Read a source into memory plane by plane; yield planes done and planes in total.

    If all planes of a NumPy array are requested, the array itself is returned.
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
