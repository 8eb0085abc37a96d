"""A cache of the decoded strips or tiles of a TIFF, which neighbouring windows share."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

BUDGET = 64 * 2**20
"""Largest size of the decoded strips or tiles that are kept for the next window, in bytes."""


class DecodedPieces:
    """The last decoded pieces: at most `BUDGET` bytes, but always the last one. Threads share it.

    A piece is known by the number of its page, and its number in the page.
    """

    def __init__(self) -> None:
        self._pieces: OrderedDict[tuple[int, int], NDArray[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[int, int]) -> NDArray[Any] | None:
        """Return a piece, or None if it is not kept."""
        with self._lock:
            if key in self._pieces:
                self._pieces.move_to_end(key)
            return self._pieces.get(key)

    def put(self, key: tuple[int, int], piece: NDArray[Any]) -> None:
        """Keep a piece; drop those that were used longest ago if the budget is exceeded."""
        with self._lock:
            self._pieces[key] = piece
            while len(self._pieces) > 1 and sum(p.nbytes for p in self._pieces.values()) > BUDGET:
                self._pieces.popitem(last=False)
