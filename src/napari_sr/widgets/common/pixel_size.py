"""The size of a layer's pixels in micrometres."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari.layers import Image


def pixel_size(layer: Image) -> float | None:
    """Return the side of a layer's pixel in micrometres, or None if its unit is not a length."""
    unit, scale = layer.units[-1], abs(float(layer.scale[-1]))
    if "[length]" not in (1 * unit).dimensionality:
        return None
    size = scale * float((1 * unit).to("micrometer").magnitude)
    return size if 0 < size < math.inf else None
