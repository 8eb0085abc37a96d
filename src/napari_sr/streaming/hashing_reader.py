"""Read the blocks of an image, and keep a hash of the pixels of each."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_sr.engine.execution.block_reader import BlockReader

if TYPE_CHECKING:
    from napari_sr.engine.image.conversion import Filled
    from napari_sr.engine.planning.blocks import Block


@dataclass(frozen=True)
class HashingReader(BlockReader):
    """A `BlockReader` that keeps a hash of the pixels that it last read for each block.

    A resumed run compares the hashes to notice changed pixels: unlike a file, a layer has no date.
    """

    hashes: dict[int, str] = field(default_factory=dict, init=False, repr=False, compare=False)
    """The hash of each block's window (the pixels read for it), by the block's number."""

    def read(self, block: Block) -> Filled:
        """Return the window of a block as `BlockReader.read` does, and keep its hash.

        Raises
        ------
        ValueError
            If the window has infinite values.
        """
        filled = super().read(block)
        digest = hashlib.sha256(np.ascontiguousarray(filled.pixels).data)
        if filled.missing is not None:
            digest.update(np.packbits(filled.missing).data)
        self.hashes[block.number] = digest.hexdigest()
        return filled
