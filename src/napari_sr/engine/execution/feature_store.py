"""Storage of feature planes between the stages of a tiled run: in memory, or in files.

The name of a file is removed as soon as the file is created. So the system deletes the file however
the run ends, and nothing needs to be cleaned up.

Letters: C channels, H x W pixels of the image that enters the network.
"""

from __future__ import annotations

import math
import os
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import psutil
import torch

from napari_sr.engine.execution.plane_memory import PlaneMemory
from napari_sr.engine.planning.devices import GIVES_BACK, OutOfMemoryError, trim
from napari_sr.engine.planning.tiling import scaled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from numpy.typing import NDArray
    from torch import Tensor

FOLDER = "NAPARI_SR_SCRATCH"
"""Environment variable with the folder of the files; by default the system's temporary folder."""
LEAST_BAND, MOST_BANDS = 64, 64
"""Smallest number of rows in a band, and largest number of bands in a plane: each may be an open
file."""
LEFT_FREE = 2**30
"""Bytes of free disk space that are left to other programs."""


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
    """Bands by their number, counted from the top; bands that were never written are missing."""
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

        Rows over the whole width are no copy if they are in memory, so nothing may write into them.
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
    folder = check_scratch_folder()
    free = psutil.disk_usage(folder).free - LEFT_FREE
    if needed > free:
        raise OutOfMemoryError(_no_room(needed, folder, free))
    try:
        mapped = _mapped(needed, folder)
    except OSError as error:  # another program used the space first, or there is a disk quota
        raise OutOfMemoryError(f"{_no_room(needed, folder, free)} ({error.strerror})") from error
    images, channels, height, width = shape
    values = torch.from_numpy(mapped).view(dtype).view(images, height, width, channels)
    return values.permute(0, 3, 1, 2)


def _mapped(needed: int, folder: str) -> NDArray[np.uint8]:
    with tempfile.TemporaryFile(dir=folder, prefix="napari-sr-") as file:
        if hasattr(os, "posix_fallocate"):
            # otherwise, writing to a hole in the file when the disk is full would kill the process
            os.posix_fallocate(file.fileno(), 0, needed)
        return np.memmap(file, dtype=np.uint8, mode="r+", shape=(needed,))


def _no_room(needed: int, folder: str, free: int) -> str:
    return (
        f"{needed / 2**20:.0f} MiB more of features fit neither into memory nor into {folder}, "
        f"where {max(free, 0) / 2**20:.0f} MiB may be used: set {FOLDER} to a folder on a larger "
        "disk, choose half precision, or upscale a part of the image"
    )


def check_scratch_folder() -> str:
    """Return the folder of the files, after creating a test file in it.

    Raises
    ------
    ValueError
        If there is no such folder, or no file can be created in it.
    """
    named = os.path.expanduser(os.environ.get(FOLDER, ""))
    try:
        folder = named or tempfile.gettempdir()
        with tempfile.TemporaryFile(dir=folder, prefix="napari-sr-"):
            return folder
    except OSError as error:
        where = f"{named!r}, which {FOLDER} is set to" if named else "the temporary folder"
        raise ValueError(
            f"cannot create files for intermediate results in {where} "
            f"({error.strerror or error}): set {FOLDER} to a writable folder"
        ) from error
