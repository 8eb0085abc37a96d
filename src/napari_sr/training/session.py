"""Folder, device and time limit of a training session, and its progress."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_sr.training.validation import Judgement


class TrainingError(RuntimeError):
    """Training cannot continue."""


@dataclass(frozen=True)
class Progress:
    """Progress of a training session."""

    step: int
    total: int
    seconds_left: float | None = None
    """Estimated seconds left; None before the first step."""
    loss: float | None = None
    """Mean loss of the last report; None before the first report."""
    psnr: float | None = None
    """PSNR on the held-out pairs at the last validation, in dB."""
    better: bool = False
    """Whether this was the best validation so far, and the network was written."""
    message: str = ""
    """A message for the user."""


@dataclass(frozen=True)
class Session:
    """The folder, the device and the time limit of a training session."""

    out: Path
    """Folder for the state, the log and the trained network."""
    device: str = "auto"
    resume: bool = False
    """Whether to resume from the state in the folder, if there is one."""
    minutes: float = math.inf
    """Minutes after which the session stops; training can be resumed."""
    stopped: Callable[[], bool] = lambda: False
    """Called after every step. If it returns True, training stops and can be resumed. With several
    processes, all stop at the same step as soon as it returns True in one of them."""
    lasting: bool = True
    """Whether to write TensorBoard logs and the state that resuming needs."""
    least: Judgement | None = None
    """What the judgement of a network must exceed for it to be written; None to write any."""
