"""The card of a result: what it is, and how it came about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from napari_sr.training.recipe import as_table

if TYPE_CHECKING:
    from napari_sr.training.config import Config


@dataclass(frozen=True)
class Reached:
    """How far a training was when its result was written."""

    step: int
    seconds: float
    psnr: float | None
    """On images that were held out, in dB; None where there were none."""
    device: str
    """In words."""


def card(config: Config, reached: Reached) -> dict[str, Any]:
    """Return what is written into the file of a result, as JSON can hold it.

    Parameters
    ----------
    config : Config
        The training.
    reached : Reached
        How far it was.
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


def words(device: torch.device, processes: int) -> str:
    """Return what computed, in words."""
    if device.type == "cuda":
        return f"{processes} x {torch.cuda.get_device_name(device)}"
    count = torch.get_num_threads()
    each = f"{device.type}, {count} thread{'s' if count > 1 else ''}"
    return each if processes == 1 else f"{processes} x {each}"
