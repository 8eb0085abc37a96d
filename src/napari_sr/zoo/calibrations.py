"""Calibrations of the networks that ship: error bounds by spread, by the SHA-256 of the weights.

They are in a file of their own, not in the cards inside the weights' files, because a changed card
would change the SHA-256 by which records of earlier runs name the weights.
`benchmarks/quality/shipped_calibration.py` measures them. This module does not import torch.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_sr.atomic_write import atomic_write

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = Path(__file__).with_name("calibrations.json")


@cache
def _read() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(FILE.read_text("utf-8"))
    return found


def shipped_calibration(sha256: str) -> dict[str, Any] | None:
    """Return the calibration of shipped weights as in a card; None for other weights.

    Parameters
    ----------
    sha256 : str
        SHA-256 of the file of the weights.
    """
    return _read().get(sha256)


def write(found: Mapping[str, Mapping[str, Any]], file: Path = FILE) -> None:
    """Write calibrations, a line for each entry of a calibration.

    Parameters
    ----------
    found : mapping
        Calibrations as JSON, by the SHA-256 of the weights.
    file : Path
        The file to replace.
    """
    models = []
    for sha256, calibration in found.items():
        entries = (f"  {json.dumps(key)}: {json.dumps(one)}" for key, one in calibration.items())
        models.append(f' "{sha256}": {{\n' + ",\n".join(entries) + "\n }")
    with atomic_write(file) as target:
        target.write(("{\n" + ",\n".join(models) + "\n}\n").encode())
    _read.cache_clear()
