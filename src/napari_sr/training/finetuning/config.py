"""Settings, progress and result of fine-tuning."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_sr.runs.model import ModelReference
from napari_sr.training.component import ComponentSpec
from napari_sr.zoo.trained import LEAST_TOLD

if TYPE_CHECKING:
    from pathlib import Path

    from napari_sr.engine.image.arrays import ArrayLike
    from napari_sr.training.data.pictures import Declared
    from napari_sr.training.finetuning.preview import NoisyPreview, Preview
    from napari_sr.training.finetuning.self_supervision import SelfSupervision
    from napari_sr.zoo.registry import Entry

WORTH = 0.05
"""Gains below this number of dB are too small to see."""


class FineTuningError(Exception):
    """Fine-tuning failed. It is no RuntimeError, because napari's workers lose RuntimeErrors."""


@dataclass(frozen=True)
class BaseModel:
    """The network to fine-tune: a checkpoint, or the fresh network of a recipe."""

    title: str
    """The name that the user sees."""
    model: ModelReference = field(default_factory=ModelReference)
    """The checkpoint; not used with a recipe."""
    recipe: str = ""
    """Name of a shipped recipe, which defines network, initialisation, losses and optimiser."""

    @property
    def missing(self) -> tuple[Entry, ...]:
        """The registry entries of models that must be downloaded before training.

        Raises
        ------
        ValueError
            If no model has such a name and scale.
        """
        return () if self.recipe else self.model.missing


@dataclass(frozen=True)
class Image:
    """An image to train on: a plane or a stack of planes."""

    name: str
    array: ArrayLike
    axes: str | None = None
    """One letter per axis, as for `of_array`; guessed by default."""
    value_range: Declared = None


@dataclass(frozen=True)
class FineTuneConfig:
    """The network to train, the images to train on, and the time."""

    images: tuple[Image, ...]
    base_model: BaseModel
    scale: int
    target: Path
    """The file to write, which must not exist yet."""
    minutes: float = 5.0
    degradation: ComponentSpec = field(default_factory=lambda: ComponentSpec("bicubic"))
    """The degradation that makes LR images."""
    degradation_words: str = "bicubic"
    """Description of the degradation."""
    device: str = "auto"
    supervision: SelfSupervision | None = None
    """How to learn from noisy images alone; None if the images are sharp. It replaces the
    degradation."""


@dataclass(frozen=True)
class Scores:
    """PSNR on the held-out part, in dB; from noisy images alone, it is estimated."""

    bicubic: float
    start: float
    """Score of the network before its first step."""


@dataclass(frozen=True)
class Update:
    """Progress since the last update. A field that has not changed is None."""

    doing: str
    done: int = 0
    total: int = 0
    """`done` and `total` are in the same unit, such as steps or bytes; `total` is 0 if unknown."""
    seconds_left: float | None = None
    loss: tuple[int, float] | None = None
    """A step, and the mean loss of the steps before it."""
    psnr: tuple[int, float] | None = None
    """A step, and the score after it."""
    scores: Scores | None = None
    preview: Preview | NoisyPreview | None = None
    """Pictures of the best network so far."""
    completing: bool = False
    """Whether the last step was taken: the network is only validated, completed and written. This
    cannot be stopped."""


@dataclass(frozen=True)
class FineTuned:
    """The result of fine-tuning."""

    path: Path
    """The file of the best network."""
    psnr: float
    """PSNR of the best network on the held-out part, in dB."""
    scores: Scores
    steps: int
    notes: tuple[str, ...] = ()
    """Other notes for the user."""
    estimated: bool = False
    """Whether the scores are estimated from noisy images, without a truth."""
    bound: bool = False
    """Whether the score is a lower bound, because noise hides the rest of the gain."""

    @property
    def verdict(self) -> str:
        """A sentence with the scores, and a warning if the network did not improve."""
        gain, before = self.psnr - self.scores.bicubic, self.psnr - self.scores.start
        part = "held-out part (estimated)" if self.estimated else "held-out part"
        if self.bound or (self.estimated and gain < LEAST_TOLD):
            return f"On the {part}: {_at_least(gain, before)}"
        words = f"On the {part}: {self.psnr:.2f} dB, {_apart(gain)} bicubic interpolation "
        words += f"({self.scores.bicubic:.2f} dB) and {_apart(before)} the original network "
        words += f"({self.scores.start:.2f} dB)."
        if gain < WORTH:
            words += "  The network is not better than bicubic interpolation: do not use it."
        elif before < WORTH:
            words += " Training did not help: use the original network."
        return words


def check_target(target: Path) -> None:
    """Check before training that a network can be written.

    Raises
    ------
    ValueError
        If the file exists, or its folder cannot be written; the message says so.
    """
    if target.exists():
        raise ValueError(f"the network {target} already exists: choose another name")
    folder = next(one for one in target.absolute().parents if one.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise ValueError(f"{folder} is no folder that can be written: choose another one")


def diverged(step: int, target: Path) -> FineTuningError:
    """Return the error of a training that diverged by a step; it says what was kept."""
    kept = "nothing was kept"
    if target.exists():
        kept = f"the best network so far is kept as {target.stem}"
    return FineTuningError(
        f"training diverged by step {step}: the loss or a gradient became NaN or infinite; {kept}. "
        "Check the values of black and white, or start from another network"
    )


def _apart(gain: float) -> str:
    return f"{abs(gain):.2f} dB {'above' if gain >= 0 else 'below'}"


def _at_least(gain: float, before: float) -> str:
    """Describe lower bounds of the gains over bicubic interpolation and the original network."""
    if gain <= -LEAST_TOLD:
        words = "not better than bicubic interpolation: do not use it."
    elif gain < LEAST_TOLD:
        words = "no clear difference from bicubic interpolation. Compare both results."
    else:
        words = f"at least {gain:.1f} dB above bicubic interpolation."
    if before < WORTH:
        words += " No trained network was clearly better: the original network was kept, with "
        return words + "its intensities matched to the images."
    return words


def card_entry(
    task: FineTuneConfig, scores: Scores, psnr: float, notes: tuple[str, ...]
) -> dict[str, Any]:
    """Return the entry `here` of a network's card, which `zoo.trained` reads.

    Parameters
    ----------
    task, scores
        Settings of the fine-tuning, and scores before the first step.
    psnr : float
        PSNR of the network on the held-out part, in dB.
    notes : tuple of str
        Notes for the user about the images.
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
