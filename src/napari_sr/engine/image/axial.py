"""Enlarge a stack along Z by interpolation, so that its voxels become cubes.

Planes are placed like pixels: the stack keeps its extent, so plane k of the result lies at plane
(k + 0.5) / factor - 0.5 of the source. The kernel is Keys' cubic one, as for Y and X; beyond the
first and the last plane, the stack is mirrored.

Symbols: D planes of the source.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_sr.engine.image.conversion import is_number
from napari_sr.layers.resize import axis_taps, resize_axis

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_sr.engine.image.arrays import Layout

MOST_VALUES = 1 << 24
"""Largest number of values of the result that are computed at once."""
HALF = 2
"""Bytes of a float16."""
LARGEST, FINEST = 64, 10_000
"""Largest enlargement, and largest denominator of its fraction."""


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
    return Fraction(float(axial)).limit_denominator(FINEST)  # type: ignore[arg-type]


def enlarged_along_z(layout: Layout, factor: Fraction | int) -> Layout:
    """Return the layout of a stack that is enlarged along Z."""
    shape = list(layout.shape)
    at = layout.axes.index("Z")
    shape[at] = math.ceil(shape[at] * factor)
    return replace(layout, shape=tuple(shape))


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
        Above 0; the result has `ceil(D * factor)` planes. Below 1, planes are averaged.
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
    wide = _computed_in(kind)
    # slabs of the next axis bound the memory
    each = max(1, MOST_VALUES * source.shape[1] // max(target.size, 1))
    for start in range(0, source.shape[1], each):
        part = np.ascontiguousarray(source[:, start : start + each], wide)
        values = resize_axis(torch.from_numpy(part), 0, factor).numpy()
        target[:, start : start + each] = _as_kind(values, kind)
    return result


class PlanesAlongZ:
    """Interpolates planes that arrive one after the other; at most 5 are in memory.

    The values are those of `enlarge_z`, to the last bit.

    Parameters
    ----------
    planes : int
        D.
    factor : Fraction
        At least 1.
    kind : data type
        Type of the result, as for `enlarge_z`.
    write : callable
        Called with the number of each plane of the result, from 0 to `ceil(D * factor)` - 1, and
        its values.
    """

    def __init__(
        self,
        planes: int,
        factor: Fraction,
        kind: np.dtype[Any],
        write: Callable[[int, NDArray[Any]], object],
    ) -> None:
        index, self._weights = axis_taps(planes, factor)
        self._sources: list[list[int]] = index.tolist()
        # the first plane that this plane of the result or a later one depends on
        first = np.minimum.accumulate(index.numpy().min(axis=1)[::-1])[::-1]
        self._first: list[int] = [*first.tolist(), planes]
        self._kind, self._write = kind, write
        self._held: dict[int, torch.Tensor] = {}
        self._next = self._before = 0
        self._last = -1

    def add(self, number: int, plane: NDArray[Any]) -> None:
        """Take the next plane of the source, and write the planes that depend on no later one.

        Planes arrive in order, and must not be changed afterwards. If the last one arrives again,
        the planes that depend on it are written again.
        """
        if number == self._last:
            self._next = self._before
        self._last, self._before = number, self._next
        needed = self._first[self._next]
        self._held = {key: one for key, one in self._held.items() if key >= needed}
        values = np.ascontiguousarray(plane, _computed_in(self._kind))
        self._held[number] = torch.from_numpy(values)
        while self._next < len(self._sources) and max(self._sources[self._next]) <= number:
            self._write(self._next, self._interpolated(self._next))
            self._next += 1

    def _interpolated(self, number: int) -> NDArray[Any]:
        """Return a plane of the result, computed as `resize_axis` does."""
        planes = [self._held[at] for at in self._sources[number]]
        weights = self._weights[number].to(planes[0].dtype)
        result = planes[0] * weights[0]
        for plane, weight in zip(planes[1:], weights[1:], strict=True):
            result += plane * weight
        return _as_kind(result.numpy(), self._kind)


def _computed_in(kind: np.dtype[Any]) -> type[np.floating[Any]]:
    """Return the type in which values of a type are interpolated."""
    wide = kind.itemsize > 4 or (kind.kind in "ui" and kind.itemsize > 2)
    return np.float64 if wide else np.float32


def _as_kind(values: NDArray[Any], kind: np.dtype[Any]) -> NDArray[Any]:
    """Return interpolated values in a type; integers are rounded and clipped."""
    if kind.kind in "ui":
        ends = np.iinfo(kind)
        values = np.rint(values).clip(ends.min, ends.max)
    elif kind.itemsize == HALF:  # so that overshoot does not become infinite
        values = values.clip(np.finfo(kind).min, np.finfo(kind).max)
    return values.astype(kind, copy=False)
