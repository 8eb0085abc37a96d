"""Memory of a feature plane: only written rows take memory, and freed rows return it.

Symbols: C channels, H x W pixels of the plane.
"""

from __future__ import annotations

import mmap
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import torch

from napari_sr.engine.planning.devices import GIVES_BACK

if TYPE_CHECKING:
    from torch import Tensor


class PlaneMemory:
    """Memory of one plane with channels last, so that consecutive rows are contiguous.

    Parameters
    ----------
    channels, height, width : int
        C, H and W.
    dtype : torch.dtype
        Type of the values.
    """

    def __init__(self, channels: int, height: int, width: int, dtype: torch.dtype) -> None:
        self._row_bytes = channels * width * dtype.itemsize
        size = max(height * self._row_bytes, 1)
        if sys.platform == "linux":
            self._map = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            with suppress(OSError):  # the kernel may lack large pages, which are only faster
                self._map.madvise(mmap.MADV_HUGEPAGE)
        else:
            self._map = mmap.mmap(-1, size)
        values = torch.frombuffer(self._map, dtype=torch.uint8)[: height * self._row_bytes]
        self._values = values.view(dtype).view(1, height, width, channels).permute(0, 3, 1, 2)

    def rows(self, rows: slice) -> Tensor:
        """Return some rows, (1, C, rows, W); not a copy."""
        return self._values[..., rows, :]

    def give_back(self, rows: slice) -> None:
        """Free the memory of some rows, if the system supports this; their values are lost."""
        start, stop = rows.start * self._row_bytes, rows.stop * self._row_bytes
        first = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
        pages = stop // mmap.PAGESIZE * mmap.PAGESIZE - first
        if GIVES_BACK and pages > 0:
            self._map.madvise(mmap.MADV_DONTNEED, first, pages)
