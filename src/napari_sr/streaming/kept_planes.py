"""Results of whole planes that lazy results keep on the disk, within bounds.

A network with global values computes whole planes, but one looks at parts of them. So the result of
a plane is kept in a file without a name, and used again for other parts. It counts only as long as
its mark, a hash of all that it was computed from, is the same.
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
"""Bytes of all planes that a process keeps."""


@dataclass
class _Kept:
    """The result of a plane."""

    mark: str
    values: NDArray[Any]
    used: int
    """When it was last used, counted in uses."""


class KeptPlanes:
    """Results of planes of several owners; the one that was not used for longest goes first.

    Planes of an owner are freed along with it. Not for several threads at once.

    Parameters
    ----------
    most : int
        Bytes that all planes together may take.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most, self._uses = most, 0
        self._owners: WeakKeyDictionary[Any, dict[int, _Kept]] = WeakKeyDictionary()

    @property
    def size(self) -> int:
        """Bytes of all planes."""
        return sum(one.values.nbytes for owned in self._owners.values() for one in owned.values())

    def find(self, owner: object, number: int, mark: str) -> NDArray[Any] | None:
        """Return the result of a plane, or None if there is none of this mark."""
        found = self._owners.get(owner, {}).get(number)
        if found is None or found.mark != mark:
            return None
        self._uses += 1
        found.used = self._uses
        return found.values

    def room(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any] | None:
        """Return an array in a file for a plane, or None if the bound or the disk has no room."""
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
        """Keep the complete result of a plane, which `room` made the array for."""
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
    """Return a hash of the pixels of a source, and of all else that a result depends on."""
    found = hashlib.blake2b(repr((pixels.shape, pixels.dtype.str, facts)).encode())
    found.update(np.ascontiguousarray(pixels).view(np.uint8).data)
    return found.hexdigest()
