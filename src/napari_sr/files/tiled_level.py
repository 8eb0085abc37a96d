"""Yield the tiles of an image, read window by window, in the order in which a TIFF stores them."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.arrays import pixels_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_sr.engine.image.arrays import ArrayLike

TILE = 512
"""Side of the tiles in pixels."""
READ = 32 * 2**20
"""Largest size of the tiles that are read at once, in bytes."""


@dataclass(frozen=True)
class Level:
    """One level of a pyramid; it is read window by window."""

    array: ArrayLike
    axes: str
    samples: str
    """The letter of the axis of RGB or RGBA, or "" for grey."""

    @property
    def looped(self) -> str:
        """Letters of the axes that count planes."""
        return "".join(letter for letter in self.axes if letter not in ("Y", "X", self.samples))

    def length(self, letters: str) -> tuple[int, ...]:
        """Return the lengths of axes."""
        return tuple(int(self.array.shape[self.axes.index(letter)]) for letter in letters)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape as the file stores it: planes, rows, columns, samples."""
        return self.length(self.looped + "YX" + self.samples)

    @property
    def count(self) -> int:
        """Number of tiles."""
        height, width = self.length("YX")
        return math.prod(self.length(self.looped)) * -(-height // TILE) * -(-width // TILE)

    @property
    def nbytes(self) -> int:
        """Number of bytes of all pixels."""
        return math.prod(self.array.shape) * int(np.dtype(self.array.dtype).itemsize)

    def tiles(self) -> Iterator[NDArray[Any]]:
        """Yield all tiles in the order of TIFF; tiles at the edges are smaller."""
        height, width = self.length("YX")
        pixel = math.prod(self.length(self.samples)) * np.dtype(self.array.dtype).itemsize
        span = TILE * max(1, READ // (TILE * TILE * pixel))
        for plane in itertools.product(*map(range, self.length(self.looped))):
            for top, left in itertools.product(range(0, height, TILE), range(0, width, span)):
                block = self._block(plane, slice(top, top + TILE), slice(left, left + span))
                for start in range(0, block.shape[1], TILE):
                    yield block[:, start : start + TILE]

    def _block(self, plane: tuple[int, ...], rows: slice, columns: slice) -> NDArray[Any]:
        """Read a block: (Y, X) or (Y, X, samples)."""
        at = dict(zip(self.looped, plane, strict=True))
        index = [at.get(letter, slice(None)) for letter in self.axes]
        index[self.axes.index("Y")], index[self.axes.index("X")] = rows, columns
        block = pixels_of(self.array[tuple(index)])
        left = [letter for letter in self.axes if letter not in self.looped]
        return np.transpose(block, [left.index(letter) for letter in "YX" + self.samples])
