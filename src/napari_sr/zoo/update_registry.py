"""Write facts about the shipped weights into the registry: size, SHA-256, score, grey or not.

    python -m napari_sr.zoo.update_registry

Run this and commit the change whenever a file in `weights/` is replaced. The score, and whether the
model was trained on full-range grey, are read from the file's card.
"""

from __future__ import annotations

import hashlib
import json
import sys
from typing import TYPE_CHECKING, Any

from napari_sr.atomic_write import atomic_write
from napari_sr.zoo.card import card_of, trained_on_grey
from napari_sr.zoo.download import SHIPPED
from napari_sr.zoo.registry import REGISTRY

if TYPE_CHECKING:
    from pathlib import Path


def update_registry(registry: Path = REGISTRY, folder: Path = SHIPPED) -> list[str]:
    """Update the registry's entries of the shipped files; return their names."""
    records: list[dict[str, Any]] = json.loads(registry.read_text(encoding="utf-8"))
    shipped = [record for record in records if record["url"] is None and record["parameters"]]
    for record in shipped:
        path = folder / record["file"]
        card = card_of(path)
        score = card.get("psnr_set5_luma")
        record["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        record["size"] = path.stat().st_size
        record["psnr_set5"] = None if score is None else round(score, 2)
        record.pop("grey", None)
        if trained_on_grey(card):
            record["grey"] = True
    with atomic_write(registry) as file:
        file.write(f"{json.dumps(records, indent=1)}\n".encode())
    return [record["name"] for record in shipped]


if __name__ == "__main__":
    sys.stdout.write(f"updated {', '.join(update_registry())}\n")
