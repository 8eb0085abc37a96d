"""Memory of the bands of feature planes; memory of freed bands is used again.

New memory is slow, because the system clears every page at its first use. In a run of BSRN-S x4 on
2048x2048 px, writing 11 GB of features into new memory took 6 of 30 seconds.
"""

from __future__ import annotations

import mmap
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from napari_sr.engine.execution.scratch import mapped_file

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Block:
    """The bytes of one band."""

    values: Tensor
    """(size,), uint8."""
    in_memory: bool
    """Whether the bytes are in memory; otherwise they are in a file."""


class BandMemory:
    """Blocks of memory for bands, and of files for bands that memory has no room for.

    A freed block is kept for the next band of its size. If a band of another size comes first,
    kept blocks are released for it, so that all blocks together never take more memory than the
    bands in use did at some time.

    Parameters
    ----------
    budget : int
        Bytes of memory that blocks may use.
    """

    def __init__(self, budget: int) -> None:
        self._free = budget
        self._kept: list[Block] = []

    def take(self, size: int) -> Block:
        """Return a block for a band; its values are arbitrary.

        Raises
        ------
        OutOfMemoryError
            If neither memory nor the disk has room.
        """
        found = self._kept_block(size, in_memory=True)
        if found is not None:
            return found
        self._release(size, in_memory=True)
        if size <= self._free:
            with suppress(OSError):  # the system may have less memory than the budget
                block = Block(_new_memory(size), True)
                self._free -= size
                return block
        found = self._kept_block(size, in_memory=False)
        if found is not None:
            return found
        self._release(size, in_memory=False)
        return Block(torch.from_numpy(mapped_file(size, "features")), False)

    def give_back(self, block: Block) -> None:
        """Keep a block that is no longer used."""
        self._kept.append(block)

    def close(self) -> None:
        """Release all kept blocks."""
        self._free += sum(block.values.numel() for block in self._kept if block.in_memory)
        self._kept.clear()

    def _kept_block(self, size: int, *, in_memory: bool) -> Block | None:
        for number, block in enumerate(self._kept):
            if (block.values.numel(), block.in_memory) == (size, in_memory):
                return self._kept.pop(number)
        return None

    def _release(self, size: int, *, in_memory: bool) -> None:
        """Release kept blocks for a new one of `size` bytes, the largest ones first."""
        kept = sorted(self._kept, key=lambda block: block.values.numel())
        blocks = [block for block in kept if block.in_memory == in_memory]
        while blocks and size > 0:
            released = blocks.pop()
            self._kept.remove(released)
            self._free += released.values.numel() if in_memory else 0
            size -= released.values.numel()


def _new_memory(size: int) -> Tensor:
    """Return memory that the system takes back as soon as the tensor is freed."""
    if not size:  # a band of one row has none of a plane of half the size; no memory can be mapped
        return torch.empty(0, dtype=torch.uint8)
    if sys.platform == "linux":
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        with suppress(OSError):  # the kernel may lack large pages, which are only faster
            memory.madvise(mmap.MADV_HUGEPAGE)
    else:
        memory = mmap.mmap(-1, size)
    return torch.frombuffer(memory, dtype=torch.uint8)
