"""Enlarge a stack along Z by interpolation, so that its voxels become cubes.

Planes are placed like pixels: the stack keeps its extent, so plane k of the result lies at plane
(k + 0.5) / factor - 0.5 of the source. The kernel is Keys' cubic one, as for Y and X; beyond the
first and the last plane, the stack is mirrored.

Symbols: D planes of the source.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_sr.engine.image.conversion import is_number
from napari_sr.layers.resize import resize_axis

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_sr.engine.image.arrays import Layout

MOST_VALUES = 1 << 24
"""Largest number of values of the result that are computed at once."""
LARGEST = 64
"""Largest enlargement."""


def checked_axial(axial: object, layout: Layout) -> Fraction:
    """Check the enlargement along Z, and return it as a fraction.

    Raises
    ------
    ValueError
        If it is no number from 1 to `LARGEST`, or the image has no axis Z, or has alpha.
    """
    if not is_number(axial, 1, LARGEST):
        raise ValueError(f"axial must be a number from 1 to {LARGEST}, got {axial!r}")
    if "Z" not in layout.axes:
        raise ValueError(
            f"axial needs a stack with an axis Z, got the axes {layout.axes}: name them, such as "
            "axes='ZYX'"
        )
    if layout.samples and layout.channels == 4:
        raise ValueError("axial needs grey or RGB, got RGBA: leave out alpha")
    return Fraction(float(axial)).limit_denominator(10_000)  # type: ignore[arg-type]


def enlarge_z(
    pixels: NDArray[Any], axis: int, factor: Fraction, kind: np.dtype[Any]
) -> NDArray[Any]:
    """Enlarge an array along one axis.

    Parameters
    ----------
    pixels : array
        Floats, or integers. NaN spreads to the planes that are computed from it.
    axis : int
        The axis of length D.
    factor : Fraction
        At least 1; the result has `ceil(D * factor)` planes.
    kind : data type
        Type of the result. For integers, values are rounded and clipped to the type.

    Returns
    -------
    array
        Of the type `kind`.
    """
    shape = list(pixels.shape)
    shape[axis] = math.ceil(shape[axis] * factor)
    result = np.empty(shape, kind)
    source, target = np.moveaxis(pixels, axis, 0), np.moveaxis(result, axis, 0)
    wide = np.float64 if kind.itemsize > 4 or (kind.kind in "ui" and kind.itemsize > 2) else None
    # slabs of the next axis bound the memory
    each = max(1, MOST_VALUES * source.shape[1] // max(target.size, 1))
    for start in range(0, source.shape[1], each):
        part = np.ascontiguousarray(source[:, start : start + each], wide or np.float32)
        values = resize_axis(torch.from_numpy(part), 0, factor).numpy()
        if kind.kind in "ui":
            ends = np.iinfo(kind)
            values = np.rint(values).clip(ends.min, ends.max)
        target[:, start : start + each] = values
    return result
