"""Warn of an image that uses little of its range, which networks see as almost black.

A network's own errors are about 1/1000 of white. On Set5 as grey in uint16, FSRCNN x2 is 3.4 dB
better than bicubic interpolation where the images fill the range, 0.8 dB better where they have 12
bits, and 6.4 dB worse where they have 10, unless `value_range` tells (`benchmarks/faint.py`).
"""

from __future__ import annotations

import math
import warnings
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from napari_sr.engine.arrays import value_range_of

if TYPE_CHECKING:
    from napari_sr.engine.arrays import ArrayLike, Layout

FAINT = 1 / 8
"""Of the range; images that span less are faint."""
LOOKED_AT = 3
"""Planes at most, spread over all."""


class FaintImageWarning(UserWarning):
    """An image's values span a small part of the range that counts as black to white."""


def warn_of_faint(image: ArrayLike, layout: Layout, declared: object) -> None:
    """Warn of a faint image where nobody declared a range; bytes and constants are let through.

    Parameters
    ----------
    image : array
        Of which a few planes are read.
    layout : Layout
        Of the array.
    declared : (low, high) or Percentiles, optional
        What the user said about black and white.
    """
    kind = np.dtype(image.dtype)
    if declared is not None or kind.itemsize == 1:
        return
    usual = value_range_of(image, layout, None)
    low, high = _span(image, layout)
    share = (high - low) / (usual.high - usual.low)
    if not 0 < share < FAINT:
        return
    warnings.warn(
        f"the values of this {kind} image span {low:g} to {high:g}, {share:.1%} of the range "
        f"{usual.low:g} to {usual.high:g} that counts as black to white: networks do worse on so "
        "faint an image; tell what is black and white by value_range (--value-range 0 4095 for "
        "12 bits)",
        FaintImageWarning,
        stacklevel=2,
    )


def _span(image: ArrayLike, layout: Layout) -> tuple[float, float]:
    """Return the least and the largest finite value of some planes."""
    low, high = math.inf, -math.inf
    for plane in islice(layout.planes(), 0, None, max(1, -(-layout.count // LOOKED_AT))):
        values = layout.read(image, plane)
        known = values[np.isfinite(values)] if values.dtype.kind == "f" else values.ravel()
        if known.size:
            low, high = min(low, float(known.min())), max(high, float(known.max()))
    return low, high
