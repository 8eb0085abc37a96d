"""Where feature planes wait between the stages of a tiled run: in memory, or in files.

A file is nameless from the moment that it is made: whatever ends the run, it is gone, and nothing
needs to be cleaned up.

Letters: C channels, H x W pixels of the image that enters the network.
"""

from __future__ import annotations

import math
import os
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import psutil
import torch

from napari_sr.engine.planning.devices import OutOfMemoryError, trim
from napari_sr.engine.planning.tiling import scaled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from numpy.typing import NDArray
    from torch import Tensor

FOLDER = "NAPARI_SR_SCRATCH"
"""The environment variable that names the folder of the files; else the system's temporary one."""
LEAST_BAND, MOST_BANDS = 64, 64
"""Rows of a band, at least, and bands of a plane, at most: each may be an open file."""
LEFT_FREE = 2**30
"""Bytes that stay free on the disk."""


@dataclass
class _Band:
    """Some rows of a plane, over its whole width."""

    values: Tensor
    """(1, C, rows, width)."""
    in_memory: int
    """Bytes; 0 where it is a file."""


@dataclass
class _Plane:
    """Features of one name."""

    channels: int
    scale: int | Fraction
    dtype: torch.dtype
    bands: dict[int, _Band]
    """By number from the top; those that nothing was written to are missing."""


class Features:
    """Feature planes by name, in bands of rows that come and go one by one.

    Parameters
    ----------
    height, width : int
        H and W.
    multiple : int
        Bands begin at multiples of this.
    budget : int
        Bytes of memory that planes may take; what does not fit lies in files.
    channels_last : bool
        Whether pixels lie side by side with all their channels, as GPUs like it. In files they
        always do, so that a tile's row is one piece of the file.
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
        """Which planes there are."""
        return tuple(self._planes)

    @property
    def bands(self) -> int:
        """How many bands there are in all planes."""
        return sum(len(plane.bands) for plane in self._planes.values())

    def make(self, name: str, channels: int, scale: int | Fraction, dtype: torch.dtype) -> None:
        """Begin a plane, in place of what had the name before."""
        self.drop(name)
        self._planes[name] = _Plane(channels, scale, dtype, {})

    def read(self, name: str, rows: slice, columns: slice) -> Tensor:
        """Return a copy of a part, (1, C, scale * rows, scale * columns)."""
        plane = self._planes[name]
        across = scaled(columns, plane.scale)
        down = scaled(rows, plane.scale)
        shape = (1, plane.channels, down.stop - down.start, across.stop - across.start)
        part = torch.empty(shape, dtype=plane.dtype, memory_format=self._layout)
        for number, inside, there in self._over(rows):
            to = scaled(there, plane.scale)
            source = plane.bands[number].values[..., scaled(inside, plane.scale), across]
            part[..., to, :].copy_(source)
        return part

    def write(self, name: str, rows: slice, columns: slice, values: Tensor) -> None:
        """Put values into a part.

        Raises
        ------
        OutOfMemoryError
            If neither memory nor the disk has room.
        """
        plane = self._planes[name]
        across = scaled(columns, plane.scale)
        for number, inside, there in self._over(rows):
            if number not in plane.bands:
                plane.bands[number] = self._band(plane, number)
            target = plane.bands[number].values[..., scaled(inside, plane.scale), across]
            target.copy_(values[..., scaled(there, plane.scale), :])

    def drop_above(self, name: str, row: int) -> None:
        """Forget what lies wholly above a row of a plane, if there is one."""
        plane = self._planes.get(name)
        while plane is not None and plane.bands:
            first = min(plane.bands)
            if (first + 1) * self._rows > row:
                return
            self._free += plane.bands.pop(first).in_memory

    def drop(self, name: str) -> None:
        """Forget a plane, if there is one, and give back what it took."""
        self.drop_above(name, self._size[0] + self._rows)
        if self._planes.pop(name, None) is not None:
            trim()

    def close(self) -> None:
        """Forget all planes."""
        for name in self.names:
            self.drop(name)

    def _over(self, rows: slice) -> Iterator[tuple[int, slice, slice]]:
        """Yield the bands under some rows: number, rows in the band, rows of what was asked."""
        for number in range(rows.start // self._rows, -(-rows.stop // self._rows)):
            top = number * self._rows
            start, stop = max(rows.start, top), min(rows.stop, top + self._rows)
            yield (
                number,
                slice(start - top, stop - top),
                slice(start - rows.start, stop - rows.start),
            )

    def _band(self, plane: _Plane, number: int) -> _Band:
        height, width = self._size
        rows = min(self._rows, height - number * self._rows)
        shape = (1, plane.channels, int(rows * plane.scale), int(width * plane.scale))
        needed = math.prod(shape) * plane.dtype.itemsize
        if needed > self._free:
            return _Band(_in_a_file(needed, shape, plane.dtype), 0)
        self._free -= needed
        return _Band(torch.empty(shape, dtype=plane.dtype, memory_format=self._layout), needed)


def _in_a_file(needed: int, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    folder = check_scratch_folder()
    free = psutil.disk_usage(folder).free - LEFT_FREE
    if needed > free:
        raise OutOfMemoryError(_no_room(needed, folder, free))
    try:
        mapped = _mapped(needed, folder)
    except OSError as error:  # another program was faster, or a quota is less than the disk
        raise OutOfMemoryError(f"{_no_room(needed, folder, free)} ({error.strerror})") from error
    images, channels, height, width = shape
    values = torch.from_numpy(mapped).view(dtype).view(images, height, width, channels)
    return values.permute(0, 3, 1, 2)


def _mapped(needed: int, folder: str) -> NDArray[np.uint8]:
    with tempfile.TemporaryFile(dir=folder, prefix="napari-sr-") as file:
        if hasattr(os, "posix_fallocate"):
            # a hole in the file that cannot be filled later would kill the process
            os.posix_fallocate(file.fileno(), 0, needed)
        return np.memmap(file, dtype=np.uint8, mode="r+", shape=(needed,))


def _no_room(needed: int, folder: str, free: int) -> str:
    return (
        f"features of {needed / 2**20:.0f} MiB more fit neither into memory nor into {folder}, "
        f"of which {max(free, 0) / 2**20:.0f} MiB may be used: let {FOLDER} name a folder on a "
        "larger disk, choose half precision, or upscale a part of the image"
    )


def check_scratch_folder() -> str:
    """Return the folder of the files, after a file was made there.

    Raises
    ------
    ValueError
        If there is no such folder, or it cannot be written.
    """
    named = os.path.expanduser(os.environ.get(FOLDER, ""))
    try:
        folder = named or tempfile.gettempdir()
        with tempfile.TemporaryFile(dir=folder, prefix="napari-sr-"):
            return folder
    except OSError as error:
        what = f"{FOLDER} names {named!r}" if named else f"{FOLDER} is not set"
        raise ValueError(
            f"{what}, and no file can be made there ({error.strerror or error}): let it name a "
            "folder that can be written, for intermediate results"
        ) from error
