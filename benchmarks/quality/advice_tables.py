"""Tables of `advice.py`: how often the advice is right, and whether gains are as large as told."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from advice_fit import GAP, MODELS, Case

from napari_sr.advice.forecast import BELIEVED

if TYPE_CHECKING:
    from collections.abc import Sequence

EDGES = (0, 1, 2, 3, 4, 6, 9, 15)
"""Told gains are grouped between these values in dB."""
FEWEST = 5
"""Fewer told gains in a group show nothing."""
Told = list[tuple[Case, dict[str, float]]]
"""Cases, each with the PSNR of each model as it was forecast, in dB."""


def picked(told: dict[str, float]) -> str:
    """Return the advised model."""
    return max(told, key=told.__getitem__)


def table(found: Told) -> list[str]:
    """Return lines of Markdown, one per kind of image, and one for all."""
    others = " | ".join(f"always {name}, hits (loss)" for name in MODELS)
    lines = [
        f"| images | cases | decided | hits | mean loss, dB | largest, dB | {others} |",
        "|---" * (6 + len(MODELS)) + "|",
    ]
    for kind in (*dict.fromkeys(one.kind for one, _ in found), "all"):
        here = [pair for pair in found if kind in (pair[0].kind, "all")]
        decided = sum(one.decided for one, _ in here)
        losses = [one.loss(picked(told)) for one, told in here]
        shares = [hits(here)]
        for name in MODELS:
            mean = np.mean([one.loss(name) for one, _ in here])
            shares.append(f"{hits(always(name, here))} ({mean:.2f})")
        lines.append(
            f"| {kind} | {len(here)} | {decided} | {shares[0]} | {np.mean(losses):.2f} | "
            f"{max(losses):.1f} | " + " | ".join(shares[1:]) + " |"
        )
    return lines


def always(name: str, found: Told) -> Told:
    """Return cases as if one model was always advised."""
    return [(one, {name: 0.0}) for one, _ in found]


def hits(found: Told) -> str:
    """Return the share of decided cases in which the pick is within `GAP` of the best."""
    told = [one.loss(picked(told)) <= GAP for one, told in found if one.decided]
    return f"{np.mean(told):.0%}" if told else "-"


def summary(found: Told) -> str:
    """Return hits and mean loss in a few words."""
    loss = np.mean([one.loss(picked(told)) for one, told in found])
    decided = sum(one.decided for one, _ in found)
    return f"{hits(found)} hits in {decided} decided cases, mean loss {loss:.2f} dB"


def told_table(groups: dict[str, Told], share: float = BELIEVED) -> list[str]:
    """Return lines of Markdown: gains of the advised model over each other one, told and measured.

    Parameters
    ----------
    groups : dict
        Cases by the heading of their columns.
    share : float
        Share of a forecast gain that is told.
    """
    columns = " | ".join(f"{name}: gains | told | measured | RMS error" for name in groups)
    lines = [f"| told, dB | {columns} |", "|---" * (1 + 4 * len(groups)) + "|"]
    gains = {name: _gains(found, share) for name, found in groups.items()}
    for low, high in itertools.pairwise(EDGES):
        cells = []
        for told, measured in gains.values():
            here = (told >= low) & (told < high)
            if np.count_nonzero(here) < FEWEST:
                cells.append(f"{np.count_nonzero(here)} | - | - | -")
                continue
            error = np.sqrt(np.mean((told[here] - measured[here]) ** 2))
            means = f"{told[here].mean():.1f} | {measured[here].mean():.1f}"
            cells.append(f"{np.count_nonzero(here)} | {means} | {error:.1f}")
        lines.append(f"| {low} to {high} | {' | '.join(cells)} |")
    return lines


def _gains(found: Sequence[tuple[Case, dict[str, float]]], share: float) -> np.ndarray:
    """Return told and measured gains of the advised model over each other one, (2, N)."""
    pairs = []
    for one, told in found:
        best = picked(told)
        pairs += [
            (told[best] - told[name], one.psnr[best] - one.psnr[name])
            for name in told
            if name != best
        ]
    gains = np.array(pairs).T
    return np.stack([share * gains[0], gains[1]])
