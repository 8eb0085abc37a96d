"""Figures on how well the spread of each known model ranks true errors.

`benchmarks/quality/uncertainty.py` measures them, and writes them into `spread_figures.json`.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("spread_figures.json")
TOLD = ("Set14", "synthetic fluorescence, 300 photons")
"""Kinds of images in the sentence for users: photographs, and microscopy."""


@lru_cache
def _measured() -> dict[str, dict[str, dict[str, float]]]:
    models: dict[str, Any] = json.loads(FILE.read_text("utf-8"))["models"]
    return models


def spread_figures(model: str) -> dict[str, dict[str, float]]:
    """Return the figures of a known model by kind of images; empty if it was not measured.

    Parameters
    ----------
    model : str
        Its name with the scale, such as "fsrcnn-x2".

    Returns
    -------
    dict
        For each kind of images: "spearman", "ause" and "gain" as in `ranking.Ranking`; the means
        "error" and "spread", as shares of white minus black; the number of "images".
    """
    return _measured().get(model, {})


def ranks_in_words(model: str) -> str:
    """Return a sentence on how well the spread of a model ranks its errors."""
    found = spread_figures(model)
    told = [f"{found[kind]['spearman']:.2f} on {kind}" for kind in TOLD if kind in found]
    if not told:
        return "how well the spread of this model ranks its errors was not measured"
    return (
        f"the spread ranks errors with a Spearman correlation of {' and '.join(told)} "
        "(0 is chance, 1 is perfect)"
    )
