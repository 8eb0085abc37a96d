"""Estimate the time left of a run from the pace of the work done so far."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW = 0.5
"""Share of the elapsed time, back from now, over which the pace is measured. The first tiles are
slow, because libraries choose their algorithms, and the computer may become busy later."""
EARLY = 2.0
"""Seconds during which nothing is estimated: the first step alone would promise minutes, although
the run may be over in a moment."""


class Pace:
    """Measurement of how fast a run advances.

    Parameters
    ----------
    clock : callable, optional
        Returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.away = 0.0
        """Seconds of all pauses, which are not counted: from `seconds_left` to the next `go_on`."""
        self._left_at = self._began = clock()
        self._marks = deque([(self._began, 0.0)])

    def seconds_left(self, share: float) -> float | None:
        """Return the seconds until all work is done, or None if they are not known yet.

        Parameters
        ----------
        share : float
            Share of the work that is done, 0..1. If it is less than before, because a plane is
            computed again, the measurement also starts again.
        """
        self._left_at = self._clock()
        now = self._left_at - self.away
        if share < self._marks[-1][1]:
            self._began = now
            self._marks.clear()
        self._marks.append((now, share))
        while len(self._marks) > 2 and self._marks[0][0] < now - WINDOW * (now - self._began):
            self._marks.popleft()
        then, before = self._marks[0]
        if share >= 1:
            return 0.0
        if share <= before or now - self._began < EARLY:
            return None
        return (now - then) * (1 - share) / (share - before)

    def go_on(self) -> None:
        """Do not count the time since the last call of `seconds_left`: the run was paused."""
        self.away += self._clock() - self._left_at
