"""The learning rate of every step: a function of the step alone, which nothing has to remember.

Cosine: Loshchilov and Hutter, "SGDR", ICLR 2017, https://arxiv.org/abs/1608.03983, one descent.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_sr.training.config import Schedule


def rate_factor(schedule: Schedule, step: int, total: int) -> float:
    """Return what the highest rate is multiplied by in a step.

    Parameters
    ----------
    schedule : Schedule
        How it changes.
    step, total : int
        The step, from 0, and how many there are.
    """
    rise = min(1.0, (step + 1) / (schedule.warm_up + 1))
    if schedule.kind == "cosine":
        half = 0.5 * (1 + math.cos(math.pi * min(step / total, 1)))
        return rise * (schedule.floor + (1 - schedule.floor) * half)
    if schedule.kind == "step":
        falls = step // schedule.every if schedule.every else sum(step >= at for at in schedule.at)
        return float(rise * schedule.factor**falls)
    return rise
