"""All published networks as records, read from `networks.json`.

`python tools/list_networks.py` writes this file, so that networks can be listed without torch. It
contains the cost of every network, even of networks without a checkpoint in the registry.
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
    """Size and cost of a network at one scale."""

    scale: int
    """Enlargement."""
    parameters: int
    """Number of trained parameters."""
    multiply_adds: int
    """Multiply-adds for a result of `OUTPUT`, or of the nearest smaller size."""
    radius: int | None
    """Radius of the receptive field in LR pixels; None for the whole image."""


@dataclass(frozen=True)
class Published:
    """One published network, at all its scales."""

    name: str
    """The network's usual name; unique."""
    architecture: str
    """Name of the network's file in `models/`."""
    options: dict[str, Any]
    """The constructor's arguments without the scale, if they differ from the defaults."""
    year: int
    """Year of the first publication."""
    paper: str
    """Address of the paper."""
    channels: int
    """1 for luma networks, 3 for RGB networks."""
    costs: tuple[Cost, ...]
    """The costs at each published scale, the smallest first."""

    @property
    def image(self) -> str:
        """The images that the network takes: "luma", "colour" or "any"."""
        if all(cost.parameters == 0 for cost in self.costs):
            return "any"
        return "luma" if self.channels == 1 else "colour"

    @property
    def licences(self) -> list[str]:
        """Licences of the network's checkpoints in the registry; empty if there are none."""
        return list(dict.fromkeys(entry.licence for entry in entries() if self.has(entry)))

    def has(self, entry: Entry) -> bool:
        """Return whether an entry of the registry is a checkpoint of this network."""
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
    """Return all published networks, the earliest first."""
    return list(_read())
