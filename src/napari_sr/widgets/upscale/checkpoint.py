"""Asks for a checkpoint file, and says what it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFileDialog

from napari_sr.runs.model_list import Model, inspect_checkpoint

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

FILE_FILTER = "Checkpoints (*.pth *.pt *.ckpt *.safetensors *.npz *.mat);;All files (*)"
ABOUT_FILES = (
    "Open a checkpoint file: .pth, .pt, .safetensors, .npz or .mat.\n"
    "Which network it is, is read off its tensors; code in it is never run."
)


def ask_for_checkpoint(parent: QWidget) -> Path | None:
    """Let the user choose a file; return None where that was cancelled."""
    name, _ = QFileDialog.getOpenFileName(parent, "Open a checkpoint", filter=FILE_FILTER)
    return Path(name) if name else None


def inspected(path: Path) -> Model | str:
    """Return the model of a file, or why there is none. Slow: not for the GUI thread."""
    try:
        return inspect_checkpoint(path)
    except (ValueError, OSError) as error:
        return f"Cannot use {path.name}: {error}"
