"""What was published of every network, as data: `networks.json`, read into records.

Written by `python -m napari_sr.zoo.survey`, so that a list takes no torch. Says what every network
costs, whether or not the registry has a checkpoint of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from napari_sr.zoo.registry import Entry, entries

NETWORKS = Path(__file__).with_name("networks.json")
OUTPUT = (1280, 720)
"""Width and height of the result for which multiply-adds are counted, as papers do."""


@dataclass(frozen=True)
class Cost:
    """What a network is and takes at one scale."""

    scale: int
    """How many times larger the result is."""
    parameters: int
    """How many numbers are trained."""
    multiply_adds: int
    """For a result of `OUTPUT`, or what comes nearest below it."""
    radius: int | None
    """How far the result looks, in pixels of the image; None where at all of it."""


@dataclass(frozen=True)
class Published:
    """One network that was published, at all its scales."""

    name: str
    """As the field writes it; unique."""
    architecture: str
    """Its file's name in `models/`."""
    options: dict[str, Any]
    """Of the constructor, but the scale, where they differ from what it assumes."""
    year: int
    """Of the first publication."""
    paper: str
    """Where to read about it."""
    channels: int
    """1 for networks of luma, 3 for those of colour."""
    costs: tuple[Cost, ...]
    """At each scale that was published, the smallest first."""

    @property
    def image(self) -> str:
        """What it computes: "luma", "colour", or "any" where it does not matter."""
        if all(cost.parameters == 0 for cost in self.costs):
            return "any"
        return "luma" if self.channels == 1 else "colour"

    @property
    def licences(self) -> list[str]:
        """Of the checkpoints that the registry has of it; empty where it has none."""
        return list(dict.fromkeys(entry.licence for entry in entries() if self.has(entry)))

    def has(self, entry: Entry) -> bool:
        """Return whether an entry of the registry is a checkpoint of it."""
        sizes = {(cost.scale, cost.parameters) for cost in self.costs}
        return (
            entry.architecture == self.architecture
            and (entry.scale, entry.parameters) in sizes
            and all(self.options.get(key, value) == value for key, value in entry.options.items())
        )


@cache
def _read() -> tuple[Published, ...]:
    records = json.loads(NETWORKS.read_text(encoding="utf-8"))
    return tuple(
        Published(**{**record, "costs": tuple(Cost(**cost) for cost in record["costs"])})
        for record in records
    )


def published() -> list[Published]:
    """Return all that was published, the earliest first."""
    return list(_read())
