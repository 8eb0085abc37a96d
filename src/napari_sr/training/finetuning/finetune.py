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
from napari_sr.training.checkpointing import Reached, device_words, export, training_card
from napari_sr.training.config import Config, Data
from napari_sr.training.data.out_of_range import beyond
from napari_sr.training.finetuning import sizing
from napari_sr.training.finetuning.base_model import config_of, of_noisy, with_steps
from napari_sr.training.finetuning.config import (
    FineTuneConfig,
    FineTuned,
    Scores,
    Update,
    card_entry,
    check_target,
    diverged,
)
from napari_sr.training.finetuning.held_out import held_out_of
from napari_sr.training.finetuning.noisy import NoisyHeldOut, complete, prepared
from napari_sr.training.finetuning.pacing import Pacer
from napari_sr.training.finetuning.preview import HeldOut
from napari_sr.training.finetuning.split import Split, read
from napari_sr.training.initialisation import prepare
from napari_sr.training.learner import build
from napari_sr.training.session import Session, TrainingError
from napari_sr.training.trainer import train
from napari_sr.training.validation import WORST
from napari_sr.zoo import recognition
from napari_sr.zoo.card import card_of
from napari_sr.zoo.checkpoint import read_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari_sr.graph.network import Network
    from napari_sr.training.finetuning.preview import NoisyPreview, Preview

