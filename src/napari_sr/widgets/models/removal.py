"""Ask the user before files of models are removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.widgets.common import question as questions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from qtpy.QtWidgets import QMessageBox, QWidget

MOST_NAMED = 6
"""Largest number of files that the dialog lists by name."""


def question(files: Sequence[Path], parent: QWidget | None = None) -> QMessageBox:
    """Return the dialog that lists files and asks whether to remove them."""
    named = [str(path) for path in files[:MOST_NAMED]]
    if len(files) > MOST_NAMED:
        named.append(f"and {len(files) - MOST_NAMED} more")
    what = "this file" if len(files) == 1 else f"these {len(files)} files"
    can = "Downloaded models can be downloaded again; imported files are copies."
    more = "\n".join((*named, "", can))
    return questions.question("Remove models", f"Delete {what}?", more, "Delete", parent)


def may_remove(files: Sequence[Path], parent: QWidget | None = None) -> bool:
    """Ask whether to remove files; return whether the user agreed."""
    return questions.agreed(question(files, parent))
