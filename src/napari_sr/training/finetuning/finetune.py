"""Fine-tune a network on images in memory within a time limit, for the form and for scripts.

The file is replaced whenever the network improves on the held-out part. So it always contains the
best network so far, even if training is stopped or fails.
"""

from __future__ import annotations

import math
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_sr.engine.planning.devices import choose_device, free_memory
from napari_sr.runs.run import translate
from napari_sr.training.calibration import add_calibration
from napari_sr.training.checkpointing import export
from napari_sr.training.config import Config, Data
from napari_sr.training.data.out_of_range import beyond
from napari_sr.training.data.training_data import TrainingData, pairs_of
from napari_sr.training.finetuning import sizing
from napari_sr.training.finetuning.base_model import config_of, with_steps
from napari_sr.training.finetuning.config import (
    FineTuneConfig,
    FineTuned,
    FineTuningError,
    Scores,
    Update,
    card_entry,
)
from napari_sr.training.finetuning.pacing import JUDGING, LEAST_JUDGED, Pacer
from napari_sr.training.finetuning.preview import HeldOut, Preview
from napari_sr.training.finetuning.split import Split, hold_out, read
from napari_sr.training.initialisation import prepare
from napari_sr.training.learner import build
from napari_sr.training.session import Session, TrainingError
from napari_sr.training.trainer import train
from napari_sr.zoo import recognition
from napari_sr.zoo.card import card_of
from napari_sr.zoo.checkpoint import read_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari_sr.graph.network import Network

LEAST_SECONDS = 1.0
"""Seconds that validation may always take, however short the training time is."""
NAME = "network"
"""Name of the file that the trainer writes."""
FEW_STEPS = 100
"""With fewer steps, a network hardly changes."""
PAUSE = 0.2
"""Seconds between two updates that show only progress."""


def fine_tune(
    task: FineTuneConfig, stopped: Callable[[], bool] = lambda: False
) -> Generator[Update, None, FineTuned]:
    """Train until the time is over, or until `stopped`, called after every step, returns True.

    Closing the generator also stops training, and keeps the best network so far.

    Raises
    ------
    ValueError
        If an image, the base model, the scale or a setting is wrong, or the target exists.
    napari_sr.zoo.download.DownloadError
        If a known model cannot be downloaded.
    FineTuningError
        If the loss or a gradient became NaN or infinite.
    """
    if task.target.exists():
        raise ValueError(f"the network {task.target} already exists: choose another name")
    layers = yield from _read(task)
    parts = hold_out(layers, task.scale)
    notes: list[str] = []
    for image, pictures in zip(task.images, layers, strict=True):
        yield Update(f"Checking the values of {image.name}")
        notes += filter(None, [beyond(image.name, pictures)])
    # on Windows, a virus scanner may still hold files of the temporary folder
    with tempfile.TemporaryDirectory("", "napari-sr-", ignore_cleanup_errors=True) as folder:
        yield Update("Loading the network …")
        tuning = Tuning(task, parts, Path(folder), tuple(notes))
        return (yield from tuning.run(stopped))


def _read(task: FineTuneConfig) -> Generator[Update, None, Any]:
    def words(planes: tuple[int, int]) -> Update:
        done, total = planes
        return Update(f"Reading the images: plane {done} of {total}", done, total)

    return (yield from translate(read(task.images), words))


