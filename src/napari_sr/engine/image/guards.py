"""Diagnostics of a run: missing pixels, implausible results, values beyond black and white.

A network may return implausible values: for uniform noise, BSRN x2 returns -2080 to 1700 instead of
0 to 1. A float image may have NaN where nothing was measured.

Symbols: H x W pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_sr.engine.image.digits import counted, distinct
from napari_sr.engine.image.overshoot import Overshoot

if TYPE_CHECKING:
    import numpy as np

    from napari_sr.engine.image.plane_values import PlaneValues

OUTLIERS = {"clip": "were clipped", "mark": "were set to NaN", "keep": "were kept"}
"""Choices for implausible results, each with its words for reports."""
MAX_TILES_NAMED = 5
"""Largest number of tiles with outliers that a report names."""


def check_outliers(choice: str, dtype: np.dtype[Any]) -> None:
    """Raise an error for an unknown or impossible choice for outliers.

    Raises
    ------
    ValueError
        If the choice is not in `OUTLIERS`, or is "mark" for integers, which have no NaN.
    """
    if choice not in OUTLIERS:
        raise ValueError(f"outliers must be one of {', '.join(OUTLIERS)}, got {choice!r}")
    if choice == "mark" and dtype.kind != "f":
        raise ValueError(f"outliers='mark' writes NaN, so it needs an image of floats, got {dtype}")


@dataclass
class Diagnostics:
    """Counts of everything unusual in a run, and a report on them."""

    orientations: int = 1
    """8 if the result is the mean of eight results, which are all checked; otherwise 1."""
    declared: bool = False
    """Whether the user gave black and white as numbers. If not, values beyond them are not
    reported: some values always exceed percentiles, and floats without a declared range have their
    own warning."""
    final: bool = True
    """Whether the results are final; otherwise they are yet to be enlarged along Z and rounded."""
    masked: int = 0
    """Number of pixels without a value."""
    recomputed: int = 0
    """Number of tiles that were computed again in float32; number of planes, if they run in
    stages."""
    outliers: int = 0
    """Number of values of the result that are outside the bounds, even in float32."""
    outlier_tiles: list[str] = field(default_factory=list)
    """The first few tiles with outliers."""
    values: int = 0
    """Number of colour values of the image read so far, without fully transparent pixels."""
    beyond: int = 0
    """Number of those `values` that are darker than black or brighter than white."""
    clipped: bool = False
    """Whether such values were kept from the network, because it breaks down beyond black and
    white: see `excess`."""
    lowest: float = math.inf
    highest: float = -math.inf
    """Smallest and largest visible value of the image."""
    outliers_from: float = math.inf
    outliers_to: float = -math.inf
    """Smallest and largest value of the tiles with outliers, before clipping or marking."""
    overshoot: Overshoot = field(default_factory=Overshoot)
    """How far the result exceeds the values of its planes."""

    def add_outliers(self, tile: str, count: int, ends: tuple[float, float]) -> None:
        """Add the outliers of a tile; `ends` are the tile's smallest and largest value."""
        self.outliers += count
        self.outliers_from = min(self.outliers_from, ends[0])
        self.outliers_to = max(self.outliers_to, ends[1])
        if len(self.outlier_tiles) < MAX_TILES_NAMED and tile not in self.outlier_tiles:
            self.outlier_tiles.append(tile)

    def add_plane(
        self, plane: PlaneValues, kept: tuple[slice, slice], *, learned: bool, clipped: bool
    ) -> None:
        """Add the values of a plane.

        Parameters
        ----------
        plane : PlaneValues
            Values of the plane.
        kept : two slices
            Rows and columns whose result is kept.
        learned : bool
            Whether the network has parameters, so that values beyond black and white are unusual.
        clipped : bool
            Whether such values are kept from the network.
        """
        if plane.missing is not None:
            self.masked += int(plane.missing[kept].any(axis=-1).sum())
            if plane.missing.all():
                return
        self.add_ends((plane.lowest, plane.highest))
        if learned:
            self.add_values(plane.visible, plane.beyond)
        self.clipped |= clipped

    def add_ends(self, ends: tuple[float, float]) -> None:
        """Add the smallest and the largest visible value of a plane."""
        self.lowest, self.highest = min(self.lowest, ends[0]), max(self.highest, ends[1])

    def add_values(self, values: int, beyond: int) -> None:
        """Add the number of visible values of a plane, and of those beyond black and white."""
        self.values += values
        self.beyond += beyond

    def merge(self, other: Diagnostics) -> None:
        """Add the counts of another part of the same run."""
        self.masked += other.masked
        self.recomputed += other.recomputed
        self.clipped |= other.clipped
        if other.outliers:
            self.add_outliers("", other.outliers, (other.outliers_from, other.outliers_to))
            named = [*filter(None, self.outlier_tiles), *other.outlier_tiles]
            self.outlier_tiles = named[:MAX_TILES_NAMED]
        self.add_values(other.values, other.beyond)
        self.add_ends((other.lowest, other.highest))
        self.overshoot.merge(other.overshoot)

    def in_words(self, choice: str) -> str:
        """Return a message for the user about unusual values and results, or "" if there are none.

        Parameters
        ----------
        choice : str
            How outliers were treated: a key of `OUTLIERS`.
        """
        overshoot = self.overshoot.in_words((self.lowest, self.highest), final=self.final)
        parts = (self._of_image(), self._of_result(choice), overshoot)
        return "; ".join(part for part in parts if part)

    def _of_image(self) -> str:
        if not (self.declared and self.beyond):
            return ""
        share = self.beyond / self.values
        lowest, highest = distinct(self.lowest, self.highest)
        what = (
            f"{max(share, 1e-4):.2%} of the image's values, which go from {lowest} to "
            f"{highest}, are darker than black or brighter than white; "
        )
        if self.clipped:
            return what + "this network breaks down there, so the excess was interpolated"
        return what + (
            "no network was trained on such values, so it may flatten, dim or distort them"
        )

    def _of_result(self, choice: str) -> str:
        if not self.outliers:
            return ""
        tiles = ", ".join(f"({tile})" for tile in self.outlier_tiles)
        what = "the result" if self.orientations == 1 else "the eight results that were averaged"
        low, high = distinct(self.outliers_from, self.outliers_to)
        told = (
            f"{counted(self.outliers, 'value')} of {what}, from {low} to {high}, were far outside "
            f"the range that the image allows and {OUTLIERS[choice]}, the first in the tiles at "
            f"{tiles}: the network does not suit this image"
        )
        return told.replace(" were ", " was ") if self.outliers == 1 else told

    def record(self) -> dict[str, object]:
        """Return the counts for the record of the result."""
        return {
            "masked_pixels": self.masked,
            "recomputed_in_float32": self.recomputed,
            "outliers": self.outliers,
            "outliers_at": list(self.outlier_tiles),
            "outliers_from_to": (self.outliers_from, self.outliers_to) if self.outliers else None,
            "beyond_black_and_white": self.beyond,
            "beyond_interpolated": self.clipped,
            **self.overshoot.record(final=self.final),
        }
