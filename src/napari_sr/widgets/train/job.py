"""One training, as a generator that a worker drives: fetch the network, read, train."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any

from napari_sr.runs.words import is_ours, no_memory, size_in_words
from napari_sr.widgets.common.download import fetch_steps
from napari_sr.widgets.common.first_import import import_trainer
from napari_sr.widgets.train.models import Fresh

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from napari_sr.runs.model_list import Choice
    from napari_sr.training.finetuning.base_model import BaseModel
    from napari_sr.training.finetuning.config import FineTuneConfig, FineTuned, Update
    from napari_sr.widgets.common.source import Source
    from napari_sr.widgets.train.degradation import Shrinking


class TrainError(Exception):
    """A RuntimeError of a training, by another class: napari's workers lose RuntimeErrors."""


@dataclass(frozen=True)
class TrainJob:
    """All that a training needs; nothing in it belongs to the GUI thread."""

    sources: tuple[tuple[Source, Any], ...]
    """Layers, each with the values that count as black and white, as the engine takes them."""
    choice: Choice
    shrinking: Shrinking
    minutes: float
    device: str
    target: Path
    """The file that the network will be."""
    stop: Event = field(default_factory=Event)
    """Set to end it after the step that runs, with the best network so far."""


def run_training(job: TrainJob) -> Generator[Update, None, FineTuned]:
    """Run a job. Closing it ends it, too, and keeps what was the best when last judged.

    Raises
    ------
    TrainError
        In place of any RuntimeError or MemoryError.
    ValueError, DownloadError, FineTuningError
        As `fine_tune` does.
    """
    try:
        return (yield from _run(job))
    except RuntimeError as error:
        raise TrainError(f"the training of {job.choice.label} stopped: {error}") from error
    except MemoryError as error:
        if is_ours(error):
            raise
        why = no_memory(error)
        raise TrainError(f"the training of {job.choice.label} stopped: {why}") from error


def _run(job: TrainJob) -> Generator[Update, None, FineTuned]:
    import_trainer()
    from napari_sr.training.finetuning.config import Update
    from napari_sr.training.finetuning.finetune import fine_tune

    if job.choice.entry is not None:
        for done, total in fetch_steps(job.choice.entry):
            how_far = f"{size_in_words(done)} of {size_in_words(total)}"
            yield Update(f"Downloading: {how_far}", done, total)
    steps = fine_tune(task_of(job), job.stop.is_set)
    try:
        return (yield from steps)
    finally:
        steps.close()


def task_of(job: TrainJob) -> FineTuneConfig:
    """Return the trainer's record of a job; brings torch."""
    from napari_sr.training.config import ComponentSpec
    from napari_sr.training.finetuning.config import FineTuneConfig
    from napari_sr.training.finetuning.split import Image

    return FineTuneConfig(
        images=tuple(Image(one.name, one.data, one.axes, values) for one, values in job.sources),
        base_model=_base_model(job.choice),
        scale=job.choice.scale,
        target=job.target,
        minutes=job.minutes,
        degradation=ComponentSpec(job.shrinking.kind, job.shrinking.options),
        degradation_words=job.shrinking.words,
        device=job.device,
    )


def _base_model(choice: Choice) -> BaseModel:
    from napari_sr.training.finetuning.base_model import BaseModel

    model = choice.model
    if isinstance(model, Fresh):
        return BaseModel(choice.label, recipe=model.recipe)
    reference = choice.reference
    return BaseModel(choice.label, str(reference.name), dict(reference.options))
