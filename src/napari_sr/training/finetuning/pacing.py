"""Choose the size and the number of training steps, so that a fine-tuning ends in time."""

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
"""Seconds spent on timing steps. The first two steps include preparations, and are left out."""
SIZED = 3
"""Largest number of other step sizes to try."""
SLACK = 1.3
"""A smaller step is tried if a step takes more than this factor of its allowed time."""
SPARED = 0.6
"""A smaller step that is still too slow is used if it takes at most this share of the larger step's
time."""
JUDGING = 0.1
"""Share of the time for validation."""
LEAST_JUDGED, MOST_JUDGED = 4, 40
"""Smallest and largest number of validations."""


class Pacer:
    """Times training steps; chooses their size and their number.

    Parameters
    ----------
    config : Config
        Settings of the training; the pacer chooses crop and batch.
    learnt : sequence of Picture
        The images to train on.
    sizes : sequence of Size
        Sizes that fit into memory, best first.
    session : Session
        Session for timing steps; its folder is temporary.
    minutes, judging : float
        Minutes for the training, and seconds per validation.
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
        # before timing, the speed of the device is unknown
        self._take(next((size for size in sizes if size.batch == 1), sizes[-1]))

    def _take(self, size: Size) -> None:
        """Set the size of the steps."""
        self.size = size
        data = replace(self.config.data, crop=size.crop, batch=size.batch)
        self.config = replace(self.config, data=data)

    def counts(self, stopped: Callable[[], bool]) -> Generator[Update, None, tuple[int, int]]:
        """Return the numbers of steps and validations that fit into the time."""
        pace = yield from self._sized(stopped)
        seconds = 60 * self.minutes
        steps = max(10, int(seconds * (1 - JUDGING) / pace))
        most = int(JUDGING * seconds / max(self.judging, 1e-3))
        return steps, min(max(most, LEAST_JUDGED), MOST_JUDGED, steps)

    def _sized(self, stopped: Callable[[], bool]) -> Generator[Update, None, float]:
        """Choose a size with short steps; return the seconds per step."""
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
                self._take(before[0])  # a smaller step is not faster: the weights take the time
                return before[1]
        return pace

    def _paced(self, stopped: Callable[[], bool]) -> Generator[Update, None, float]:
        """Return the seconds per step."""
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