class Tuning:
    """One fine-tuning run; see `fine_tune`.

    Parameters
    ----------
    task : FineTuneConfig
        The settings.
    parts : Split
        Training and held-out parts of the images.
    folder : Path
        Folder for temporary files.
    notes : tuple of str
        Notes for the user about the images.
    """

    def __init__(
        self, task: FineTuneConfig, parts: Split, folder: Path, notes: tuple[str, ...] = ()
    ) -> None:
        self.task, self.folder, self.parts, self.notes = task, folder, parts, notes
        self._result = folder / "run" / f"{NAME}.safetensors"
        data = Data(parts.crop, 1, degradation=task.degradation, leave_out_small=True)
        self.config = config_of(task.base_model, task.scale, data, NAME)
        self.device = choose_device(task.device)
        network = build(self.config)
        prepare(network, self.config.start)
        network.eval().to(self.device)
        _, _, found = recognition.recognise(network.state_dict())
        options = self.config.network.options
        self.unseen_options = {k: v for k, v in options.items() if k not in found}
        offered = sizing.sizes(network, parts.crop)
        self.most = offered[0]
        sizes = sizing.affordable(offered, network, free_memory(self.device))
        self.held_out = self._hold_out(network)
        learnt = parts.training_data.learnt
        judged = [parts.training_data.held_out[index] for index in self.held_out.judged]
        self.training_data = TrainingData(learnt, judged)
        self.first = self.held_out.show(network)
        began = time.monotonic()  # not earlier: the network's first run included preparations
        self.scores = Scores(self.held_out.bicubic, self.held_out.judge(network))
        judging = time.monotonic() - began
        session = Session(folder / "timed", task.device, lasting=False)
        self.pacer = Pacer(self.config, learnt, sizes, session, task.minutes, judging)
        self.best = -math.inf
        self.step = 0

    def _hold_out(self, network: Network) -> HeldOut:
        """Return as many validation pairs as the time allows, from parts with structure."""
        seconds = max(60 * self.task.minutes * JUDGING / LEAST_JUDGED, LEAST_SECONDS)
        side, most = sizing.judgeable(network, self.device, seconds)
        while True:
            data = replace(self.config.data, validation_size=side)
            self.config = replace(self.config, data=data)
            of = network.channels, network.multiple, network.takes_noise
            pairs = pairs_of(self.parts.training_data, self.config, *of)
            try:
                return HeldOut(pairs, self.task.scale, most)
            except ValueError:
                if side == sizing.SIDES[-1]:
                    raise
                side, most = sizing.SIDES[-1], 1  # the images may have structure outside the middle

    def run(self, stopped: Callable[[], bool]) -> Generator[Update, None, FineTuned]:
        """Time the steps, choose their size and number, and train."""
        yield Update("Timing the steps …", scores=self.scores, psnr=(0, self.scores.start),
                   preview=self.first)  # fmt: skip
        try:
            counts = yield from self.pacer.counts(stopped)
            yield from self._trained(with_steps(self.pacer.config, *counts), stopped)
        except TrainingError as error:
            raise FineTuningError(self._broken()) from error
        return self._ended(early=stopped())

    def _trained(
        self, config: Config, stopped: Callable[[], bool]
    ) -> Generator[Update, None, None]:
        minutes = self.task.minutes
        session = Session(self.folder / "run", self.task.device, minutes=minutes, lasting=False)
        began = shown = time.monotonic()
        with closing(train(config, self.training_data, session)) as steps:
            for progress in steps:
                now, self.step = time.monotonic(), progress.step
                if progress.message:
                    continue
                left = max(0.0, 60 * minutes - (now - began))
                if progress.seconds_left is not None:
                    left = min(left, max(0.0, progress.seconds_left))
                doing = f"Training: step {self.step} of {progress.total}, "
                doing += f"each of {self.pacer.size.words}"
                update = Update(doing, self.step, progress.total, left)
                if progress.loss is not None and self.step % config.run.report_every == 0:
                    update = replace(update, loss=(self.step, progress.loss))
                if progress.psnr is not None and self._judged(config):
                    update = replace(update, psnr=(self.step, progress.psnr))
                    update = replace(update, preview=self._kept(progress.psnr))
                if update.loss or update.psnr or now - shown > PAUSE:
                    shown = now
                    yield update
                if stopped():
                    break

    def _judged(self, config: Config) -> bool:
        return self.step % config.run.validate_every == 0 or self.step == config.run.steps

    def _loaded(self) -> Network:
        network = build(self.config)
        network.load_state_dict(read_checkpoint(self._result))
        return network.eval().to(self.device)

    def _kept(self, psnr: float) -> Preview | None:
        """Write the network if it is the best so far; return pictures of its results."""
        if psnr <= self.best:
            return None
        self.best = psnr
        self._publish()
        return self.held_out.show(self._loaded())

    def _publish(self) -> None:
        """Write the file of the best network, with its card."""
        task = self.task
        here = card_entry(task, self.scores, self.best, self.notes)
        task.target.parent.mkdir(parents=True, exist_ok=True)
        card = {**card_of(self._result), "options": self.unseen_options, "here": here}
        export(task.target, read_checkpoint(self._result), card)

    def _broken(self) -> str:
        kept = "nothing was kept"
        if self.task.target.exists():
            kept = f"the best network so far is kept as {self.task.target.stem}"
        return (
            f"training diverged by step {self.step}: the loss or a gradient became NaN or "
            f"infinite; {kept}. Check the values of black and white, or start from another network"
        )

    def _ended(self, *, early: bool) -> FineTuned:
        if self.best == -math.inf:  # stopped before the first validation
            self._kept(self.held_out.judge(self._loaded()))
        if self.best == -math.inf:  # the network's output is not finite
            raise FineTuningError(self._broken())
        about = ", ".join(image.name for image in self.task.images)
        add_calibration(self.task.target, self._loaded(), self.held_out.pairs, about)
        notes = list(self.notes)
        if self.step < FEW_STEPS and not early:
            notes.append(
                f"in {self.task.minutes:g} minutes, this device took only {self.step} steps: "
                "a smaller network, more time or a GPU would allow more"
            )
        if self.pacer.size != self.most:
            notes.append(
                f"each step used {self.pacer.size.words}, because {self.most.words} would have "
                "taken too long or too much memory on this device"
            )
        return FineTuned(self.task.target, self.best, self.scores, self.step, tuple(notes))
