"""What changed in a recipe while its training lay still."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_sr.training.checkpointing import StateError
from napari_sr.training.recipe import as_table

if TYPE_CHECKING:
    from pathlib import Path

    from napari_sr.training.config import Config

FIXED = ("network", "scale", "scales", "optimiser.kind", "adversary.kind", "adversary.critic")
"""What must not change while a training lies still."""


def changes(config: Config, state: dict[str, Any], out: Path) -> list[str]:
    """Return what is told of keys that changed since a state was saved.

    Raises
    ------
    StateError
        If one of them must not.
    """
    before, after = flat(state["config"]), flat(as_table(config))
    told: list[str] = []
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old == new or (old is None and not key.startswith("adversary")):
            continue  # a recipe of an older version knew less
        if key.startswith(FIXED) or (key == "run.ema" and not (old and new)):
            raise StateError(
                f"{out} holds a training with {key} = {old!r}, got {new!r}: give another folder"
            )
        told.append(f"{key} was {old!r} and is now {new!r}")
    return told


def flat(table: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Return nested tables as one, whose keys have dots."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        found |= (
            flat(value, f"{before}{key}.") if isinstance(value, dict) else {before + key: value}
        )
    return found
