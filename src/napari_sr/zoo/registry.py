"""The known checkpoints as records, read from `registry.json`.

A model's name is its family and its scale: `bsrn-x4`. This module neither imports torch nor uses
the internet.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from napari_sr.zoo.training_facts import UNKNOWN, TrainingFacts, facts_from

REGISTRY = Path(__file__).with_name("registry.json")
DEFAULT = ("fsrcnn", 2)
"""Family and scale of the default model, which ships and is fast."""
OPTICAL = ("microscope",)
"""Families of models that were trained on images blurred by optics and binned by a camera; all
others were trained on images shrunk by bicubic interpolation."""


@dataclass(frozen=True)
class Entry:
    """One known checkpoint."""

    name: str
    """Family and scale, such as "bsrn-x4"; unique."""
    family: str
    """Common name of models that differ in their scale, such as "bsrn"."""
    architecture: str
    """The network's name, which is the name of its file in `models/`."""
    scale: int
    """Enlargement."""
    title: str
    """The model's usual name."""
    summary: str
    """One line for people who choose a model."""
    file: str
    """Name of the file in the cache, in the folder of shipped weights or, for a model without
    weights, in `models/`."""
    url: str | None
    """Address of the download, pinned to a commit; None if it ships with the package."""
    sha256: str
    """SHA-256 of the file; a file with another hash is never used. Empty for a model without
    weights."""
    size: int
    """Size of the file in bytes."""
    licence: str
    """Licence as its authors state it, or "none stated"."""
    trained_on: str
    """Names of the training images, or "not stated"."""
    psnr_set5: float | None
    """Mean PSNR in dB over Set5's luma, measured here; None if not measured."""
    options: dict[str, Any]
    """Keywords of the network's constructor that cannot be inferred from the tensors."""
    parameters: int
    """Number of trained parameters; 0 for interpolation."""
    grey: bool = False
    """Whether the model was trained on full-range grey instead of luma."""
    purpose: str = ""
    """The model's purpose, in a few words that follow the title."""
    training: TrainingFacts = UNKNOWN
    """Facts about the training images, which determine the images that the model suits."""

    @property
    def computed(self) -> bool:
        """Whether the model is a formula without weights, such as bicubic interpolation."""
        return self.parameters == 0


@cache
def _read() -> tuple[Entry, ...]:
    records = json.loads(REGISTRY.read_text(encoding="utf-8"))
    return tuple(map(_entry, records))


def _entry(record: dict[str, Any]) -> Entry:
    training = {"grey": record.get("grey", False), **record.get("training", {})}
    return Entry(**{**record, "training": facts_from(training)})


def entries() -> list[Entry]:
    """Return all known checkpoints, the shipped ones first."""
    return list(_read())


def find(name: str | None, scale: int | None = None) -> Entry:
    """Return the checkpoint with a name, which may include the scale.

    Parameters
    ----------
    name : str or None
        "bsrn-x4", or "bsrn" with `scale` or if there is only one scale. Case, spaces, hyphens and
        underscores do not matter. None for the default model.
    scale : int, optional
        The scale; it must agree with a scale in the name.

    Raises
    ------
    ValueError
        If no model has this name or this scale, or if the scale is ambiguous.
    """
    if name is None:
        family, usual = DEFAULT
        return _at_scale(family, usual if scale is None else scale)
    wanted = _plain(name)
    for entry in entries():
        if _plain(entry.name) == wanted:
            if scale not in (None, entry.scale):
                raise ValueError(f"{entry.name} upscales {entry.scale} times, got scale={scale!r}")
            return entry
    for entry in entries():
        if _plain(entry.family) == wanted:
            return _at_scale(entry.family, scale)
    raise ValueError(_unknown(name))


def matching(name: str | None) -> tuple[Entry, ...]:
    """Return the checkpoints of the family with this name, or the one checkpoint with it.

    Raises
    ------
    ValueError
        If no family and no checkpoint has this name.
    """
    wanted = _plain(DEFAULT[0] if name is None else name)
    alone = tuple(entry for entry in entries() if _plain(entry.name) == wanted)
    found = alone or tuple(entry for entry in entries() if _plain(entry.family) == wanted)
    if not found:
        raise ValueError(_unknown(name or DEFAULT[0]))
    return found


def _at_scale(family: str, scale: int | None) -> Entry:
    members = [entry for entry in entries() if entry.family == family]
    *most, last = (str(entry.scale) for entry in members)
    scales = f"{', '.join(most)} and {last}" if most else last
    if scale is None:
        if len(members) == 1:
            return members[0]
        names = ", ".join(entry.name for entry in members)
        raise ValueError(
            f"the model {family!r} comes with the scales {scales}: give scale=, or one of {names}"
        )
    for entry in members:
        if entry.scale == scale:
            return entry
    raise ValueError(f"the model {family!r} comes with scale {scales}, got scale={scale!r}")


def _plain(name: str) -> str:
    """Return the letters and digits of a name: "BSRN_S x4" becomes "bsrnsx4"."""
    return re.sub(r"[\W_]+", "", name.lower())


def _unknown(name: str) -> str:
    spellings = {_plain(text): text for entry in entries() for text in (entry.name, entry.family)}
    near = [spellings[match] for match in get_close_matches(_plain(name), spellings, cutoff=0.5)]
    known = ", ".join(entry.name for entry in entries())
    question = f"did you mean {' or '.join(near)}? " if near else ""
    return f"no model is called {name!r}; {question}known are {known}"
