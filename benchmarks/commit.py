"""The commit of a measurement; the environment variable NAPARI_SR_COMMIT replaces git."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def commit() -> str:
    """Return the short hash of the current commit; "unknown" outside a clone or without git."""
    named = os.environ.get("NAPARI_SR_COMMIT")
    if named:
        return named
    git = shutil.which("git")
    if git is None:
        return "unknown"
    command = [git, "describe", "--always", "--dirty"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"
