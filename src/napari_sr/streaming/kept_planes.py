"""A cache on the disk, limited in size, for the results of whole planes.

A network with global values computes whole planes, but lazy results are requested in parts. So the
result of a plane is kept in an unnamed file, and used for other parts, too. Its mark is a hash of
all that it was computed from. The result is used only while the mark is the same.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from napari_sr.engine.execution.scratch import mapped_file
from napari_sr.engine.planning.devices import OutOfMemoryError

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

MOST = 16 * 2**30
"""Largest size of all planes that a process keeps, in bytes."""


@dataclass
class _Kept:
    """The result of a plane."""

    mark: str
    values: NDArray[Any]
    used: int
    """Number of uses of the cache until this result was last used."""


class KeptPlanes:
    """Results of planes, for several owners; the least recently used result is freed first.

    When an owner is freed, its results are, too. Only one thread may use the cache at a time.

    Parameters
    ----------
    most : int
        Largest size of all planes together, in bytes.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most, self._uses = most, 0
        self._owners: WeakKeyDictionary[Any, dict[int, _Kept]] = WeakKeyDictionary()

    @property
    def size(self) -> int:
        """Bytes of all planes."""
        return sum(one.values.nbytes for owned in self._owners.values() for one in owned.values())

    def find(self, owner: object, number: int, mark: str) -> NDArray[Any] | None:
        """Return the result of a plane, or None if there is none with this mark."""
        found = self._owners.get(owner, {}).get(number)
        if found is None or found.mark != mark:
            return None
        self._uses += 1
        found.used = self._uses
        return found.values

    def room(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any] | None:
        """Return an array in a file for a plane; None if limit or disk leave no room for it."""
        needed = math.prod(shape) * np.dtype(dtype).itemsize
        if needed > self._most:
            return None
        while self.size + needed > self._most:
            self._free_oldest()
        while True:
            try:
                return mapped_file(needed, "results").view(dtype).reshape(shape)
            except OutOfMemoryError:
                if not self.size:
                    return None
                self._free_oldest()

    def keep(self, owner: object, number: int, mark: str, values: NDArray[Any]) -> None:
        """Keep the complete result of a plane; `values` is an array that `room` returned."""
        self._uses += 1
        self._owners.setdefault(owner, {})[number] = _Kept(mark, values, self._uses)

    def _free_oldest(self) -> None:
        planes = [
            (one.used, owned, number)
            for owned in self._owners.values()
            for number, one in owned.items()
        ]
        _, owned, number = min(planes, key=lambda one: one[0])
        del owned[number]


def mark_of(pixels: NDArray[Any], *facts: str) -> str:
    """Return a hash of a source's pixels, and of `facts`: all else that the result depends on."""
    found = hashlib.blake2b(repr((pixels.shape, pixels.dtype.str, facts)).encode())
    found.update(np.ascontiguousarray(pixels).view(np.uint8).data)
    return found.hexdigest()
