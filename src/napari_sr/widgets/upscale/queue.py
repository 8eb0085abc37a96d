"""The runs that one press of Run starts, one after the other; each upscales one layer."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from napari.layers import Image

    from napari_sr.runs.run import Request


@dataclass(frozen=True)
class PendingRun:
    """A waiting run, and data for its result's layer."""

    layer: Image
    """The source layer."""
    request: Request
    arguments: dict[str, Any]
    """Keyword arguments of `add_image`."""
    afterwards: dict[str, Any]
    """Attributes to set once the layer exists."""
    folder: Path | None = None
    """The folder of the result; None for a result in memory."""
    resume: bool = False
    """Whether the folder contains the unfinished result of this run."""


class RunQueue:
    """Waiting runs, and the outcome of the runs before them."""

    def __init__(self) -> None:
        self._waiting: deque[PendingRun] = deque()
        self._count = 0
        self._cancelled = False
        self._done: list[str] = []
        self._failed: list[str] = []

    def fill(self, runs: Iterable[PendingRun]) -> None:
        """Replace all runs by new ones."""
        self._waiting = deque(runs)
        self._count = len(self._waiting)
        self._cancelled = False
        self._done, self._failed = [], []

    @property
    def waiting(self) -> int:
        """Number of waiting runs."""
        return len(self._waiting)

    def next(self) -> PendingRun:
        """Remove and return the first waiting run.

        Raises
        ------
        IndexError
            If no run is waiting.
        """
        return self._waiting.popleft()

    def cancel(self) -> None:
        """Remove the waiting runs."""
        self._cancelled = True
        self._waiting.clear()

    @property
    def cancelled(self) -> bool:
        """Whether the runs were cancelled."""
        return self._cancelled

    def add_result(self, name: str) -> None:
        """Count a finished run, by the name of its result."""
        self._done.append(name)

    def add_failure(self, name: str, reason: str) -> None:
        """Count a run that failed, by the name of its layer."""
        self._failed.append(f"{name}: {reason}")

    @property
    def place(self) -> str:
        """Words before the status of a run, such as "2 of 3: "; "" if there is only one run."""
        number = self._count - len(self._waiting)
        return f"{number} of {self._count}: " if self._count > 1 else ""

    @property
    def summary(self) -> str:
        """A sentence on the outcome of all runs; "" if there is only one run."""
        if self._count < 2:
            return ""
        words = f"Done: {len(self._done)} of {self._count} layers"
        if self._cancelled:
            words = f"Cancelled. {words}"
        return ". Failed: ".join((words, *(["; ".join(self._failed)] if self._failed else [])))
