"""What a curve of correlation allows to say: a resolution, no common detail, or no figure.

Letters: R rings.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from napari_sr.evaluation._frc import THRESHOLD, smoothed

if TYPE_CHECKING:
    from napari_sr.evaluation._frc import Agreement

CHANCE = 3.6
"""The mean correlation of noise in the m lowest rings is below CHANCE / m: three standard
deviations, with neighbours joined by the window."""
ADDED = "the model adds detail that is repeatable, but not in the source, at periods below"
OPPOSED = -0.1
"""Mean correlation of the outermost rings below which noise is opposed: that of photons with 0.82
times their variance."""
RISES = 0.5
"""Correlation beyond the crossing from which detail counts as present."""


def judged(
    found: Agreement, sampled: float = math.inf, unit: str = "px"
) -> tuple[float | None, str]:
    """Return the resolution, and what limits it or why there is none.

    Parameters
    ----------
    found : Agreement
        The correlation of two images.
    sampled : float
        The highest frequency that the pixels of the source show, if the images are results: what
        they have in common beyond it was added by the model.
    unit : str
        Unit of periods, for the note.

    Returns
    -------
    resolution : float or None
        Infinity if the agreement may be chance; None if the curve has no single crossing.
    note : str
        Why there is no finite resolution, or what to know about it, without a final dot.
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
    """Return whether the noise of two images is opposed, which independent noise never is.

    Halves of photons are, if there is less noise than photons have: by (v - 1) / (v + 1) if the
    variance is v times that of photons.
    """
    rings = np.arange(1, len(found.correlation) + 1)
    last = rings > 0.75 * len(rings)
    return bool(np.average(found.correlation[last], weights=rings[last]) < OPPOSED)
