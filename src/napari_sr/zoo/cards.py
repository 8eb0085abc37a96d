"""The model cards of the shipped weights, as a table.

    python -m napari_sr.zoo.cards   # the table in docs/weights.md

Each file contains its card as safetensors metadata: network, training and scores.
"""

from __future__ import annotations

import sys
from typing import Any

from napari_sr.zoo.card import card_of
from napari_sr.zoo.download import SHIPPED
from napari_sr.zoo.registry import Entry, entries

COLUMNS = (
    "file", "parameters", "bytes", "trained on", "recipe", "steps", "trained for", "Set5, dB",
    "Set14, dB", "licence",
)  # fmt: skip


def table() -> str:
    """Return a Markdown table with a row for every file."""
    shipped = [entry for entry in entries() if entry.url is None and not entry.computed]
    rows = [COLUMNS, ("---",) * len(COLUMNS), *map(_row, shipped)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(entry: Entry) -> tuple[str, ...]:
    card = card_of(SHIPPED / entry.file)
    recipe = card.get("recipe")
    synthetic = recipe["data"]["synthetic"] if isinstance(recipe, dict) else 0
    shown = [
        *dict.fromkeys(card["data"]),
        *([f"{synthetic} synthetic images"] if synthetic else []),
    ]
    return (
        f"`{entry.file}`",
        f"{entry.parameters:,}",
        f"{entry.size:,}",
        ", ".join(shown),
        f"`{recipe['name'] if isinstance(recipe, dict) else entry.name}`",
        f"{card['steps']:,}",
        f"{card['seconds'] / 3600:.1f} h, {card['device']}",
        _score(card, "psnr_set5"),
        _score(card, "psnr_set14"),
        str(card["licence"]),
    )


def _score(card: dict[str, Any], key: str) -> str:
    """Return the PSNR on a set, as papers measure it, or else with the degradation of training."""
    usual = card.get(f"{key}_luma")
    if usual is not None:
        return f"{usual:.2f}"
    kind = card["recipe"]["data"]["degradation"]["kind"]
    found, bicubic = card[f"{key}_{kind}"], card[f"{key}_{kind}_bicubic"]
    return f"{found:.2f} ({kind}; bicubic {bicubic:.2f})"


if __name__ == "__main__":
    sys.stdout.write(table())
