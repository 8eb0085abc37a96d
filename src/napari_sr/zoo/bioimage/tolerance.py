"""How far results may differ from the test result of a package, as its author says.

Without a word of the author, the usual values of the format count.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST_RELATIVE = 1e-2
LARGEST_ABSOLUTE = 1e-2
"""Largest absolute difference, as a share of the range of the test result."""
LARGEST_SHARE = 1e-3
USUAL = 1e-3, 1e-3, 100.0


@dataclass(frozen=True)
class Tolerance:
    """A value differs if the difference is above `absolute + relative * |value|`."""

    absolute: float = USUAL[0]
    relative: float = USUAL[1]
    share: float = USUAL[2] / 1e6
    """Largest share of values that may differ."""

    def wrong(self, found: NDArray[Any], expected: NDArray[np.float64]) -> float:
        """Return the share of values that differ; NaN differs."""
        most = LARGEST_ABSOLUTE * float(np.ptp(expected)) if expected.size else 0.0
        absolute = min(self.absolute, max(most, USUAL[0]))
        difference = np.abs(found - expected)
        return float((~(difference <= absolute + self.relative * np.abs(expected))).mean())


def tolerance_of(found: dict[str, Any], kind: str) -> Tolerance:
    """Return the tolerance that a description states for a format of weights.

    Parameters
    ----------
    found : dict
        The description. A tolerance above the largest one, or one that cannot be read, is replaced
        by the largest or the usual one.
    kind : str
        Format of the weights.
    """
    config = found.get("config")
    own = config.get("bioimageio") if isinstance(config, dict) else None
    listed = own.get("reproducibility_tolerance") if isinstance(own, dict) else None
    for one in listed if isinstance(listed, list) else [listed]:
        formats = one.get("weights_formats") if isinstance(one, dict) else None
        if isinstance(one, dict) and (not formats or kind in formats):
            names = "absolute_tolerance", "relative_tolerance", "mismatched_elements_per_million"
            pairs = zip(names, USUAL, strict=True)
            absolute, relative, most = (_number(one.get(name), usual) for name, usual in pairs)
            relative, share = min(relative, LARGEST_RELATIVE), min(most / 1e6, LARGEST_SHARE)
            return Tolerance(absolute, relative, share)
    return Tolerance()


def _number(value: object, usual: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return usual
    return float(value) if math.isfinite(value) and value >= 0 else usual