NAME = "network"
"""Name of the file that the trainer writes."""
PATIENCE = 10
"""Validations without gain that end noisy training in its second half, if a network was kept."""
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
    check_target(task.target)
    layers = yield from _read(task)
    task, parts, notes = prepared(task, layers)
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
        self.task, self.folder, self.notes = task, folder, notes
        self._result = folder / "run" / f"{NAME}.safetensors"
        self._start = folder / "start.safetensors"
        data = Data(parts.crop, 1, degradation=task.degradation, leave_out_small=True)
        self.config = config_of(task.base_model, task.scale, data, NAME)
        if task.supervision is not None:
            self.config = of_noisy(self.config, task.supervision)
        self.device = choose_device(task.device)
        network = build(self.config)
        prepare(network, self.config.start)
        network.eval().to(self.device)
        _, _, found = recognition.recognise(network.state_dict())
        options = self.config.network.options
        self.unseen_options = {k: v for k, v in options.items() if k not in found}
        ladder = sizing.LADDER if task.supervision is None else sizing.NOISY_LADDER
        offered = sizing.sizes(network, parts.crop, ladder)
        sizes = sizing.affordable(offered, network, free_memory(self.device))
        self.config, self.training_data, self.held_out = held_out_of(
            task, self.config, parts.training_data, network, self.device
        )
        self.first = self.held_out.show(network)
        began = time.monotonic()  # not earlier: the network's first run included preparations
        start = self.held_out.judgement(network)
        self.least = WORST if task.supervision is None else start.least
        self.scores = Scores(self.held_out.bicubic, start.psnr)
        judging = time.monotonic() - began
        session = Session(folder / "timed", task.device, lasting=False)
        self.pacer = Pacer(
            self.config, self.training_data, sizes, session, task.minutes, judging, offered[0]
        )
        self.best = -math.inf
        self.step = 0
        self.stale = 0
        """Validations since the best one."""
        if task.supervision is not None:
            self._keep_start(network)

    def _keep_start(self, network: Network) -> None:
        """Let the network before its first step be the best so far."""
        self.best = self.scores.start
        reached = Reached(0, 0.0, self.best, device_words(self.device, 1))
        export(self._start, network.state_dict(), training_card(self.config, reached))

    def run(self, stopped: Callable[[], bool]) -> Generator[Update, None, FineTuned]:
        """Time the steps, choose their size and number, and train."""
        yield Update("Timing the steps …", scores=self.scores, psnr=(0, self.scores.start),
                   preview=self.first)  # fmt: skip
        try:
            counts = yield from self.pacer.counts(stopped)
            yield from self._trained(with_steps(self.pacer.config, *counts), stopped)
        except TrainingError as error:
            raise diverged(self.step, self.task.target) from error
        return (yield from self._ended(early=stopped()))

    def _trained(
        self, config: Config, stopped: Callable[[], bool]
    ) -> Generator[Update, None, None]:
        minutes, device, out = self.task.minutes, self.task.device, self.folder / "run"
        session = Session(out, device, minutes=minutes, lasting=False, least=self.least)
        began = shown = time.monotonic()
        with closing(train(config, self.training_data, session)) as steps:
            for progress in steps:
                now, self.step = time.monotonic(), progress.step
                if progress.message:
                    continue
                left = max(0.0, 60 * minutes - (now - began))
                if progress.seconds_left is not None:
                    left = min(left, max(0.0, progress.seconds_left))
                judges = config.run.validates_after(self.step + 1)
                doing = f"Training: step {self.step} of {progress.total}"
                if judges:  # a validation takes longer than a step
                    doing += ", the next one with validation"
                doing += f", each of {self.pacer.size.words}"
                update = Update(doing, self.step, progress.total, left)
                if progress.loss is not None and self.step % config.run.report_every == 0:
                    update = replace(update, loss=(self.step, progress.loss))
                if progress.psnr is not None and config.run.validates_after(self.step):
                    preview = self._kept(progress.psnr, better=progress.better)
                    update = replace(update, psnr=(self.step, progress.psnr), preview=preview)
                    if 2 * self.step <= config.run.steps:
                        self.stale = 0  # many gains come only with a lower learning rate
                if judges or update.loss or update.psnr or now - shown > PAUSE:
                    shown = now
                    yield update
                if stopped() or (self.stale >= PATIENCE and self.task.target.exists()):
                    break

    def _loaded(self, path: Path | None = None) -> Network:
        network = build(self.config)
        network.load_state_dict(read_checkpoint(path or self._result))
        return network.eval().to(self.device)

    def _kept(self, psnr: float, *, better: bool) -> Preview | NoisyPreview | None:
        """Write the network if it is the best so far; return pictures of its results."""
        if not better:
            # only noisy images can be learnt by heart in minutes
            self.stale += self.task.supervision is not None
            return None
        self.best, self.stale = psnr, 0
        self._publish(self._result)
        return self.held_out.show(self._loaded())

    def _publish(self, best: Path) -> None:
        """Write the user's file of the best network, with its card."""
        here = card_entry(self.task, self.scores, self.best, self.notes)
        card = {**card_of(best), "options": self.unseen_options, "here": here}
        self.task.target.parent.mkdir(parents=True, exist_ok=True)
        export(self.task.target, read_checkpoint(best), card)

    def _ended(self, *, early: bool) -> Generator[Update, None, FineTuned]:
        path, noisy = self.task.target, self.task.supervision is not None
        if not path.exists():  # stopped before the first validation
            yield Update("Validating the network …", completing=True)
            found = self.held_out.judgement(self._loaded())
            self._kept(found.psnr, better=found.exceeds(self.least))
        if self.best == -math.inf:  # the network's output is not finite
            raise diverged(self.step, path)
        if not path.exists():  # no step made the network better
            self._publish(self._start)
        bound = False
        if isinstance(self.held_out, NoisyHeldOut):
            yield Update("Matching the intensity of results to the images …", completing=True)
            network = self._loaded(path)
            bound = complete(path, network, self.held_out, self.training_data, self.config)
        if isinstance(self.held_out, HeldOut):
            yield Update("Measuring errors for the spread (calibration) …", completing=True)
            about = ", ".join(image.name for image in self.task.images)
            add_calibration(path, self._loaded(), self.held_out.pairs, about)
        notes = *self.notes, *self.pacer.notes(self.step, early=early)
        return FineTuned(path, self.best, self.scores, self.step, notes, noisy, bound)
