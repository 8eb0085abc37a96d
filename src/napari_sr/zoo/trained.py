"""The user's trained networks: files with cards in a folder.

The environment variable `NAPARI_SR_NETWORKS` can name another folder. This module does not import
torch.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_sr.zoo.card import (
    card_of,
    number_in,
    options_in,
    scale_in,
    text_in,
    trained_on_grey,
)
from napari_sr.zoo.training_facts import UNKNOWN, TrainingFacts, facts_in

VARIABLE = "NAPARI_SR_NETWORKS"
SUFFIX = ".safetensors"
_FORBIDDEN = re.compile(r'[\\/:*?"<>|\x00-\x1f]')
"""Characters that file names must not contain on some systems."""

NOISY_ALONE = "noisy images alone"
"""Start of `Trained.degradation` if there were no sharp images that were degraded."""
LEAST_TOLD = 1.0
"""A lower bound of a gain in dB below this is not told."""


@dataclass(frozen=True)
class Trained:
    """A trained network, as its card describes it."""

    path: Path
    architecture: str
    """Name of the network, as in `models.names`."""
    scale: int
    options: dict[str, Any] = field(default_factory=dict)
    """Keywords of the network's constructor that cannot be inferred from its tensors."""
    base_model: str = ""
    """Name of the network that training started from."""
    images: tuple[str, ...] = ()
    """Names of the training images."""
    degradation: str = ""
    """Description of the degradation that made the LR images."""
    psnr: float | None = None
    """PSNR on the held-out part of these images, in dB."""
    bicubic: float | None = None
    """PSNR of bicubic interpolation on the same part, in dB."""
    bound: bool = False
    """Whether `psnr` is a lower bound, estimated from noisy images."""
    grey: bool = False
    """Whether the network was trained on full-range grey instead of luma."""
    training: TrainingFacts = UNKNOWN
    """Facts about the training images, which determine the images that the network suits."""

    @property
    def name(self) -> str:
        """The user's name for the network."""
        return self.path.stem

    @property
    def summary(self) -> str:
        """A description with its scores, for people who choose a model."""
        shown = ", ".join(self.images[:3])
        more = f" and {len(self.images) - 3} more" if len(self.images) > 3 else ""
        from_noisy = self.degradation.startswith(NOISY_ALONE)
        learnt = self.degradation if from_noisy else f"degradation: {self.degradation}"
        words = f"Trained here on {shown}{more}, from {self.base_model} ({learnt})."
        return f"{words}{self._scores()} Good for images like these only."

    def _scores(self) -> str:
        """Return a sentence about the scores, or "" if there are none, or none is certain."""
        if self.psnr is None or self.bicubic is None:
            return ""
        gain = self.psnr - self.bicubic
        if self.bound:
            least = f" On their held-out part, at least {gain:.1f} dB above bicubic interpolation."
            return least if gain >= LEAST_TOLD else ""
        than = "" if gain > 0 else ": not better than bicubic interpolation there"
        words = f" On their held-out part: {self.psnr:.2f} dB, bicubic {self.bicubic:.2f} dB"
        return f"{words}{than}."


def folder() -> Path:
    """Return the folder of the user's networks; it may not exist yet."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(os.path.expanduser(chosen))
    import platformdirs

    return Path(platformdirs.user_data_dir("napari-sr", appauthor=False)) / "networks"


def place(name: str) -> Path:
    """Return the file for a network's name; it may not exist.

    Raises
    ------
    ValueError
        If a file cannot have this name.
    """
    name = name.strip()
    wrong = _FORBIDDEN.search(name)
    if not name or name.startswith(".") or wrong or len(name) > 100:
        raise ValueError(
            "a network's name needs 1 to 100 characters, none of \\ / : * ? \" < > | and no dot "
            f"at its beginning, got {name!r}"
        )
    return folder() / (name + SUFFIX)


def plain_name(wanted: str) -> str:
    """Return a name without the characters that file names must not contain on some systems."""
    return _FORBIDDEN.sub("_", wanted).strip().lstrip(".")[:80] or "network"


def free_name(wanted: str) -> str:
    """Return the name, or a similar one that is not used yet."""
    plain = plain_name(wanted)
    name, count = plain, 1
    while place(name).exists():
        count += 1
        name = f"{plain} ({count})"
    return name


def networks() -> list[Trained]:
    """Return the networks in the folder by name; files without a card are left out."""
    try:
        paths = sorted(folder().glob(f"*{SUFFIX}"), key=lambda path: path.stem.lower())
    except OSError:  # unreadable
        return []
    found = (_read(path) for path in paths)
    return [one for one in found if one is not None]


def is_listed(path: Path) -> bool:
    """Return whether a file in the folder is listed: its card must be from training in napari."""
    return path.suffix == SUFFIX and _read(path) is not None


def _read(path: Path) -> Trained | None:
    card = card_of(path)
    here = card.get("here")
    try:
        scale = scale_in(card)
        if not isinstance(here, dict) or scale is None:
            return None
        images = here["images"] if isinstance(here["images"], list) else [None]
        return Trained(
            path,
            architecture=text_in(card, "network"),
            scale=scale,
            options=options_in(card),
            base_model=text_in(here, "base_model"),
            images=tuple(text_in({"image": image}, "image") for image in images),
            degradation=text_in(here, "degradation"),
            psnr=number_in(here, "psnr"),
            bicubic=number_in(here, "bicubic"),
            bound=here.get("bound") is True,
            grey=trained_on_grey(card) is True,
            training=facts_in(card),
        )
    except (KeyError, ValueError, OverflowError):
        return None
