"""Where and for how long a training runs, and its progress."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class TrainingError(RuntimeError):
    """A training that cannot continue."""


@dataclass(frozen=True)
class Progress:
    """Progress of a training."""

    step: int
    total: int
    seconds_left: float | None = None
    """None before the first step."""
    loss: float | None = None
    """The mean of the last report; None before the first."""
    psnr: float | None = None
    """PSNR on the held-out pairs at the last validation, in dB."""
    message: str = ""
    """A message for the user."""


@dataclass(frozen=True)
class Session:
    """Where and for how long a training runs this time."""

    out: Path
    """Its folder."""
    device: str = "auto"
    resume: bool = False
    """Whether to resume what the folder holds, if it holds anything."""
    minutes: float = math.inf
    """Minutes after which it stops; it can be resumed."""
    stopped: Callable[[], bool] = lambda: False
    """Called after every step; True stops the training, which can be resumed. If it is True in one
    of several processes, all stop at the same step."""
    lasting: bool = True
    """Whether to write resume state and TensorBoard logs."""
