"""What a run must report: missing pixels, implausible results, values beyond black and white.

A network may return values far outside what its input allows: BSRN x2 answers uniform noise with
-2080 to 1700, where 0 to 1 is meant. And a float image may have NaN where nothing was measured.

Letters: H x W pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_sr.engine.image.digits import told_apart
from napari_sr.engine.image.overshoot import Overshoot

if TYPE_CHECKING:
    import numpy as np

OUTLIERS = {"clip": "were clipped", "mark": "are NaN now", "keep": "were kept"}
"""What may become of impossible results, and how that is told."""
MOST_PLACES = 5
"""How many places are named."""


def check_outliers(wanted: str, dtype: np.dtype[Any]) -> None:
    """Refuse what cannot be done with outliers.

    Raises
    ------
    ValueError
        If there is no such word, or integers are to be marked: they have no NaN.
    """
    if wanted not in OUTLIERS:
        raise ValueError(f"outliers must be one of {', '.join(OUTLIERS)}, got {wanted!r}")
    if wanted == "mark" and dtype.kind != "f":
        raise ValueError(f"outliers='mark' needs an image of floats, which have NaN; got {dtype}")


@dataclass
class Diagnostics:
    """What the guards met in one run."""

    views: int = 1
    """1, or 8 where as many results were judged, each by itself, and then averaged."""
    declared: bool = False
    """Whether the user gave the values of black and white; percentiles leave some beyond, and
    for floats without either there is a warning of its own."""
    masked: int = 0
    """Pixels without a value."""
    recomputed: int = 0
    """Tiles, or planes in stages, computed again in float32."""
    outliers: int = 0
    """Values of the result outside the bounds, in float32 too."""
    places: list[str] = field(default_factory=list)
    """Tiles with outliers: the first few."""
    values: int = 0
    """Of the image, without alpha and what is fully transparent, as far as it was read."""
    beyond: int = 0
    """Of these, darker than black or brighter than white."""
    lowest: float = math.inf
    highest: float = -math.inf
    """Of the image."""
    outliers_from: float = math.inf
    outliers_to: float = -math.inf
    """The least and the largest value of a tile with outliers, before they were dealt with."""
    overshoot: Overshoot = field(default_factory=Overshoot)
    """What of the result lies beyond the values of its plane."""

    def note(self, where: str, count: int, ends: tuple[float, float]) -> None:
        """Remember outliers in a tile, whose least and largest value are given."""
        self.outliers += count
        self.outliers_from = min(self.outliers_from, ends[0])
        self.outliers_to = max(self.outliers_to, ends[1])
        if len(self.places) < MOST_PLACES and where not in self.places:
            self.places.append(where)

    def meet(self, ends: tuple[float, float]) -> None:
        """Remember the least and the largest visible value of a plane."""
        self.lowest, self.highest = min(self.lowest, ends[0]), max(self.highest, ends[1])

    def count(self, values: int, beyond: int) -> None:
        """Add the visible values of a plane, and how many lie beyond black and white."""
        self.values += values
        self.beyond += beyond

    def in_words(self, wanted: str) -> str:
        """Return what the user should know of values and results, "" where all is well."""
        overshoot = self.overshoot.in_words((self.lowest, self.highest))
        parts = (self._of_image(), self._of_result(wanted), overshoot)
        return "; ".join(part for part in parts if part)

    def _of_image(self) -> str:
        if not (self.declared and self.beyond):
            return ""
        share = self.beyond / self.values
        lowest, highest = told_apart(self.lowest, self.highest)
        return (
            f"{max(share, 1e-4):.2%} of the image's values, which go from {lowest} to "
            f"{highest}, are darker than black or brighter than white, where no network "
            "was trained: it may flatten, dim or distort them"
        )

    def _of_result(self, wanted: str) -> str:
        if not self.outliers:
            return ""
        places = ", ".join(f"({place})" for place in self.places)
        what = "the result" if self.views == 1 else "the eight results that were averaged"
        low, high = told_apart(self.outliers_from, self.outliers_to)
        return (
            f"{self.outliers} values of {what} lay far outside what the image allows, from "
            f"{low} to {high}, and {OUTLIERS[wanted]}, the first in "
            f"the tiles at {places}: the network does not suit this image"
        )

    def record(self) -> dict[str, object]:
        """Return the same for the record."""
        return {
            "masked_pixels": self.masked,
            "recomputed_in_float32": self.recomputed,
            "outliers": self.outliers,
            "outliers_at": list(self.places),
            "outliers_from_to": (self.outliers_from, self.outliers_to) if self.outliers else None,
            "beyond_black_and_white": self.beyond,
            **self.overshoot.record(),
        }
