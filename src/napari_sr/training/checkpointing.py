"""A training's state on the disk: whole or not at all, whatever ends the process."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save

from napari_sr.atomic_write import atomic_write
from napari_sr.zoo.limits import BROKEN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

NAME = "state.pt"
VERSION = 1


class StateError(ValueError):
    """A training's state that cannot be gone on from."""


def write(path: Path, content: bytes | memoryview) -> None:
    """Write a file whole or not at all."""
    with atomic_write(path) as file:
        file.write(content)


def save_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Replace the state in a folder.

    Parameters
    ----------
    folder : Path
        Where `state.pt` is.
    state : mapping
        Tensors, numbers, texts, lists and dicts of these.
    """
    content = io.BytesIO()
    torch.save({"version": VERSION, **state}, content)
    write(folder / NAME, content.getbuffer())


def load_state(folder: Path) -> dict[str, Any] | None:
    """Return the state in a folder, on the CPU, or None where there is none.

    Raises
    ------
    StateError
        If the file is broken, or of another version.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        version = state.get("version")
    except BROKEN as error:
        raise StateError(f"{path} is no state of a training that can be read: {error}") from error
    if version != VERSION:
        raise StateError(f"{path} must be a training's state of version {VERSION}, got {version}")
    return state


def export(path: Path, tensors: Mapping[str, Tensor], card: Mapping[str, Any]) -> None:
    """Write weights as safetensors that `napari_sr.load` opens, with a card about them.

    Parameters
    ----------
    path : Path
        The file.
    tensors : mapping of str to Tensor
        By key; copied to the CPU.
    card : mapping
        What JSON can hold: network, scale, options, and how it was trained.
    """
    plain = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    write(path, save(plain, metadata={"card": json.dumps(card)}))
