"""The files of a training run: its state for resuming, and the trained network with its card.

A card is the metadata of a checkpoint: network, scale, options, training data and scores. Files are
written atomically. On resume, the recipe is compared with the saved state, because some settings
must not change.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save

from napari_sr.atomic_write import atomic_write
from napari_sr.engine.image.digits import counted
from napari_sr.training.recipe import as_table
from napari_sr.zoo.limits import BROKEN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from napari_sr.training.config import Config

NAME = "state.pt"
VERSION = 1


class StateError(ValueError):
    """Training cannot be resumed from a saved state."""


def write(path: Path, content: bytes | memoryview) -> None:
    """Write a file; if that fails, leave no partial file."""
    with atomic_write(path) as file:
        file.write(content)


def save_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Write the state to a folder, and replace an older one.

    Parameters
    ----------
    folder : Path
        Folder of `state.pt`.
    state : mapping
        Tensors, numbers and strings, which may be in lists and dicts.
    """
    content = io.BytesIO()
    torch.save({"version": VERSION, **state}, content)
    write(folder / NAME, content.getbuffer())


def load_state(folder: Path) -> dict[str, Any] | None:
    """Return the state in a folder, on the CPU; None if there is no state.

    Raises
    ------
    StateError
        If the file is broken or has another version.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        version = state.get("version")
    except BROKEN as error:
        raise StateError(f"{path} is not a readable training state: {error}") from error
    if version != VERSION:
        raise StateError(f"{path} must be a training state of version {VERSION}, got {version}")
    return state


def export(path: Path, tensors: Mapping[str, Tensor], card: Mapping[str, Any]) -> None:
    """Write weights and their card to a safetensors file, which `napari_sr.load` can open.

    Parameters
    ----------
    path : Path
        The file.
    tensors : mapping of str to Tensor
        The weights by key; they are copied to the CPU.
    card : mapping
        Network, scale, options and training, as JSON types.
    """
    plain = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    write(path, save(plain, metadata={"card": json.dumps(card)}))


@dataclass(frozen=True)
class Reached:
    """Progress of training when the network was written."""

    step: int
    seconds: float
    psnr: float | None
    """PSNR on held-out images, in dB; None if there are none."""
    device: str
    """Description of the device and the number of processes."""


def training_card(config: Config, reached: Reached) -> dict[str, Any]:
    """Return the card of a trained network, as JSON types.

    Parameters
    ----------
    config : Config
        Settings of the training run.
    reached : Reached
        Progress when the network was written.
    """
    return {
        "network": config.network.kind,
        "scale": config.scale,
        "options": config.network.options,
        "data": list(config.data.folders),
        "recipe": as_table(config),
        "steps": reached.step,
        "of": config.run.steps,
        "seconds": round(reached.seconds),
        "device": reached.device,
        "torch": torch.__version__,
        "psnr_validation": reached.psnr,
    }


def device_words(device: torch.device, processes: int) -> str:
    """Describe the device and the number of processes."""
    if device.type == "cuda":
        return f"{processes} x {torch.cuda.get_device_name(device)}"
    each = f"{device.type}, {counted(torch.get_num_threads(), 'thread')}"
    return each if processes == 1 else f"{processes} x {each}"


FIXED = ("network", "scale", "scales", "optimiser.kind", "adversary.kind", "adversary.critic")
"""Settings that must not change on resume."""


def resume_check(config: Config, state: dict[str, Any], out: Path) -> list[str]:
    """Return a sentence about each setting that changed since the state was saved.

    Raises
    ------
    StateError
        If one of `FIXED` changed.
    """
    before, after = flat(state["config"]), flat(as_table(config))
    messages: list[str] = []
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old == new or (old is None and not key.startswith("adversary")):
            continue  # recipes of older versions lack some keys
        if key.startswith(FIXED) or (key == "run.ema" and not (old and new)):
            raise StateError(
                f"{out} has a training run with {key} = {old!r}, got {new!r}: give another folder"
            )
        messages.append(f"{key} was {old!r} and is now {new!r}")
    return messages


def flat(table: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Flatten nested tables to one table with dotted keys."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        found |= (
            flat(value, f"{before}{key}.") if isinstance(value, dict) else {before + key: value}
        )
    return found
