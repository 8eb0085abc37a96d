"""Where the real checkpoints, images and reference outputs are, and how to list them."""

from __future__ import annotations

import json
from pathlib import Path

SHARED = Path(__file__).parents[2] / "shared"


def cases(*prefixes: str) -> list[str]:
    """Return the names of the reference cases that begin with one of the prefixes."""
    folder = SHARED / "cases"
    if not folder.is_dir():
        return []
    return sorted(path.stem for path in folder.glob("*.npz") if path.stem.startswith(prefixes))


def case_record(name: str) -> dict[str, object]:
    """Return a case's entry in the manifest."""
    manifest = json.loads((SHARED / "cases" / "MANIFEST.json").read_text())
    return next(entry for entry in manifest if entry["case"] == f"{name}.npz")
