"""Find black and white of an image; check its values, and warn if the range does not fit them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from napari_sr.engine.image.arrays import refuse_masked
from napari_sr.engine.image.conversion import is_number
from napari_sr.engine.image.faint import warn_if_faint
from napari_sr.engine.image.opacity import visible
from napari_sr.engine.image.plane_values import ValueRange

if TYPE_CHECKING:
    from napari_sr.engine.image.arrays import ArrayLike, Layout

SLACK = 0.1
"""How far outside 0..1 floats may be without a warning."""
SAMPLES = 10_000_000
"""Largest number of pixels, evenly spread, from which percentiles are computed."""
MAX_PLANES_READ = 3
"""Largest number of planes, evenly spread, that are read to find the span of an integer image."""


@dataclass(frozen=True)
class Percentiles:
    """Black and white taken from percentiles of the image.

    Alpha and the colours of fully transparent pixels do not count.
    """

    low: float = 0.1
    high: float = 99.9


class OutsideRangeWarning(UserWarning):
    """A float image has values far outside the range that is assumed, 0 to 1."""


def checked_range(
    image: ArrayLike,
    layout: Layout,
    declared: tuple[float, float] | Percentiles | None,
    *,
    has_weights: bool = True,
) -> ValueRange:
    """Check the values of an image, and return its black and white.

    Parameters, errors and warnings are as in `check_values` and `value_range_of`.
    """
    check_values(image, layout, declared, has_weights=has_weights)
    return value_range_of(image, layout, declared)


def check_values(
    image: ArrayLike, layout: Layout, declared: object, *, has_weights: bool = True
) -> None:
    """Raise an error for infinite values; warn if the default range is used and does not fit.

    NaN is accepted: it means that nothing was measured there. All planes are read if they are
    floats, but only some if they are integers. Alpha and the colours of fully transparent pixels do
    not count.

    Parameters
    ----------
    image : array
        The image to upscale.
    layout : Layout
        Layout of the image.
    declared : (low, high) or Percentiles, optional
        Black and white as the user declared them.
    has_weights : bool
        Whether the network has weights. Interpolation has no weights, and so no warning about faint
        images.

    Raises
    ------
    ValueError
        If values are infinite (the message gives their number and the position of the first), or if
        integers are masked.
    """
    refuse_masked(image)
    kind = np.dtype(image.dtype)
    faint_matters = declared is None and has_weights and kind.itemsize > 1
    if kind.kind == "f":
        low, high = _span_of_floats(image, layout)
        _check_opacity(image, layout)
        if declared is None and (low < -SLACK or high > 1 + SLACK):
            warnings.warn(
                f"this float image has values from {low:g} to {high:g}, but for floats 0 is black "
                "and 1 is white unless value_range=(low, high) says otherwise",
                OutsideRangeWarning,
                stacklevel=2,
            )
    elif faint_matters:
        low, high = _span_of_some(image, layout)
    if faint_matters:
        warn_if_faint(kind, low, high, value_range_of(image, layout, None))


def _span_of_floats(image: ArrayLike, layout: Layout) -> tuple[float, float]:
    """Return the smallest and largest visible value of all planes; refuse infinite values."""
    bad, first, low, high = 0, None, math.inf, -math.inf
    for plane in layout.planes():
        values = layout.read(image, plane)
        infinite = np.isinf(values)
        if infinite.any():
            bad += int(infinite.sum())
            first = first or (plane, tuple(int(i) for i in np.argwhere(infinite)[0]))
        elif not bad:
            shown = visible(values, layout.channels)
            low = float(np.fmin.reduce(shown, axis=None, initial=low))
            high = float(np.fmax.reduce(shown, axis=None, initial=high))
    if first is not None:
        where = f"y={first[1][0]}, x={first[1][1]}" + (f" of plane {first[0]}" if first[0] else "")
        what = "one infinite value," if bad == 1 else f"{bad} infinite values, the first"
        raise ValueError(f"the image has {what} at {where}")
    return low, high


def _check_opacity(image: ArrayLike, layout: Layout) -> None:
    """Warn if the fourth sample of a float image does not look like opacity."""
    if layout.channels < 4:
        return
    low, high = 0.0, 1.0
    for plane in layout.planes():
        alpha = layout.read(image, plane)[..., 3]
        low = float(np.fmin.reduce(alpha, axis=None, initial=low))
        high = float(np.fmax.reduce(alpha, axis=None, initial=high))
    if low < -SLACK or high > 1 + SLACK:
        warnings.warn(
            f"the fourth sample of axis {layout.axes[-1]} is treated as opacity, which should go "
            f"from 0 to 1, but goes from {low:g} to {high:g}: if it is a channel, use a letter "
            "other than C or S for its axis, such as axes='YXT'",
            OutsideRangeWarning,
            stacklevel=3,
        )


def _span_of_some(image: ArrayLike, layout: Layout) -> tuple[float, float]:
    """Return the smallest and the largest visible value of some planes of integers."""
    planes = islice(layout.planes(), 0, None, max(1, -(-layout.count // MAX_PLANES_READ)))
    shown = (visible(layout.read(image, plane), layout.channels) for plane in planes)
    ends = [(int(one.min()), int(one.max())) for one in shown]
    return min(low for low, _ in ends), max(high for _, high in ends)


def value_range_of(
    image: ArrayLike, layout: Layout, declared: tuple[float, float] | Percentiles | None
) -> ValueRange:
    """Return black and white of an image.

    Parameters
    ----------
    image : array
        The image; its values are read only for percentiles.
    layout : Layout
        Layout of the image.
    declared : (low, high) or Percentiles, optional
        Black and white. By default, the ends of the type for integers of up to 16 bits, and 0..1
        for floats. The maximum of the image is never used.

    Raises
    ------
    ValueError
        If low is not below high, if a percentile is outside 0..100, or if no range is declared for
        integers of more than 16 bits: their type is so wide that networks would only see black.
    """
    kind = np.dtype(image.dtype)
    if isinstance(declared, Percentiles):
        return _percentile_range(image, layout, declared)
    if declared is not None:
        return declared_range(declared)
    if kind.kind == "f":
        return ValueRange(0.0, 1.0)
    if kind.itemsize > 2:
        raise ValueError(
            f"an image of {kind} needs value_range=(low, high), such as (0, 4095) for 12 bits: the "
            "range of its type is far wider than the range of its values"
        )
    limits = np.iinfo(kind)
    return ValueRange(float(limits.min), float(limits.max))


def declared_range(declared: object) -> ValueRange:
    """Return the two numbers of a declared range, given as a tuple, list or array.

    Raises
    ------
    ValueError
        If they are not two finite numbers, the first below the second.
    """
    both = declared if isinstance(declared, Sequence) else np.asarray(declared)
    limits = np.asarray([]) if isinstance(declared, str | bytes) else np.asarray(both)
    wrong = limits.shape != (2,) or limits.dtype.kind not in "uif" or np.ma.is_masked(declared)
    if not wrong and not any(isinstance(one, bool | np.bool_) for one in both):
        low, high = float(limits[0]), float(limits[1])
        if low < high and math.isfinite(high - low):
            return ValueRange(low, high)
    raise ValueError(
        f"value_range must be (low, high) with finite low < high, or Percentiles; got {declared!r}"
    )


def _percentile_range(image: ArrayLike, layout: Layout, percentiles: Percentiles) -> ValueRange:
    ends = percentiles.low, percentiles.high
    if not all(is_number(one, 0, 100) for one in ends) or not percentiles.low < percentiles.high:
        raise ValueError(f"percentiles need 0 <= low < high <= 100, got {percentiles}")
    step = max(1, round(math.sqrt(math.prod(layout.shape) / SAMPLES)))
    parts = (layout.read(image, plane)[::step, ::step, ...] for plane in layout.planes())
    sample = np.concatenate([visible(part, layout.channels).ravel() for part in parts])
    known = sample[np.isfinite(sample)] if sample.dtype.kind == "f" else sample
    if not known.size:
        return ValueRange(0.0, 1.0)
    low, high = np.percentile(known.astype(np.float64), [percentiles.low, percentiles.high])
    # the range of a constant image is empty; any width maps it back exactly
    return ValueRange(float(low), float(high) if high > low else float(low) + 1.0)
