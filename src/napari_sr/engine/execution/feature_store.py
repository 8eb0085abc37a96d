"""Storage of feature planes between the stages of a tiled run: in memory, or in files.

Symbols: C channels, H x W pixels of the image that enters the network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from napari_sr.engine.execution.plane_memory import PlaneMemory
from napari_sr.engine.execution.scratch import mapped_file
from napari_sr.engine.planning.devices import GIVES_BACK, trim
from napari_sr.engine.planning.tiling import scaled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from torch import Tensor

LEAST_BAND, MOST_BANDS = 64, 64
"""Smallest number of rows in a band, and largest number of bands in a plane: each may be an open
file."""


@dataclass
class _Band:
    """Consecutive rows of a plane, over its whole width."""

    values: Tensor
    """(1, C, rows, width)."""
    in_memory: int
    """Bytes of memory that the band takes; 0 if it is in a file."""


@dataclass
class _Plane:
    """One feature plane."""

    channels: int
    scale: int | Fraction
    dtype: torch.dtype
    bands: dict[int, _Band] = field(default_factory=dict)
    """Bands by number, counted from the top; only bands that were written."""
    memory: PlaneMemory | None = None
    """Memory of all bands that are not in files, in order; None if there is no such band."""
    kept: int = 0
    """Bytes of freed bands that the system has not taken back."""


class FeatureStore:
    """Feature planes by name, in bands of rows that take and free memory one by one.

    Channels are last in memory and in files, so that consecutive rows are contiguous.

    Parameters
    ----------
    height, width : int
        H and W.
    multiple : int
        Bands begin at multiples of this row number.
    budget : int
        Bytes of memory that planes may use; the rest goes to files.
    channels_last : bool
        Whether parts are returned with channels last, which CPUs and most GPUs prefer.
    """

    def __init__(
        self, height: int, width: int, *, multiple: int = 1, budget: int, channels_last: bool
    ) -> None:
        self._size = (height, width)
        rows = max(LEAST_BAND, math.ceil(height / MOST_BANDS))
        self._rows = math.ceil(rows / multiple) * multiple
        self._free = budget
        self._layout = torch.channels_last if channels_last else torch.contiguous_format
        self._planes: dict[str, _Plane] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the planes."""
        return tuple(self._planes)

    @property
    def bands(self) -> int:
        """Number of bands in all planes."""
        return sum(len(plane.bands) for plane in self._planes.values())

    def make(self, name: str, channels: int, scale: int | Fraction, dtype: torch.dtype) -> None:
        """Create an empty plane; replace a plane of this name."""
        self.drop(name)
        self._planes[name] = _Plane(channels, scale, dtype)

    def read(self, name: str, rows: slice, columns: slice) -> Tensor:
        """Return a part of a plane, (1, C, scale * rows, scale * columns).

        Rows over the whole width that are in memory are returned as a view; do not write to it.
        """
        plane = self._planes[name]
        across = scaled(columns, plane.scale)
        down = scaled(rows, plane.scale)
        bands = (plane.bands[number] for number, _, _ in self._bands_of(rows))
        if plane.memory is not None and all(band.in_memory for band in bands):
            view = plane.memory.rows(down)[..., across]
            if view.is_contiguous(memory_format=self._layout):
                return view
        shape = (1, plane.channels, down.stop - down.start, across.stop - across.start)
        part = torch.empty(shape, dtype=plane.dtype, memory_format=self._layout)
        for number, in_band, in_part in self._bands_of(rows):
            target = part[..., scaled(in_part, plane.scale), :]
            target.copy_(plane.bands[number].values[..., scaled(in_band, plane.scale), across])
        return part

    def write(self, name: str, rows: slice, columns: slice, values: Tensor) -> None:
        """Write values to a part of a plane.

        Raises
        ------
        OutOfMemoryError
            If neither memory nor the disk has room.
        """
        plane = self._planes[name]
        across = scaled(columns, plane.scale)
        for number, in_band, in_part in self._bands_of(rows):
            if number not in plane.bands:
                plane.bands[number] = self._new_band(plane, number)
            target = plane.bands[number].values[..., scaled(in_band, plane.scale), across]
            target.copy_(values[..., scaled(in_part, plane.scale), :])

    def drop_above(self, name: str, row: int) -> None:
        """Free the bands of a plane that are entirely above a row, if the plane exists."""
        plane = self._planes.get(name)
        while plane is not None and plane.bands:
            first = min(plane.bands)
            if (first + 1) * self._rows > row:
                return
            freed = plane.bands.pop(first).in_memory
            if plane.memory is not None and freed:
                plane.memory.give_back(scaled(self._rows_of(first), plane.scale))
            self._free += freed if GIVES_BACK else 0
            plane.kept += 0 if GIVES_BACK else freed

    def drop(self, name: str) -> None:
        """Free a plane, if it exists."""
        self.drop_above(name, self._size[0] + self._rows)
        plane = self._planes.pop(name, None)
        if plane is not None:
            self._free += plane.kept
            trim()

    def close(self) -> None:
        """Free all planes."""
        for name in self.names:
            self.drop(name)

    def _bands_of(self, rows: slice) -> Iterator[tuple[int, slice, slice]]:
        """Yield the bands that rows overlap: number, rows of the band, rows relative to `rows`."""
        for number in range(rows.start // self._rows, -(-rows.stop // self._rows)):
            top = number * self._rows
            start, stop = max(rows.start, top), min(rows.stop, top + self._rows)
            yield (
                number,
                slice(start - top, stop - top),
                slice(start - rows.start, stop - rows.start),
            )

    def _new_band(self, plane: _Plane, number: int) -> _Band:
        down = scaled(self._rows_of(number), plane.scale)
        height, width = (int(size * plane.scale) for size in self._size)
        shape = (1, plane.channels, down.stop - down.start, width)
        needed = math.prod(shape) * plane.dtype.itemsize
        if needed > self._free:
            return _Band(_in_a_file(needed, shape, plane.dtype), 0)
        self._free -= needed
        if plane.memory is None:
            plane.memory = PlaneMemory(plane.channels, height, width, plane.dtype)
        return _Band(plane.memory.rows(down), needed)

    def _rows_of(self, number: int) -> slice:
        """Return the rows of a band, in pixels of the image."""
        return slice(number * self._rows, min((number + 1) * self._rows, self._size[0]))


def _in_a_file(needed: int, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    images, channels, height, width = shape
    values = torch.from_numpy(mapped_file(needed, "features")).view(dtype)
    return values.view(images, height, width, channels).permute(0, 3, 1, 2)
