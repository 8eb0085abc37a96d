"""Choose the size and the number of training steps, so that fine-tuning ends in time."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_sr.engine.image.digits import counted
from napari_sr.training.finetuning import sizing
from napari_sr.training.finetuning.base_model import with_steps
from napari_sr.training.finetuning.config import Update
from napari_sr.training.trainer import train

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from napari_sr.training.config import Config
    from napari_sr.training.data.training_data import TrainingData
    from napari_sr.training.finetuning.sizing import Size
    from napari_sr.training.session import Session

TIMED = 2.0
"""Seconds for timing steps. The first two steps include preparations, and are not counted."""
SIZED = 3
"""Largest number of step sizes to try after the first."""
SLACK = 1.3
"""A smaller size is tried if a step takes more than this multiple of the allowed time."""
SPARED = 0.6
"""If steps of the smaller size are still too slow, the smaller size is used only if its steps take
at most this share of the time of the larger ones."""
JUDGING = 0.1
"""Share of the training time for validation."""
FEW_STEPS = 100
"""With fewer steps, a network hardly changes."""
LEAST_JUDGED, MOST_JUDGED = 4, 40
"""Smallest and largest number of validations."""


class Pacer:
    """Times training steps; chooses their size and their number.

    Parameters
    ----------
    config : Config
        Settings of the training run; the pacer chooses crop and batch.
    training_data : TrainingData
        The images to train on; held-out ones are not used.
    sizes : sequence of Size
        Sizes that fit into memory, best first.
    session : Session
        Session for timing steps; its folder is temporary.
    minutes, judging : float
        Minutes for training, and seconds per validation.
    most : Size, optional
        The size of steps if neither time nor memory were limited; by default the best of `sizes`.
    """

    def __init__(
        self,
        config: Config,
        training_data: TrainingData,
        sizes: Sequence[Size],
        session: Session,
        minutes: float,
        judging: float,
        most: Size | None = None,
    ) -> None:
        self.config, self.sizes, self.session = config, sizes, session
        self.training_data = replace(training_data, held_out=())
        self.minutes, self.judging, self.most = minutes, judging, most or sizes[0]
        # start with one crop per step: the speed of the device is not yet known
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

    def notes(self, steps: int, *, early: bool) -> Iterator[str]:
        """Yield notes for the user, if few or small steps were taken.

        Parameters
        ----------
        steps : int
            Number of the last step.
        early : bool
            Whether the user stopped the training.
        """
        if steps < FEW_STEPS and not early:
            yield (
                f"in {counted(self.minutes, 'minute')}, this device took only "
                f"{counted(steps, 'step')}: a smaller "
                "network, more time or a GPU would allow more"
            )
        if self.size != self.most:
            yield (
                f"each step used {self.size.words}, because {self.most.words} would have taken "
                "too long or too much memory on this device"
            )

    def _sized(self, stopped: Callable[[], bool]) -> Generator[Update, None, float]:
        """Choose a size of steps that take at most the allowed time; return their seconds."""
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
                self._take(before[0])  # the smaller size saves little: the time goes to the weights
                return before[1]
        return pace

    def _paced(self, stopped: Callable[[], bool]) -> Generator[Update, None, float]:
        """Time steps of the current size; return the seconds per step."""
        config = with_steps(self.config, 1_000_000, 1)
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
