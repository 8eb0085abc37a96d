"""The table of models: one row for each known model, trained network and imported file.

`napari-sr models` and the form *Models* show the same rows. Nothing here imports torch or Qt.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from napari_sr.runs import model_speed
from napari_sr.runs.card_words import card_in_words
from napari_sr.runs.model_list import IMPORTED, TRAINED, ChosenModel, ListedModel, known_models
from napari_sr.runs.words import has_words, scales_in
from napari_sr.zoo import download, imported
from napari_sr.zoo.networks import Published, published
from napari_sr.zoo.safetensors_file import values_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_sr.runs.model import ModelReference
    from napari_sr.zoo.registry import Entry

NOT_KNOWN, NOT_STATED = "not known", "not stated"
OF_PAPER = "bicubic"
"""Start of the names of interpolations that are from the paper named in
`models/interpolation.py`."""


@dataclass(frozen=True)
class AtScale:
    """A model at one scale."""

    scale: int
    parameters: int | None
    """Number of trained parameters; None if unknown."""
    psnr: float | None
    """Mean PSNR in dB over Set5's luma, measured by us; None if not measured."""
    path: Path | None
    """Its file on this machine; None if it is not downloaded."""
    reference: ModelReference
    """The model that a run loads."""
    entry: Entry | None = None
    """The registry's entry; None for a user's file."""
    speed: model_speed.Speed | None = None
    """The measured speed; None if not measured on this machine."""

    @property
    def can_be_removed(self) -> bool:
        """Whether the file was downloaded into the cache."""
        return (
            self.entry is not None
            and self.entry.url is not None
            and self.path is not None
            and self.path.parent == download.cache_folder()
        )

    @property
    def where(self) -> str:
        """Where the model is stored, in one or two words, or the size of its download."""
        if self.entry is None:
            return "own file"
        if self.entry.url is None:
            return "computed" if self.entry.computed else "shipped"
        if self.path is None:
            return f"to download ({max(self.entry.size / 1e6, 0.1):.1f} MB)"
        return "cached" if self.can_be_removed else "mirror"


@dataclass(frozen=True)
class ModelRow:
    """One model of the table, at all its scales."""

    model: ListedModel
    year: int | None
    """Year of the network's first publication; None if unknown."""
    paper: str
    """Authors, title and address of the paper; "" if unknown."""
    licence: str
    trained_on: str
    scales: tuple[AtScale, ...]
    """The model at each scale, the smallest first; never empty."""
    sha256: str = ""
    """SHA-256 of an imported file; otherwise empty."""

    @property
    def is_imported(self) -> bool:
        """Whether the model is an imported file."""
        return self.model.heading == IMPORTED

    @property
    def is_installed(self) -> bool:
        """Whether the files of all scales are on this machine."""
        return not self.missing

    @property
    def missing(self) -> tuple[Entry, ...]:
        """The registry's entries to download, one for each file."""
        found = (one.entry for one in self.scales if one.path is None and one.entry is not None)
        return tuple({entry.file: entry for entry in found}.values())

    @property
    def removable(self) -> tuple[Path, ...]:
        """The files that may be removed: downloads in the cache, and imported files."""
        if self.is_imported:
            return (Path(self.model.name),)
        found = (one.path for one in self.scales if one.can_be_removed)
        return tuple(dict.fromkeys(path for path in found if path is not None))

    def at(self, scale: int) -> ModelRow | None:
        """Return the row for one scale only, or None if the model does not have this scale."""
        found = tuple(one for one in self.scales if one.scale == scale)
        return replace(self, scales=found) if found else None

    def found(self, words: str) -> ModelRow | None:
        """Return the row with only those scales that match all words, or None if no scale does.

        A scale, such as x4 or 4x, matches only this scale. Any other word matches if it is part of
        a text about the model, in upper or lower case.
        """
        found = tuple(one for one in self.scales if _matches(self._text(one), one.scale, words))
        return replace(self, scales=found) if found else None

    def _text(self, one: AtScale) -> str:
        model = self.model
        facts = (
            model.line, card_in_words(model.card),
            model.heading, model.summary, model.name, model.architecture, self.year,
            self.paper, self.licence, self.trained_on, one.entry and one.entry.name, one.where,
        )  # fmt: skip
        return " ".join(map(str, facts))


def _matches(text: str, scale: int, words: str) -> bool:
    """Return whether the text contains all words, and any scale among the words is this scale."""
    scales, others = scales_in(words)
    return scales <= {scale} and has_words(text, others)


def rows() -> list[ModelRow]:
    """Return all rows, in the order of the form's list of models."""
    about = {str(one.path): one.about for one in imported.files()}
    speeds = model_speed.speeds()
    return [_row(model, about.get(model.name), speeds) for model in known_models()]


def searched(found: Iterable[ModelRow], words: str) -> list[ModelRow]:
    """Return the rows that match all words, each with only those scales that match."""
    return [row for one in found if (row := one.found(words)) is not None]


def _row(
    model: ListedModel,
    about: imported.Description | None,
    speeds: dict[str, model_speed.Speed],
) -> ModelRow:
    network = _network_of(model)
    licence, trained_on = NOT_KNOWN, NOT_KNOWN
    if model.entries:
        licence, trained_on = model.entries[0].licence, model.entries[0].trained_on
    elif model.heading == TRAINED:
        licence, trained_on = "yours", "your images"
    elif model.card is not None:
        licence = model.card.licence or NOT_STATED
        trained_on = model.card.trained_on or NOT_STATED
    return ModelRow(
        model=model,
        year=None if network is None else network.year,
        paper="" if network is None and model.entries else citation(model.architecture),
        licence=licence,
        trained_on=trained_on,
        scales=tuple(_at_scale(model, scale, about, speeds) for scale in model.scales),
        sha256="" if about is None else about.sha256,
    )


def _at_scale(
    model: ListedModel,
    scale: int,
    about: imported.Description | None,
    speeds: dict[str, model_speed.Speed],
) -> AtScale:
    entry, reference = model.entry(scale), ChosenModel(model, scale).reference
    if entry is None:
        path: Path | None = Path(model.name)
        parameters = values_in(Path(model.name)) if about is None else about.parameters
    else:
        path, parameters = download.local_path(entry), entry.parameters
    return AtScale(
        scale=scale,
        parameters=parameters,
        psnr=None if entry is None else entry.psnr_set5,
        path=path,
        reference=reference,
        entry=entry,
        speed=speeds.get(model_speed.key(reference)),
    )


def _network_of(model: ListedModel) -> Published | None:
    """Return the published network of a model, or else one of the same architecture."""
    if model.computed and not model.name.startswith(OF_PAPER):
        return None
    alike = [one for one in published() if one.architecture == model.architecture]
    exact = (one for one in alike for entry in model.entries if one.has(entry))
    return next(exact, next(iter(alike), None))


@cache
def citation(architecture: str) -> str:
    """Return authors, title and address of a network's paper, as its source file names them.

    Parameters
    ----------
    architecture : str
        Name of the network's file in `models/`; for another name, the result is "".
    """
    path = download.NETWORKS / f"{architecture}.py"
    if not path.is_file():
        return ""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    paragraphs = text.split("\n\n")
    return " ".join(paragraphs[1].split()) if len(paragraphs) > 1 else ""
