"""Tell steady growth from chance: robust lines through numbers that were counted repeatedly."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

WARM = 0.5
"""Share of the counts to leave out at the start, while code and models are loaded."""
SIZES = {
    "heap, MiB": 0.25,
    "resident, MiB": 0.5,
    "Python blocks": 500.0,
    "Python objects": 100.0,
}
"""Sizes that scatter, and the largest growth per count that counts as none."""
STRICT = "napari_sr.", "napari.", "vispy.", "torch.", "threads", "Qt ", "timers"
"""Beginnings of the names of classes and other numbers that must not grow at all."""
LEAST = 0.1
"""Largest growth per count that counts as none, for these numbers."""


@dataclass(frozen=True)
class Trend:
    """Growth of one number in the later counts.

    The growth is the median of the slopes between all pairs of counts (Theil and Sen), except pairs
    on both sides of the largest jump. So one jump is no growth, however high: the program has
    loaded something. Growth at every second count or more often is.
    """

    first: float
    last: float
    slope: float
    """Growth per count."""
    least: float
    """Three quarters of the slopes are at least this."""


def trends(counts: list[dict[str, float]]) -> dict[str, Trend]:
    """Return the trends of all numbers that changed after the start.

    Parameters
    ----------
    counts : list of dict
        What existed at each count, by name; a missing name is 0.
    """
    later = counts[round(len(counts) * WARM) :]
    found = {}
    for name in sorted({name for one in later for name in one}):
        numbers = [one.get(name, 0.0) for one in later]
        if len(set(numbers)) > 1:
            slope, least = np.quantile(slopes(numbers), (0.5, 0.25))
            found[name] = Trend(numbers[0], numbers[-1], float(slope), float(least))
    return found


def slopes(numbers: list[float]) -> list[float]:
    """Return the slopes between all pairs of counts, except those across the largest jump.

    Parameters
    ----------
    numbers : list of float
        At least four counts.
    """
    jump = int(np.abs(np.diff(numbers)).argmax()) + 1
    parts = (list(enumerate(part)) for part in (numbers[:jump], numbers[jump:]))
    pairs = (pair for part in parts for pair in combinations(part, 2))
    return [(later - before) / (j - i) for (i, before), (j, later) in pairs]


def leaks(found: dict[str, Trend], control: dict[str, Trend]) -> list[str]:
    """Return the names of all numbers that grow, and grow faster than without the plugin.

    Parameters
    ----------
    found, control : dict
        Trends by name, with the plugin and without it.
    """
    return [name for name, trend in found.items() if _leaks(name, trend, control.get(name))]


def _leaks(name: str, trend: Trend, control: Trend | None) -> bool:
    if name not in SIZES and not name.startswith(STRICT):
        return False  # objects of Python's own classes count as "Python objects"
    napari = 0.0 if control is None else max(control.slope, 0.0)
    allowed = napari + SIZES.get(name, LEAST)
    return trend.slope > allowed and trend.least > napari
