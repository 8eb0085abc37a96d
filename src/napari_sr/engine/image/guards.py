"""What must not pass silently: pixels without a value, and results that no input explains.

A network may return values far outside what its input allows: BSRN x2 answers uniform noise with
-2080 to 1700, where 0 to 1 is meant. And a float image may have NaN where nothing was measured.

Letters: H x W pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_sr.engine.image.digits import told_apart
from napari_sr.engine.image.overshoot import Overshoot

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

OUTLIERS = {"clip": "were clipped", "mark": "are NaN now", "keep": "were kept"}
"""What may become of impossible results, and how that is told."""
LEAST_ROOM = 0.25
"""How far results may always lie outside the values of their plane, where 1 is black to white:
sharp edges overshoot, and a constant plane has no range of its own."""
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


@dataclass(frozen=True)
class Bounds:
    """Plausible output range of one plane."""

    low: float
    high: float

    @classmethod
    def of(cls, values: NDArray[Any]) -> Bounds:
        """Return the bounds for a plane whose encoded values, 0..1, are finite."""
        low, high = float(values.min()), float(values.max())
        room = max(high - low, LEAST_ROOM)
        return cls(low - room, high + room)

    def outside(self, result: Tensor) -> Tensor:
        """Return where a result lies outside, NaN and infinity included."""
        return ~((result >= self.low) & (result <= self.high))

    def corrected(self, result: Tensor, wanted: str) -> Tensor:
        """Return a result whose outliers are clipped, marked as NaN, or kept."""
        if wanted == "keep":
            return result
        if wanted == "clip":
            return result.clamp(self.low, self.high)
        return torch.where(self.outside(result), torch.nan, result)


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

    def look(
        self, colours: NDArray[Any], ends: tuple[float, float], black: float, white: float
    ) -> None:
        """Count what lies beyond black and white in a plane's visible colours, without gaps.

        Its least and its largest value are given, as others need them, too.
        """
        low, high = ends
        self.meet(ends)
        self.values += colours.size
        if low < black or high > white:
            self.beyond += int(np.count_nonzero((colours < black) | (colours > white)))

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


def fill_missing(pixels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Give pixels without a value that of a neighbour.

    Parameters
    ----------
    pixels : array, (H, W, C)
        Of floats or integers.

    Returns
    -------
    filled : array, (H, W, C)
        NaN replaced by the nearest value of its row, then of its column; zeros where the plane
        has no value at all. The array itself where nothing is missing.
    missing : array of bool, (H, W, C), or None
        Where it was; None where nothing is missing.
    """
    if pixels.dtype.kind != "f" or not np.isnan(pixels).any():
        return pixels, None
    missing = np.isnan(pixels)
    filled = _along(_along(pixels, 1), 0)
    return np.nan_to_num(filled, nan=0.0), missing


def _along(pixels: NDArray[Any], axis: int) -> NDArray[Any]:
    """Replace NaN by the nearest value along an axis, where there is one."""
    size = pixels.shape[axis]
    shape = [1, 1, 1]
    shape[axis] = size
    place = np.arange(size).reshape(shape)
    known = ~np.isnan(pixels)
    before = np.maximum.accumulate(np.where(known, place, -1), axis=axis)
    after = np.flip(
        np.minimum.accumulate(np.flip(np.where(known, place, size), axis), axis=axis), axis
    )
    far = 4 * size
    to_before = np.where(before >= 0, place - before, far)
    to_after = np.where(after < size, after - place, far)
    nearest = np.where(to_before <= to_after, before, after)
    return np.take_along_axis(pixels, np.clip(nearest, 0, size - 1), axis=axis)
