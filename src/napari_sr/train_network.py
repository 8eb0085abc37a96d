"""What `napari-sr train` does: run a recipe, show how far it is, stop when asked to."""

from __future__ import annotations

import math
import os
import signal
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_sr import terminal
from napari_sr.training import recipe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import FrameType

    from napari_sr.training.trainer import Progress


@dataclass(frozen=True)
class Request:
    """What to train, and from what."""

    recipe: str
    """A file, or the name of a recipe that ships."""
    data: Path
    """The folder in which the recipe's folders are."""
    out: Path
    device: str = "auto"
    resume: bool = False
    minutes: float | None = None
    """None for no end."""
    steps: int | None = None
    """In place of the recipe's."""


class Asked:
    """Whether the user wants to stop."""

    def __init__(self) -> None:
        self.to_stop = False

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Remember it; asked again, stop at once, as if nothing were caught."""
        del frame
        if self.to_stop:
            signal.default_int_handler(number, None)
        self.to_stop = True


def run(request: Request) -> Path:
    """Train until the end, the session's end, or until asked to stop; return the result's file.

    Raises
    ------
    ValueError, OSError, napari_sr.training.trainer.TrainingError
        As `train` does.
    """
    from napari_sr.training.beyond import beyond
    from napari_sr.training.material import of_folders
    from napari_sr.training.trainer import Session, train

    config = recipe.read(request.recipe)
    if request.steps is not None:
        config = replace(config, run=replace(config.run, steps=request.steps))
    limit = math.inf if request.minutes is None else request.minutes
    first = speaks()
    with terminal.bars() as bars, terminal.warnings_as_lines(bars), asked_to_stop() as asked:
        session = Session(
            request.out, request.device, request.resume, limit, stopped=lambda: asked.to_stop
        )
        material = of_folders(config.data, request.data)
        pictures = [*material.learnt, *material.held_out]
        note = beyond(f"the images in {request.data}", pictures) if first else ""
        if note:
            terminal.tell(bars, note)
        bar = bars.add_task(config.name, total=config.run.steps)
        step, judged = 0, None
        with closing(train(config, material, session)) as steps:
            for progress in steps:
                step = progress.step
                bars.update(bar, completed=step, description=words(config.name, progress))
                if progress.message and first:
                    terminal.tell(bars, progress.message)
                elif progress.psnr not in (None, judged):
                    judged = progress.psnr
                    terminal.tell(bars, f"step {step}: {words(config.name, progress)}")
        if asked.to_stop and first and step < config.run.steps:
            terminal.tell(bars, f"stopped at step {step}: --resume goes on from there")
    return request.out / f"{config.name}.safetensors"


def speaks() -> bool:
    """Say whether this process tells the user: of those that torchrun started, the first."""
    return os.environ.get("RANK", "0") == "0"


def words(name: str, progress: Progress) -> str:
    """Return what the bar says: loss and PSNR as far as they are known."""
    loss = "" if progress.loss is None else f", loss {progress.loss:.5f}"
    psnr = "" if progress.psnr is None else f", {progress.psnr:.3f} dB"
    return f"{name}{loss}{psnr}"


@contextmanager
def asked_to_stop() -> Iterator[Asked]:
    """Let Ctrl-C and a scheduler's SIGTERM end the step that runs, and nothing in its middle."""
    asked, numbers = Asked(), (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, asked.stop) for number in numbers}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
