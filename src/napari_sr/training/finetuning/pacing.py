"""How long steps of a fine-tuning take, and how many of which size fit into its time."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_sr.training.data.training_data import TrainingData
from napari_sr.training.finetuning import sizing
from napari_sr.training.finetuning.base_model import lasting
from napari_sr.training.finetuning.config import Update
from napari_sr.training.trainer import train

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from napari_sr.training.config import Config
    from napari_sr.training.data.pictures import Picture
    from napari_sr.training.finetuning.sizing import Size
    from napari_sr.training.session import Session

TIMED = 2.0
"""Seconds for which steps are timed; the first two, which prepare things, don't count."""
SIZED = 3
"""How often another size of a step is tried."""
SLACK = 1.3
"""By which a step may take longer than it should before a smaller one is tried."""
SPARED = 0.6
"""Share of the time that a smaller step must take at most to be worth it, where both are long."""
JUDGING = 0.1
"""Share of the time that judging may take."""
LEAST_JUDGED, MOST_JUDGED = 4, 40
"""How often it is judged."""


class Pacer:
    """Times training steps; chooses their size and their number.

    Parameters
    ----------
    config : Config
        The training; crop and batch are chosen here.
    learnt : sequence of Picture
        The images to learn from.
    sizes : sequence of Size
        Those that fit into memory, from the best to the least.
    session : Session
        Where steps are timed; nothing in its folder is kept.
    minutes, judging : float
        How long the training may take, and the seconds that judging takes once.
    """

    def __init__(
        self,
        config: Config,
        learnt: Sequence[Picture],
        sizes: Sequence[Size],
        session: Session,
        minutes: float,
        judging: float,
    ) -> None:
        self.config, self.sizes, self.session = config, sizes, session
        self.training_data = TrainingData(learnt)
        self.minutes, self.judging = minutes, judging
        # nobody knows yet how slow the device is
        self._take(next((size for size in sizes if size.batch == 1), sizes[-1]))

    def _take(self, size: Size) -> None:
        """Let steps be of that size."""
        self.size = size
        data = replace(self.config.data, crop=size.crop, batch=size.batch)
        self.config = replace(self.config, data=data)

    def counts(self, stopped: Callable[[], bool]) -> Generator[Update, None, tuple[int, int]]:
        """Return how many steps fit, and how often they can be judged."""
        pace = yield from self._sized(stopped)
        seconds = 60 * self.minutes
        steps = max(10, int(seconds * (1 - JUDGING) / pace))
        most = int(JUDGING * seconds / max(self.judging, 1e-3))
        return steps, min(max(most, LEAST_JUDGED), MOST_JUDGED, steps)

    def _sized(self, stopped: Callable[[], bool]) -> Generator[Update, None, float]:
        """Choose what a step learns from, so that it is short; return the seconds it takes."""
        longest = sizing.longest(self.minutes)
        pace = yield from self._paced(stopped)
        for _ in range(SIZED):
            size = sizing.choose(self.sizes, pace / self.size.pixels, longest)
            smaller = size.pixels < self.size.pixels
            if stopped() or size == self.size or (smaller and pace <= SLACK * longest):
                break
            before = self.size, pace
            self._take(size)
            pace = yield from self._paced(stopped)
            if smaller and pace > max(longest, SPARED * before[1]):
                self._take(before[0])  # it is the weights that take the time
                return before[1]
        return pace

    def _paced(self, stopped: Callable[[], bool]) -> Generator[Update, None, float]:
        """Return how many seconds a step takes."""
        config = lasting(self.config, 1_000_000, 1)
        took: list[float] = []
        with closing(train(config, self.training_data, self.session)) as steps:
            began = last = time.monotonic()
            for progress in steps:
                now = time.monotonic()
                if progress.message:
                    last = now
                    continue
                took.append(now - last)
                last = now
                if stopped() or (len(took) > 2 and now - began > TIMED):
                    break
                yield Update(f"Timing steps of {self.size.words} …")
        counted = sorted(took[2:] or took)
        return max(counted[len(counted) // 2], 1e-4)
