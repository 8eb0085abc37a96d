"""Where and for how long a training runs, and its progress."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class TrainingError(RuntimeError):
    """A training that cannot go on."""


@dataclass(frozen=True)
class Progress:
    """How far a training is."""

    step: int
    total: int
    seconds_left: float | None = None
    """None before the first step."""
    loss: float | None = None
    """The mean of the last report; None before the first."""
    psnr: float | None = None
    """Of the held-out pairs when last judged, in dB."""
    message: str = ""
    """What the user should be told."""


@dataclass(frozen=True)
class Session:
    """Where and for how long a training runs this time."""

    out: Path
    """Its folder."""
    device: str = "auto"
    resume: bool = False
    """Whether to resume what the folder holds, if it holds anything."""
    minutes: float = math.inf
    """After which it stops, to be resumed."""
    stopped: Callable[[], bool] = lambda: False
    """Asked after every step whether to stop, to be resumed; any of the processes that train
    together may say so, and all stop at the same step."""
    lasting: bool = True
    """Whether to write resume state and TensorBoard logs."""
