"""What fine-tuning is told, what it tells meanwhile, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_sr.runs.model import ModelReference
from napari_sr.training.component import ComponentSpec

if TYPE_CHECKING:
    from pathlib import Path

    from napari_sr.engine.image.arrays import ArrayLike
    from napari_sr.training.data.pictures import Declared
    from napari_sr.training.finetuning.preview import Preview
    from napari_sr.zoo.registry import Entry

WORTH = 0.05
"""A gain in dB below which nobody sees or measures a difference."""


class FineTuningError(Exception):
    """A training that broke down; not a RuntimeError, which napari's workers lose."""


@dataclass(frozen=True)
class BaseModel:
    """What is trained further: a checkpoint, or the fresh network of a recipe."""

    title: str
    """What people call it."""
    model: ModelReference = field(default_factory=ModelReference)
    """The checkpoint; nothing counts of it where there is a recipe."""
    recipe: str = ""
    """Name of a shipped recipe, whose network, start, losses and optimiser are taken."""

    @property
    def missing(self) -> tuple[Entry, ...]:
        """What must be downloaded before a training.

        Raises
        ------
        ValueError
            If no model has such a name and scale.
        """
        return () if self.recipe else self.model.missing


@dataclass(frozen=True)
class Image:
    """A layer, say: planes along any axes."""

    name: str
    array: ArrayLike
    axes: str | None = None
    """One letter per axis, as for `of_array`; guessed by default."""
    value_range: Declared = None


@dataclass(frozen=True)
class FineTuneConfig:
    """What to make of what, for how long."""

    images: tuple[Image, ...]
    base_model: BaseModel
    scale: int
    target: Path
    """Where the network is kept: a file that does not exist."""
    minutes: float = 5.0
    degradation: ComponentSpec = field(default_factory=lambda: ComponentSpec("bicubic"))
    """The degradation that makes LR images."""
    degradation_words: str = "bicubic"
    """The same in words."""
    device: str = "auto"


@dataclass(frozen=True)
class Scores:
    """PSNR on what is held out, in dB."""

    bicubic: float
    start: float
    """Of the network before its first step."""


@dataclass(frozen=True)
class Update:
    """What has happened since the last; what is None has not."""

    doing: str
    done: int = 0
    total: int = 0
    """0 where it is not known."""
    seconds_left: float | None = None
    loss: tuple[int, float] | None = None
    """A step, and the mean loss of those before."""
    psnr: tuple[int, float] | None = None
    """A step, and the network's score after it."""
    scores: Scores | None = None
    preview: Preview | None = None
    """Of the best network so far."""


@dataclass(frozen=True)
class FineTuned:
    """What came of it."""

    path: Path
    psnr: float
    """Of the network that is kept, on what was held out."""
    scores: Scores
    steps: int
    notes: tuple[str, ...] = ()
    """What else the user should know, in words."""

    @property
    def verdict(self) -> str:
        """How good it is, in a sentence that promises nothing."""
        gain, before = self.psnr - self.scores.bicubic, self.psnr - self.scores.start
        told = f"On the held-out part: {self.psnr:.2f} dB, {_apart(gain)} bicubic interpolation "
        told += f"({self.scores.bicubic:.2f} dB) and {_apart(before)} the network at first "
        told += f"({self.scores.start:.2f} dB)."
        if gain < WORTH:
            told += " That is not better than bicubic interpolation: do not use it instead."
        elif before < WORTH:
            told += " The training did not help: use the network that it started from."
        return told


def _apart(gain: float) -> str:
    return f"{abs(gain):.2f} dB {'above' if gain >= 0 else 'below'}"


def card_entry(
    task: FineTuneConfig, scores: Scores, psnr: float, notes: tuple[str, ...]
) -> dict[str, Any]:
    """Return the entry `here` of a result's card, which `zoo.trained` reads.

    Parameters
    ----------
    task, scores
        The fine-tuning, and the scores before its first step.
    psnr : float
        The result's score on the held-out part, in dB.
    notes : tuple of str
        What the user should know of the images.
    """
    return {
        "base_model": task.base_model.title,
        "images": [image.name for image in task.images],
        "degradation": task.degradation_words,
        "notes": list(notes),
        "psnr": psnr,
        "bicubic": scores.bicubic,
        "start": scores.start,
    }
