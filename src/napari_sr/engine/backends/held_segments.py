"""Memory that compiled segments keep for intermediate values while other segments run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.engine.backends.kept_memory import KEPT
from napari_sr.engine.backends.loaded import LOADED

if TYPE_CHECKING:
    from napari_sr.engine.backends.compilers import Compute

SMALL, MOST_HELD = 48 * 2**20, 256 * 2**20
"""Bytes that a segment may read in one tile to keep its memory when another one follows, and that
all such segments may read together. BSRN-S x4 on 2048x2048 px, in strips of 96 rows, would take
1.06 to 1.1 times as long if every segment got new memory at every turn."""


class HeldSegments:
    """The segments of a run that have memory for intermediate values.

    A segment frees its memory when another one follows, because each segment of a network that runs
    over a whole plane would otherwise keep its own. Small segments keep it, because stages that
    take turns compute only some tiles before another segment follows.
    """

    def __init__(self) -> None:
        self._last: tuple[str, Compute, int] | None = None
        self._others: dict[str, tuple[Compute, int]] = {}

    def use(self, name: str, compute: Compute, size: int) -> None:
        """Prepare for a segment, which is computed next.

        Parameters
        ----------
        name : str
            Name of the segment in the library.
        compute : Compute
            Function that computes it.
        size : int
            Bytes that it reads.
        """
        if self._last is not None and self._last[1] is not compute:
            self._hold(*self._last)
        self._others.pop(name, None)
        KEPT.use(name)
        self._last = name, compute, size

    def _hold(self, name: str, compute: Compute, size: int) -> None:
        if size > SMALL:
            compute.free()
            return
        self._others[name] = compute, size
        while sum(each for _, each in self._others.values()) > MOST_HELD:
            oldest = next(iter(self._others))
            self._others.pop(oldest)[0].free()

    def free(self) -> None:
        """Free the memory of all segments."""
        if self._last is not None:
            self._last[1].free()
        self._forget()

    def free_later(self) -> None:
        """Free the memory of the last segment after some seconds, that of the others now.

        A run that follows within these seconds uses it again; see `KeptMemory`.
        """
        if self._last is not None:
            KEPT.free_later(self._last[0], LOADED.free)
        self._forget()

    def _forget(self) -> None:
        """Free the memory of all segments but the last one, and forget them all."""
        for compute, _ in self._others.values():
            compute.free()
        self._others.clear()
        self._last = None
