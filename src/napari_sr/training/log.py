"""The training log: means over steps, as a CSV file and, if installed, for TensorBoard."""

from __future__ import annotations

import csv
import io
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_sr.training.checkpointing import write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

WAIT = 0.02
"""Seconds between two checks of the clock."""
FIRST, LAST = ("step", "seconds", "learning_rate", "loss"), "psnr"


class TrainingLog:
    """Writes the loss, its terms and PSNR for each reported step.

    Parameters
    ----------
    folder : Path
        Folder of `log.csv`.
    parts : sequence of str
        Names of the terms of the loss.
    step : int
        The step at which training resumes; later rows are removed.
    board : bool
        Whether to write files for TensorBoard, if it is installed.
    """

    def __init__(
        self, folder: Path, parts: Sequence[str], step: int, *, board: bool = True
    ) -> None:
        self.path = folder / "log.csv"
        old = [row for row in rows(self.path) if int(row["step"]) <= step] if step else []
        names = [*FIRST, *parts, LAST, *(key for row in old for key in row)]
        self.columns = list(dict.fromkeys(names))
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self.columns)
        writer.writeheader()
        writer.writerows(old)
        write(self.path, text.getvalue().encode())
        self.board = _board(folder / "tensorboard", step) if board else None

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Write a row; columns without a value stay empty."""
        with self.path.open("a", encoding="utf-8", newline="") as file:
            shown = {key: f"{value:.6g}" for key, value in values.items()}
            csv.DictWriter(file, self.columns).writerow({"step": step, **shown})
        if self.board is not None:
            for key, value in values.items():
                self.board.add_scalar(key, value, step)
            self.board.flush()

    def close(self) -> None:
        """Close TensorBoard's file and the thread that writes it."""
        if self.board is not None:
            self.board.close()


def rows(path: Path) -> list[dict[str, str]]:
    """Return the complete rows of a log, as values by column; an empty list if there is no log."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        # a killed process may have left an incomplete row
        return [row for row in csv.DictReader(file) if None not in row.values()]


def _board(folder: Path, step: int) -> Any:
    """Return a writer for TensorBoard, or None if it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    # TensorBoard reads files in alphabetical order. Their names contain the time in seconds, then a
    # counter, and 10 sorts before 9. So two files of the same second may be read in wrong order.
    while any(folder.glob(f"events.out.tfevents.{int(time.time()):010d}.*")):
        time.sleep(WAIT)
    # TensorBoard removes the values of purge_step and later; those of `step` must remain
    return SummaryWriter(folder, purge_step=step + 1)


@dataclass
class Totals:
    """Sums of scalars since the last report. They stay on the device, so steps need not wait."""

    sums: dict[str, Tensor] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, values: dict[str, Tensor]) -> None:
        """Add a step's scalars."""
        for key, value in values.items():
            number = value.float()  # sums of booleans would be booleans
            self.sums[key] = self.sums[key] + number if key in self.sums else number
            self.counts[key] = self.counts.get(key, 0) + 1

    def means(self) -> dict[str, float]:
        """Return the mean of each scalar, after waiting for the device."""
        return {key: (one / self.counts[key]).item() for key, one in self.sums.items()}
