"""Initialise the weights of a network before training."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from napari_sr.zoo import recognition

if TYPE_CHECKING:
    from napari_sr.graph.network import Network
    from napari_sr.training.config import Initialisation

SHOWN = 6
"""Largest number of uninitialised tensors that a message names."""


def prepare(network: Network, start: Initialisation) -> str:
    """Initialise a new network's weights as a recipe says; return a message for the user.

    Raises
    ------
    ValueError
        If the checkpoint is missing, belongs to another network, or has no tensor of equal name
        and shape; or if this network cannot start as an interpolation.
    napari_sr.zoo.download.DownloadError
        If a known model cannot be downloaded.
    """
    if start.kind == "interpolation":
        interpolate = getattr(network, "start_as_interpolation", None)
        if interpolate is None:
            raise ValueError(
                f"start.kind 'interpolation' is for FSRCNN, got {type(network).__name__}"
            )
        interpolate()
        return "the network starts as an interpolation"
    if start.kind == "checkpoint":
        return _warm(network, start.checkpoint)
    return ""


def _warm(network: Network, name: str) -> str:
    from napari_sr.zoo.checkpoint import read_checkpoint

    path = Path(os.path.expanduser(name))
    record, state, _ = recognition.recognise(
        read_checkpoint(path if path.is_file() else _known(name))
    )
    if record.network is not type(network):
        raise ValueError(
            f"start.checkpoint needs a checkpoint of {type(network).__name__}, got {name}, "
            f"which is a checkpoint of {record.title}"
        )
    own = network.state_dict()
    if network.channels == 1:
        state = record.in_grey(state, network.inputs)
    fits = {
        key: value
        for key, value in state.items()
        if key in own
        and own[key].shape == value.shape
        and own[key].is_floating_point() == value.is_floating_point()
    }
    if not fits:
        raise ValueError(
            "start.checkpoint needs tensors with the network's names and shapes, got "
            f"{name}, where none of the {len(state)} tensors fits"
        )
    network.load_state_dict({**own, **fits})
    fresh = [key for key in own if key not in fits]
    more = f", {len(fresh) - SHOWN} more" if len(fresh) > SHOWN else ""
    rest = f"; newly initialised: {', '.join(fresh[:SHOWN])}{more}" if fresh else ""
    return f"copied {len(fits)} of {len(own)} tensors from {name}{rest}"


def _known(name: str) -> Path:
    from napari_sr.zoo.download import fetch
    from napari_sr.zoo.registry import find

    try:
        return fetch(find(name))
    except ValueError as error:
        raise ValueError(
            f"start.checkpoint must be a file or a known model's name, got {name!r}: {error}"
        ) from error
