"""Calibrated errors: how large errors are at each spread, measured on images with a known truth.

The spread is the standard deviation of a pixel over the results for several views of the image.

Split conformal prediction: Angelopoulos and Bates, "A Gentle Introduction to Conformal Prediction
and Distribution-Free Uncertainty Quantification", 2021, https://arxiv.org/abs/2107.07511. Here, the
pixels of held-out pairs are grouped by their spread, and the quantiles of the errors are computed
for each group (section 4.1). They are corrected for the finite number of pixels: the quantile of n
errors at level p is the smallest error with a rank of at least p (n + 1). Another method with
bounds that grow with the spread: Romano et al., "Conformalized Quantile Regression", NeurIPS 2019,
https://arxiv.org/abs/1905.03222.

The bounds hold on average over images like those of the calibration, not for each image, because
the pixels of one image are similar, and not for other kinds of images.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

LEVELS = (0.5, 0.8, 0.9, 0.95)
"""Probabilities with which errors stay below their bounds."""
GROUPS = 20
"""Largest number of groups of spread."""
LEAST_IN_GROUP = 200
"""Intended number of pixels in a group. Groups with less than half of it are merged with others, so
that the quantile at 0.95 is never the largest error."""
VALUES_AT_ONCE = 2**20
"""Number of values for which bounds are computed at a time, in about 20 bytes each."""


class CalibrationError(ValueError):
    """There is no usable calibration."""


@dataclass(frozen=True)
class Calibration:
    """Error bounds by groups of similar spread; both are shares of white minus black."""

    levels: tuple[float, ...]
    edges: tuple[float, ...]
    """Spreads where the next group begins."""
    bounds: tuple[tuple[float, ...], ...]
    """For each level, the bound of each group."""
    pixels: int
    """Number of pixels of the calibration."""
    images: int
    """Number of its images."""
    about: str = ""
    """Description of the images."""
    limits: str = ""
    """What tests on other images showed: the shares of pixels that were below the bounds."""

    def bound(
        self,
        spread: Any,
        level: float = 0.9,
        width: float = 1.0,
        out: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Return the error bound of each pixel, in the unit of the spread; NaN stays NaN.

        Parameters
        ----------
        spread : array
            Standard deviation over eight views, as `napari_sr.uncertainty` returns it.
        level : float
            One of `levels`.
        width : float
            White minus black of the image, in its values.
        out : array of float32, optional
            Contiguous array for the bounds; it may be `spread` itself, which is then replaced.

        Raises
        ------
        CalibrationError
            If the level is not one of `levels`.
        """
        if level not in self.levels:
            known = ", ".join(f"{one:g}" for one in self.levels)
            raise CalibrationError(f"the calibration has the levels {known}, got {level!r}")
        values = np.asarray(spread, np.float32)
        edges = np.array(self.edges, np.float64) * width
        heights = np.array(self.bounds[self.levels.index(level)], np.float64) * width
        found = np.empty(values.shape, np.float32) if out is None else out
        of_group = heights.astype(np.float32)
        source, target = values.reshape(-1), found.reshape(-1)
        for start in range(0, source.size, VALUES_AT_ONCE):
            part = source[start : start + VALUES_AT_ONCE]
            bounds = of_group[np.searchsorted(edges, part, side="right")]
            target[start : start + VALUES_AT_ONCE] = np.where(np.isnan(part), np.nan, bounds)
        return found

    def in_words(self, level: float = 0.9, value: str = "this value") -> str:
        """Return what the bounds mean; `value` stands for them."""
        return f"error below {value} with {level:.0%} probability {self.where}"

    @property
    def where(self) -> str:
        """The images for which the bounds hold, and how well they held in tests."""
        kind = f" ({self.about})" if self.about else ""
        limits = f"; {self.limits}" if self.limits else ""
        return f"on images like these{kind}{limits}"

    def as_json(self) -> dict[str, Any]:
        """Return the calibration as JSON types, for a card."""
        return asdict(self)


def calibration_of(
    pairs: Sequence[tuple[NDArray[Any], NDArray[Any]]],
    levels: Sequence[float] = LEVELS,
    about: str = "",
) -> Calibration:
    """Compute error bounds from held-out images.

    Parameters
    ----------
    pairs : sequence of (spread, error)
        For each image, two arrays of equal shape, as shares of white minus black. NaN are ignored.
    levels : sequence of float
        Probabilities between 0 and 1.
    about : str
        Description of the images.

    Raises
    ------
    CalibrationError
        If there are fewer than `LEAST_IN_GROUP` finite pixels, or a level is not between 0 and 1.
    """
    if not all(0 < level < 1 for level in levels):
        raise CalibrationError(f"levels must be between 0 and 1, got {tuple(levels)}")
    spreads = [np.ravel(spread).astype(np.float32) for spread, _ in pairs]
    errors = [np.abs(np.ravel(error)).astype(np.float32) for _, error in pairs]
    spread, error = (np.concatenate([np.empty(0, "f4"), *one]) for one in (spreads, errors))
    finite = np.isfinite(spread) & np.isfinite(error)
    spread, error = spread[finite], error[finite]
    if spread.size < LEAST_IN_GROUP:
        raise CalibrationError(
            f"a calibration needs at least {LEAST_IN_GROUP} pixels, got {spread.size}"
        )
    edges = _edges(spread)
    group = np.searchsorted(edges, spread, side="right")
    parts = [np.sort(error[group == number]) for number in range(len(edges) + 1)]
    bounds = [[_quantile(part, level) for part in parts] for level in levels]
    return Calibration(
        tuple(map(float, levels)), tuple(map(float, edges)),
        tuple(map(tuple, bounds)), int(spread.size), len(pairs), about,
    )  # fmt: skip


def _edges(spread: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the spreads that separate groups of about equally many pixels, none too small."""
    count = min(GROUPS, spread.size // LEAST_IN_GROUP)
    shares = np.arange(1, count) / count
    edges = np.unique(np.quantile(spread, shares, method="higher"))
    while edges.size:
        found = np.bincount(np.searchsorted(edges, spread, side="right"), minlength=edges.size + 1)
        if found.min() >= LEAST_IN_GROUP // 2:
            break
        smallest = int(found.argmin())  # merged with the group below; the first with the one above
        edges = np.delete(edges, max(smallest - 1, 0))
    return edges


def _quantile(ordered: NDArray[np.float32], level: float) -> float:
    """Return the conformal quantile of sorted errors; the largest if there are too few."""
    rank = math.ceil(level * (ordered.size + 1))
    return float(ordered[min(rank, ordered.size) - 1])


def width_of(record: Mapping[str, Any]) -> float:
    """Return white minus black of a run, on the image's scale of values."""
    low, high = record["value_range"]
    return float(high) - float(low)
