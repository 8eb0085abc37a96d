"""The consistency figures in the record of every run, from a limited number of windows."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.consistency.pair import RGBA
from napari_sr.consistency.sampling import windows

if TYPE_CHECKING:
    from napari_sr.consistency.pair import Pair

MOST = 64
"""Largest number of windows: 262 144 differences of a grey image."""
IN_MEMORY, STORED = (16, 2**16), (4, 2**18)
"""Smallest number of windows, and pixels of the source per window in larger images. Windows of a
stored image cost more, because each reads whole chunks; `benchmarks/quality/consistency_cost.py`
measures the cost."""
KEY = "consistency"
"""Key of the figures in a record."""


@dataclass(frozen=True)
class Figures:
    """The difference between a shrunk result and its source, in values of the source."""

    rms: float
    """Root mean square of the difference."""
    p99: float
    """99th percentile of the difference's absolute value."""
    bias: float
    """Mean of the difference: above 0, the result is brighter."""
    pixels: int
    """Number of values that were compared."""
    of: int
    """Number of values in the source, without alpha."""
    shrinking: dict[str, str | float]
    """How the result was shrunk."""

    @property
    def record(self) -> dict[str, Any]:
        """The entry for the run's record."""
        found = asdict(self)
        return {**{key: found[key] for key in found if key != "shrinking"}, **self.shrinking}

    def in_words(self) -> str:
        """Return the figures as a part of a sentence."""
        return in_words(self.record)


def in_words(record: dict[str, Any]) -> str:
    """Return a record's figures as a part of a sentence."""
    return (
        f"the shrunk result differs from the source by {record['rms']:.3g} (RMS), by at most "
        f"{record['p99']:.3g} in 99 % of the pixels, and by {record['bias']:+.2g} on average"
    )


def figures_of(pair: Pair) -> Figures | None:
    """Compare some windows of a result with its source.

    The cost does not grow with the image. The windows depend on the shape of the source only, so
    the figures are the same at every run.

    Parameters
    ----------
    pair : Pair
        Source and result.

    Returns
    -------
    Figures or None
        None if no window has finite pixels.
    """
    layout = pair.layout
    in_memory = all(isinstance(one, np.ndarray) for one in (pair.source, pair.result))
    least, each = IN_MEMORY if in_memory else STORED
    size = layout.height * layout.width * layout.count
    most = min(max(size // each, least), MOST)
    found = [pair.without_alpha(pair.difference(*place)[0]) for place in windows(layout, most)]
    values = np.concatenate([part.ravel() for part in found])
    values = values[np.isfinite(values)]
    if not values.size:
        return None
    rms = math.sqrt(float(values @ values) / values.size)
    p99 = float(np.percentile(np.abs(values), 99))
    alpha = layout.height * layout.width * layout.count if layout.channels == RGBA else 0
    of = math.prod(layout.shape) - alpha
    return Figures(rms, p99, float(values.mean()), values.size, of, pair.shrinking.record)
