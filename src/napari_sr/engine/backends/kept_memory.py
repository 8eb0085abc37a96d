"""Memory that compiled segments keep between runs, given back when no other run follows soon.

OpenVINO keeps the intermediate values of a segment for its next run: 1.5 GiB for RFDN x4 on
1024x1024 px. A run that has to take the memory again needs up to a tenth more time, so runs in
quick succession keep it.
"""

from __future__ import annotations

from threading import Lock, Timer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

IDLE = 10.0
"""Seconds after the end of a run in which a run of the same segment finds its memory."""


class KeptMemory:
    """The memory of segments that no run uses at the moment.

    Parameters
    ----------
    timer : callable
        Makes timers as `threading.Timer` does; another one for tests.
    """

    def __init__(self, timer: Callable[..., Timer] = Timer) -> None:
        self._timer = timer
        self._timers: dict[str, Timer] = {}
        self._lock = Lock()

    def use(self, name: str) -> None:
        """Keep a segment's memory, because a run computes the segment again."""
        with self._lock:
            timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def free_later(self, name: str, free: Callable[[str], None]) -> None:
        """Call `free(name)` in another thread `IDLE` seconds later, unless it is used before.

        If the system has no thread left, call it now.
        """
        self.use(name)
        own: list[Timer] = []
        timer = self._timer(IDLE, self._free, (name, free, own))
        own.append(timer)
        timer.daemon = True  # the program may end earlier
        with self._lock:
            self._timers[name] = timer
        try:
            timer.start()
        except RuntimeError:
            self._free(name, free, own)

    def _free(self, name: str, free: Callable[[str], None], own: list[Timer]) -> None:
        """Call `free(name)`, unless the timer in `own` fired while a run began."""
        with self._lock:
            if self._timers.get(name) is not own[0]:
                return
            del self._timers[name]
        free(name)


KEPT = KeptMemory()
