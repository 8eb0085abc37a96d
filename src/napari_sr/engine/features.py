"""Where feature planes wait between the stages of a tiled run: in memory, or in files.

A file is nameless from the moment that it is made: whatever ends the run, it is gone, and nothing
needs to be cleaned up.

Letters: C channels, H x W pixels of the image that enters the network.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import psutil
import torch

from napari_sr.engine.devices import OutOfMemoryError

if TYPE_CHECKING:
    from fractions import Fraction

    from torch import Tensor

FOLDER = "NAPARI_SR_SCRATCH"
"""The environment variable that names the folder of the files; else the system's temporary one."""
LEFT_FREE = 2**30
"""Bytes that stay free on the disk."""


@dataclass(frozen=True)
class _Plane:
    """Features of one name."""

    values: Tensor
    """(1, C, scale * H, scale * W)."""
    scale: int | Fraction
    in_memory: int
    """Bytes; 0 where it is a file."""

    def part(self, rows: slice, columns: slice) -> Tensor:
        """Return the view of rows and columns, given in pixels of the image."""
        return self.values[..., scaled(rows, self.scale), scaled(columns, self.scale)]


def scaled(span: slice, scale: int | Fraction) -> slice:
    """Return a span of the image as a span of a plane so many times larger."""
    return slice(int(span.start * scale), int(span.stop * scale))


class Features:
    """Feature planes by name.

    Parameters
    ----------
    height, width : int
        H and W.
    budget : int
        Bytes of memory that planes may take; what does not fit lies in files.
    channels_last : bool
        Whether pixels lie side by side with all their channels, as GPUs like it. In files they
        always do, so that a tile's row is one piece of the file.
    """

    def __init__(self, height: int, width: int, *, budget: int, channels_last: bool) -> None:
        self._size = (height, width)
        self._free = budget
        self._channels_last = channels_last
        self._planes: dict[str, _Plane] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Which planes there are."""
        return tuple(self._planes)

    def make(self, name: str, channels: int, scale: int | Fraction, dtype: torch.dtype) -> None:
        """Make room for a plane, in place of what had the name before.

        Raises
        ------
        OutOfMemoryError
            If neither memory nor the disk has room.
        """
        self.drop(name)
        height, width = (int(size * scale) for size in self._size)
        needed = channels * height * width * dtype.itemsize
        if needed > self._free:
            values = _in_a_file(needed, (height, width, channels), dtype)
            self._planes[name] = _Plane(values, scale, 0)
            return
        layout = torch.channels_last if self._channels_last else torch.contiguous_format
        values = torch.empty((1, channels, height, width), dtype=dtype, memory_format=layout)
        self._free -= needed
        self._planes[name] = _Plane(values, scale, needed)

    def read(self, name: str, rows: slice, columns: slice) -> Tensor:
        """Return a view of a part, (1, C, scale * rows, scale * columns)."""
        return self._planes[name].part(rows, columns)

    def write(self, name: str, rows: slice, columns: slice, values: Tensor) -> None:
        """Put values into a part."""
        self._planes[name].part(rows, columns).copy_(values)

    def drop(self, name: str) -> None:
        """Forget a plane, if there is one, and give back what it took."""
        plane = self._planes.pop(name, None)
        if plane is not None:
            self._free += plane.in_memory

    def close(self) -> None:
        """Forget all planes."""
        for name in list(self._planes):
            self.drop(name)


def _in_a_file(needed: int, shape: tuple[int, int, int], dtype: torch.dtype) -> Tensor:
    folder = os.environ.get(FOLDER) or tempfile.gettempdir()
    free = psutil.disk_usage(folder).free - LEFT_FREE
    if needed > free:
        raise OutOfMemoryError(
            f"a feature plane of {needed / 2**30:.1f} GiB fits neither into memory nor into "
            f"{folder}, where {max(free, 0) / 2**30:.1f} GiB may be used: let {FOLDER} name a "
            "folder on a larger disk, choose half precision, or upscale a part of the image"
        )
    with tempfile.TemporaryFile(dir=folder, prefix="napari-sr-") as file:
        if hasattr(os, "posix_fallocate"):
            # a hole in the file that cannot be filled later would kill the process
            os.posix_fallocate(file.fileno(), 0, needed)
        mapped = np.memmap(file, dtype=np.uint8, mode="r+", shape=(needed,))
    values = torch.from_numpy(mapped).view(dtype).view(*shape)
    return values.permute(2, 0, 1)[None]


def budget_in_memory(share: float = 0.5) -> int:
    """Return how many bytes of memory features may take: a share of what is free."""
    return int(share * psutil.virtual_memory().available)
