"""Write the size, the sha256 and the score of the weights that ship into the registry.

    python -m napari_sr.zoo.seal

To be run, and its change committed, whenever a file in `weights/` is replaced. The score is
what training measured, read from the file's card.
"""

from __future__ import annotations

import hashlib
import json
import struct
import sys
from typing import TYPE_CHECKING, Any

from napari_sr.zoo.download import SHIPPED
from napari_sr.zoo.registry import REGISTRY

if TYPE_CHECKING:
    from pathlib import Path


def card(path: Path) -> dict[str, Any]:
    """Return what training wrote into a safetensors file about itself; {} where it did not."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    found: dict[str, Any] = json.loads(header.get("__metadata__", {}).get("card", "{}"))
    return found


def seal(registry: Path = REGISTRY, folder: Path = SHIPPED) -> list[str]:
    """Rewrite the registry's entries of files that ship; return their names."""
    records: list[dict[str, Any]] = json.loads(registry.read_text(encoding="utf-8"))
    shipped = [record for record in records if record["url"] is None and record["parameters"]]
    for record in shipped:
        path = folder / record["file"]
        score = card(path).get("psnr_set5_luma")
        record["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        record["size"] = path.stat().st_size
        record["psnr_set5"] = None if score is None else round(score, 2)
    registry.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    return [record["name"] for record in shipped]


if __name__ == "__main__":
    sys.stdout.write(f"sealed {', '.join(seal())}\n")
