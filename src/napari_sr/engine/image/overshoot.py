"""How far results go beyond the values of their plane: sharp edges overshoot.

Bicubic interpolation and networks make -42 to 357 of a photograph of 2 to 255. That is how they
work, so it is not clipped; but no such value was ever measured, so it is told.

Letters: H x W pixels, C channels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.digits import told_apart

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_sr.engine.image.arrays import ValueRange

ROUNDING = 1e-5
"""Of black to white: what float32 may be off by is no overshoot."""
TOLD = 1 / 20
"""Of black to white: overshoot that goes no further is recorded, and not told. Bicubic
interpolation of scikit-image's `camera` in floats goes 0.04 further, FSRCNN 0.08."""


@dataclass
class Overshoot:
    """What lies beyond the source's values, in one plane or in all."""

    width: float = 1.0
    """How far white is from black."""
    values: int = 0
    """Colour values of the result, as far as they are written."""
    beyond: int = 0
    """Of these, below the least or above the largest value of their plane."""
    cut: int = 0
    """Of these, cut off at an end of the integer type that their plane does not reach."""
    below: float = 0.0
    """How far below the least value of their plane they go at most."""
    above: float = 0.0
    lowest: float = math.inf
    """Of the result."""
    highest: float = -math.inf

    def merge(self, other: Overshoot) -> None:
        """Add what was found in another plane."""
        self.width = other.width
        self.values += other.values
        self.beyond += other.beyond
        self.cut += other.cut
        self.below = max(self.below, other.below)
        self.above = max(self.above, other.above)
        self.lowest = min(self.lowest, other.lowest)
        self.highest = max(self.highest, other.highest)

    def in_words(self, source: tuple[float, float]) -> str:
        """Return what the user should know, "" where it goes no further than usual.

        Parameters
        ----------
        source : (float, float)
            The least and the largest value of the image.
        """
        if max(self.below, self.above) <= TOLD * self.width:
            return ""
        cut = f", and {self.cut} were cut off at the ends of the type" if self.cut else ""
        dark, bright, lowest, highest = told_apart(*source, self.lowest, self.highest)
        return (
            f"{self.beyond} values of the result ({_share(self.beyond, self.values)}) lie beyond "
            f"those of their plane, up to {self.below:g} below and {self.above:g} above{cut}: the "
            f"image goes from {dark} to {bright}, and the result from {lowest} to {highest}, "
            "as sharp edges overshoot"
        )

    def record(self) -> dict[str, object]:
        """Return the same for the record."""
        return {
            "beyond_source": self.beyond,
            "below_source_by": self.below,
            "above_source_by": self.above,
            "cut_off_at_type": self.cut,
            "result_from_to": (self.lowest, self.highest) if self.lowest < math.inf else None,
        }


class PlaneOvershoot:
    """Looks at the parts of one plane's result.

    Parameters
    ----------
    ends : (float, float)
        The least and the largest colour value of the plane.
    values : ValueRange
        Black and white.
    dtype : data type
        Of the result.
    """

    def __init__(self, ends: tuple[float, float], values: ValueRange, dtype: np.dtype[Any]) -> None:
        self._low, self._high = ends
        self._integer = dtype.kind != "f"
        width = values.high - values.low
        self._slack = 0.0 if self._integer else ROUNDING * width
        self._cut_below, self._cut_above = -math.inf, math.inf
        if self._integer:
            limits = np.iinfo(dtype)
            # half a step further rounds to the end itself
            if self._low > limits.min:
                self._cut_below = (float(limits.min) - 0.5 - values.low) / width
            if self._high < limits.max:
                self._cut_above = (float(limits.max) + 0.5 - values.low) / width
        self._width = width
        self.found = Overshoot(width)

    def begin(self) -> None:
        """Forget what was seen: the plane begins again."""
        self.found = Overshoot(self._width)

    def look(self, encoded: NDArray[np.float32], written: NDArray[Any]) -> None:
        """Look at colours, (H, W, C), in 0..1 and as they are written; NaN does not count."""
        found = self.found
        low = float(np.fmin.reduce(written, axis=None))
        high = float(np.fmax.reduce(written, axis=None))
        found.values += written.size
        found.lowest, found.highest = min(found.lowest, low), max(found.highest, high)
        least, largest = self._low - self._slack, self._high + self._slack
        if low < least or high > largest:
            found.beyond += int(np.count_nonzero((written < least) | (written > largest)))
            found.below = max(found.below, self._low - low)
            found.above = max(found.above, high - self._high)
        if self._integer:
            outside = (encoded < self._cut_below) | (encoded > self._cut_above)
            found.cut += int(np.count_nonzero(outside))


def _share(part: int, whole: int) -> str:
    return f"{max(part / max(whole, 1), 1e-4):.2%}"
