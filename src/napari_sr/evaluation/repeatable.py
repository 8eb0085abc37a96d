"""Interpret a correlation curve: a resolution, no common detail, or no figure.

Symbols: R rings.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from napari_sr.evaluation._frc import THRESHOLD, smoothed

if TYPE_CHECKING:
    from napari_sr.evaluation._frc import Agreement

CHANCE = 3.6
"""The mean correlation of noise in the m lowest rings is below CHANCE / m. This is three standard
deviations; it includes that the window correlates neighbouring coefficients."""
ADDED = "the model adds detail that is repeatable, but not in the source, at periods below"
OPPOSED = -0.1
"""Noise counts as anticorrelated if the mean correlation of the outermost rings is below this. The
halves of split photons have this correlation if their variance is 0.82 times that of photons."""
RISES = 0.5
"""Beyond the crossing, detail counts as present if the correlation exceeds this again."""


def judged(
    found: Agreement, sampled: float = math.inf, unit: str = "px"
) -> tuple[float | None, str]:
    """Return the resolution, and a note on what limits it or why there is none.

    Parameters
    ----------
    found : Agreement
        The correlation of two images.
    sampled : float
        If the images are results: the highest frequency that the pixels of the source can show. The
        model added any common detail beyond it.
    unit : str
        Unit of periods, for the note.

    Returns
    -------
    resolution : float or None
        Infinity if the agreement may be chance; None if the curve has no single crossing.
    note : str
        Why there is no finite resolution, or what limits it, without a full stop.
    """
    smooth = smoothed(found.correlation)
    below = np.flatnonzero(smooth < THRESHOLD)
    if not below.size:
        finest = 1 / found.frequencies[-1]
        return None, (
            f"agreement at every frequency: detail is finer than {finest:.3g} {unit}, the "
            "finest that these pixels show, or the noise of both is not independent"
        )
    at = int(below[0])
    rings = np.arange(1, len(smooth) + 1)
    later = np.flatnonzero(smooth > np.maximum(RISES, 4 * CHANCE / np.sqrt(18 * rings)))
    shown = later[(later > at) & (found.frequencies[later] <= sampled)]
    if shown.size:
        period = 1 / found.frequencies[shown[-1]]
        return None, (
            f"the curve falls and rises again at a period of {period:.3g} {unit}: a repeating "
            "pattern of the sample, the camera or the model, for which one figure would be wrong"
        )
    mean = np.average(found.correlation[:at], weights=rings[:at]) if at else 0.0
    if not at or mean < CHANCE / at:
        return math.inf, "no agreement beyond chance"
    if math.isnan(found.resolution):
        return None, "detail is too fine for the correction to be valid"
    added = (later.size and later[-1] > at) or 1 / found.resolution > sampled
    return found.resolution, f"{ADDED} {1 / sampled:.3g} {unit}" if added else ""


def is_opposed(found: Agreement) -> bool:
    """Return whether the noise of two images is anticorrelated, which independent noise never is.

    Halves of photons are anticorrelated if the image has less noise than photons cause. If the
    variance is v times that of photons, the correlation is (v - 1) / (v + 1).
    """
    rings = np.arange(1, len(found.correlation) + 1)
    last = rings > 0.75 * len(rings)
    return bool(np.average(found.correlation[last], weights=rings[last]) < OPPOSED)
