"""The size of a layer's pixels in micrometres."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_sr.files.units import of_screen, unit_of

if TYPE_CHECKING:
    from napari.layers import Image


def square_pixel_size(layer: Image) -> float | None:
    """Return the side of a layer's pixel in micrometres, or None if the pixels are not square."""
    height, width = pixel_size(layer, -2), pixel_size(layer)
    if height is None or width is None or not math.isclose(height, width, rel_tol=0.01):
        return None
    return width


def side_in_unit(layer: Image) -> tuple[float, str] | str:
    """Return the side of a layer's pixels in its own unit, and the unit's short name.

    If the pixels are not square, return a sentence that says so.
    """
    down, across = (abs(float(size)) for size in layer.scale[-2:])
    unit = layer.units[-1]
    if not math.isclose(down, across, rel_tol=1e-4) or layer.units[-2] != unit:
        return (
            f"The pixels of {layer.name} are not square ({across:g} wide, {down:g} high): choose a "
            "factor"
        )
    return across, f"{unit:~P}"


def pixel_size(layer: Image, axis: int = -1) -> float | None:
    """Return the size of a layer's pixel along an axis in micrometres.

    It is None without a unit of length, and for the pixel of a screen; see `units.of_screen`.
    """
    unit, scale = layer.units[axis], abs(float(layer.scale[axis]))
    if "[length]" not in (1 * unit).dimensionality or of_screen(scale, unit_of(str(unit))):
        return None
    size = scale * float((1 * unit).to("micrometer").magnitude)
    return size if 0 < size < math.inf else None
