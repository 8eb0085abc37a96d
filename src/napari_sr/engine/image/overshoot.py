"""Measure overshoot: how far results exceed the values of their plane, near sharp edges.

For a photograph with values from 2 to 255, bicubic interpolation and networks return -42 to 357.
This is normal, so overshoot is not clipped. It is reported, because such values were never
measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from napari_sr.engine.image.digits import counted, distinct

ROUNDING = 1e-5
"""Largest excess that counts as a rounding error, not as overshoot, as a share of the range from
black to white."""
REPORTED_ABOVE = 1 / 20
"""Largest overshoot that is recorded but not reported, as a share of the range from black to white.
Bicubic interpolation of scikit-image's `camera` in floats overshoots by 0.04, FSRCNN by 0.08."""


@dataclass
class Overshoot:
    """How far the result exceeds the source's values, in one plane or in all."""

    width: float = 1.0
    """Difference between white and black."""
    values: int = 0
    """Number of colour values of the result written so far."""
    beyond: int = 0
    """Number of those `values` that are below the smallest or above the largest value of their
    plane."""
    cut: int = 0
    """Number of those `values` that were clipped to an end of the integer type, although their
    plane does not reach this end."""
    below: float = 0.0
    above: float = 0.0
    """Largest distance below the smallest value, and above the largest value, of the plane."""
    lowest: float = math.inf
    highest: float = -math.inf
    """Smallest and largest value of the result."""

    def add_written(self, values: int, lowest: float, highest: float) -> None:
        """Add the number of values of a part of the result, and its smallest and largest value."""
        self.values += values
        self.lowest, self.highest = min(self.lowest, lowest), max(self.highest, highest)

    def merge(self, other: Overshoot) -> None:
        """Add the overshoot of another plane."""
        self.width = other.width
        self.values += other.values
        self.beyond += other.beyond
        self.cut += other.cut
        self.below = max(self.below, other.below)
        self.above = max(self.above, other.above)
        self.lowest = min(self.lowest, other.lowest)
        self.highest = max(self.highest, other.highest)

    def in_words(self, source: tuple[float, float], *, final: bool = True) -> str:
        """Return a message for the user, or "" if there is little overshoot.

        Parameters
        ----------
        source : (float, float)
            The smallest and the largest value of the image.
        final : bool
            Whether the values are those of the result; otherwise it is yet to be enlarged along Z.
        """
        if max(self.below, self.above) <= REPORTED_ABOVE * self.width:
            return ""
        were = "was" if self.cut == 1 else "were"
        cut = f", and {self.cut} {were} cut off at the ends of the type" if self.cut else ""
        dark, bright, lowest, highest = distinct(*source, self.lowest, self.highest)
        when = "" if final else ", before it is enlarged along Z and rounded,"
        return (
            f"{counted(self.beyond, 'value')} of the result ({_share(self.beyond, self.values)}) "
            f"{'is' if self.beyond == 1 else 'are'} outside the range of their plane, up to "
            f"{self.below:g} below and {self.above:g} above{cut}: the image goes from {dark} to "
            f"{bright}, and the result{when} from {lowest} to {highest}, because sharp edges "
            "overshoot"
        )

    def record(self, *, final: bool = True) -> dict[str, object]:
        """Return the counts for the record of the result; `final` as for `in_words`."""
        before = {} if final else {"counted_before": "enlarging Z, and rounding"}
        return before | {
            "beyond_source": self.beyond,
            "below_source_by": self.below,
            "above_source_by": self.above,
            "cut_off_at_type": self.cut if final else None,
            "result_from_to": (self.lowest, self.highest) if self.lowest < math.inf else None,
        }


def _share(part: int, whole: int) -> str:
    return f"{max(part / max(whole, 1), 1e-4):.2%}"
