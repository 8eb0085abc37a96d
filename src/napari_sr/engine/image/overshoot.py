"""How far results go beyond the values of their plane: sharp edges overshoot.

Bicubic interpolation and networks make -42 to 357 of a photograph of 2 to 255. That is how they
work, so it is not clipped; but no such value was ever measured, so it is told.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from napari_sr.engine.image.digits import told_apart

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


def _share(part: int, whole: int) -> str:
    return f"{max(part / max(whole, 1), 1e-4):.2%}"
