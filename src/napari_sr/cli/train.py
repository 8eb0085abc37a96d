"""The command `napari-sr train`: run a recipe, show its progress, stop on a signal."""

from __future__ import annotations

import math
import os
import signal
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_sr.cli import terminal
from napari_sr.files.place import check_folder
from napari_sr.runs.run import drive
from napari_sr.training import recipe

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path
    from types import FrameType

    from rich.progress import Progress as Bars

    from napari_sr.training.config import Config
    from napari_sr.training.data.training_data import TrainingData
    from napari_sr.training.session import Progress


@dataclass(frozen=True)
class Request:
    """The recipe to train and the images to train on."""

    recipe: str
    """A file, or the name of a shipped recipe."""
    data: Path
    """The folder that contains the recipe's folders of images."""
    out: Path
    device: str = "auto"
    resume: bool = False
    minutes: float | None = None
    """Time limit; None for no limit."""
    steps: int | None = None
    """Total number of steps; None for the recipe's number."""


class Asked:
    """Remembers whether the user has asked to stop."""

    def __init__(self) -> None:
        self.number: int | None = None
        """Number of the signal that asked to stop, or None."""

    @property
    def to_stop(self) -> bool:
        """Whether a signal arrived."""
        return self.number is not None

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Remember the signal; the second one raises KeyboardInterrupt at once."""
        del frame
        if self.number is not None:
            signal.signal(number, terminal.do_nothing)
            raise KeyboardInterrupt
        self.number = number


def run(request: Request) -> Path:
    """Train until the last step, the time limit or a signal; return the result's file.

    Raises
    ------
    ValueError, OSError, napari_sr.training.session.TrainingError
        For the reasons that `train` lists.
    napari_sr.cli.terminal.Stopped
        If a signal ended the training before the last step; the user has been told.
    """
    from napari_sr.training.data.training_data import of_folders
    from napari_sr.training.session import Session
    from napari_sr.training.trainer import train

    config = recipe.read(request.recipe)
    if request.steps is not None:
        config = replace(config, run=replace(config.run, steps=request.steps))
    check_folder(request.out)
    limit = math.inf if request.minutes is None else request.minutes
    with terminal.bars() as bars, terminal.warnings_as_lines(bars):
        training_data = of_folders(config.data, request.data)
        _tell_beyond(training_data, request, bars)
        _tell_faint(training_data, config, bars)
        _tell_noise(training_data, config, bars)
        with asked_to_stop() as asked:
            session = Session(
                request.out, request.device, request.resume, limit, stopped=lambda: asked.to_stop
            )
            try:
                step = _follow(train(config, training_data, session), config, bars)
                told = f"stopped at step {step}: --resume continues from there"
            except KeyboardInterrupt:  # asked twice
                step, told = (
                    0,
                    "stopped at once: --resume continues from the last saved state",
                )
        if asked.number is not None and step < config.run.steps:
            if speaks():
                terminal.tell(bars, told)
            raise terminal.Stopped(asked.number)
    return request.out / f"{config.name}.safetensors"


def _tell_beyond(training_data: TrainingData, request: Request, bars: Bars) -> None:
    """Tell the user about values beyond black and white, which training does not clip."""
    from napari_sr.training.data.out_of_range import beyond

    pictures = [*training_data.learnt, *training_data.held_out]
    note = beyond(f"the images in {request.data}", pictures) if speaks() else ""
    if note:
        terminal.tell(bars, note)


def _tell_faint(training_data: TrainingData, config: Config, bars: Bars) -> None:
    """Tell the user if noisy images span too little of the range from black to white."""
    from napari_sr.training.finetuning.sources import faint
    from napari_sr.training.measurement import measurement_of

    if not speaks() or config.data.value_range is not None or measurement_of(config) is None:
        return
    pictures = [*training_data.learnt, *training_data.held_out]
    notes = [note for one in pictures if (note := faint(one.name, [one]))]
    if notes:
        terminal.tell(
            bars,
            f"{notes[0]}, as value_range under [data] in the recipe ({len(notes)} of "
            f"{len(pictures)} planes)",
        )


def _tell_noise(training_data: TrainingData, config: Config, bars: Bars) -> None:
    """Tell the user if noisy images are nearly clean, or do not show the recipe's noise.

    Raises
    ------
    ValueError
        If an image cannot have this noise.
    """
    from napari_sr.training.data.from_source import FromSource
    from napari_sr.training.data.noise_model import LEAST_SIDE
    from napari_sr.training.data.training_data import degradation_of
    from napari_sr.training.finetuning.given_noise import check_given, unlike
    from napari_sr.training.finetuning.sources import PLANES, clean

    degradation = degradation_of(config.data)
    if not speaks() or not isinstance(degradation, FromSource):
        return
    large = [one for one in training_data.learnt if min(one.height, one.width) >= LEAST_SIDE]
    for picture in large[:: -(-len(large) // PLANES) or 1]:
        notes = [clean(picture.name, [picture])]
        if degradation.noise.given:
            check_given(picture, degradation.noise)
            notes.append(unlike(picture.name, [picture], degradation.noise))
        for note in filter(None, notes):
            terminal.tell(bars, note)


def _follow(training: Generator[Progress, None, Path], config: Config, bars: Bars) -> int:
    """Run the training to its end, with its progress in a bar; return the last step."""
    bar = bars.add_task(config.name, total=config.run.steps)
    step, judged, first = 0, None, speaks()

    def show(progress: Progress) -> None:
        nonlocal step, judged
        step = progress.step
        bars.update(bar, completed=step, description=words(config.name, progress))
        if progress.message and first:
            terminal.tell(bars, progress.message)
        elif progress.psnr not in (None, judged):
            judged = progress.psnr
            terminal.tell(bars, f"step {step}: {words(config.name, progress)}")

    drive(training, show)
    return step


def speaks() -> bool:
    """Return whether this process writes messages; under torchrun, only the first one does."""
    return os.environ.get("RANK", "0") == "0"


def words(name: str, progress: Progress) -> str:
    """Return the bar's text: the name, then loss and PSNR once they are known."""
    loss = "" if progress.loss is None else f", loss {progress.loss:.5f}"
    psnr = "" if progress.psnr is None else f", {progress.psnr:.3f} dB"
    return f"{name}{loss}{psnr}"


@contextmanager
def asked_to_stop() -> Iterator[Asked]:
    """Context: Ctrl-C and a scheduler's SIGTERM stop the training after the current step."""
    asked, numbers = Asked(), (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, asked.stop) for number in numbers}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            # asked once, the process is ending: what it still has to say is not cut short
            signal.signal(number, handler if asked.number is None else terminal.do_nothing)
