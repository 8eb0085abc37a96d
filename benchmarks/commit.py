"""Which commit a measurement was made of; NAPARI_SR_COMMIT names it where there is no git."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def commit() -> str:
    """Return the commit of this tree in short, "unknown" outside a clone or without git."""
    told = os.environ.get("NAPARI_SR_COMMIT")
    if told:
        return told
    git = shutil.which("git")
    if git is None:
        return "unknown"
    command = [git, "describe", "--always", "--dirty"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"
