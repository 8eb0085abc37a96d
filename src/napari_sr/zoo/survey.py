"""Count the cost of every published network, and write it to `networks.json`.

`tools/list_networks.py` runs it. Networks are built on PyTorch's "meta" device: nothing is
computed, only counted.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import torch

from napari_sr import models
from napari_sr.atomic_write import atomic_write
from napari_sr.graph.cost import multiply_adds, parameters
from napari_sr.zoo.networks import NETWORKS, OUTPUT

if TYPE_CHECKING:
    from pathlib import Path

    from napari_sr.graph.network import Architecture, Variant


def cost(record: Architecture, form: Variant, scale: int) -> tuple[dict[str, Any], int]:
    """Return a network's cost at one scale, with the fields of `Cost`, and the network's channels.

    The result has the size `OUTPUT`, or the next smaller size that is divisible by the scale and
    the network's `multiple`.
    """
    with torch.device("meta"):
        network = record.network(scale=scale, **form.options).eval()
    width, height = (side // scale // network.multiple * network.multiple for side in OUTPUT)
    found = {
        "scale": scale,
        "parameters": parameters(network),
        "multiply_adds": multiply_adds(network, height, width),
        "radius": network.receptive_field,
    }
    return found, network.channels


def survey() -> list[dict[str, Any]]:
    """Return a record with the fields of `Published` for each published variant, earliest first."""
    found = []
    for name in models.names():
        record = models.architecture(name)
        for form in record.forms:
            costs = [cost(record, form, scale) for scale in form.scales]
            found.append(
                {
                    "name": form.name,
                    "architecture": name,
                    "options": form.options,
                    "year": record.year,
                    "paper": record.paper,
                    "channels": costs[0][1],
                    "costs": [one for one, _ in costs],
                }
            )
    return sorted(found, key=lambda one: int(one["year"]))


def write(path: Path = NETWORKS) -> list[str]:
    """Write the survey; return the names of the networks in it."""
    records = survey()
    lines = ",\n".join(" " + json.dumps(record) for record in records)
    with atomic_write(path) as file:
        file.write(f"[\n{lines}\n]\n".encode())
    return [record["name"] for record in records]
