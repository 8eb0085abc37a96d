"""Which values of an image are black and white; refuses infinity, warns of a doubtful range.

A network's own errors are about 1/1000 of white. On Set5 as grey in uint16, FSRCNN x2 is 3.4 dB
better than bicubic interpolation where the images fill the range, 0.8 dB better where they have 12
bits, and 6.4 dB worse where they have 10, unless `value_range` tells
(`benchmarks/quality/faint.py`).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from napari_sr.engine.image.arrays import refuse_masked
from napari_sr.engine.image.plane_values import ValueRange, visible

if TYPE_CHECKING:
    from napari_sr.engine.image.arrays import ArrayLike, Layout

FAINT = 1 / 8
"""Of the range; images that span less are faint."""
SLACK = 0.1
"""How far outside 0..1 floats may lie without a warning."""
SAMPLES = 10_000_000
"""Pixels that percentiles are taken from at most, evenly spread."""
LOOKED_AT = 3
"""Planes of integers at most, spread over all."""


@dataclass(frozen=True)
class Percentiles:
    """Take the range of values from the image: these percentiles become black and white.

    Of its colours: neither alpha counts, nor pixels that are fully transparent.
    """

    low: float = 0.1
    high: float = 99.9


class OutsideRangeWarning(UserWarning):
    """A float image has values far outside the range that was declared for it."""


class FaintImageWarning(UserWarning):
    """An image's values span a small part of the range that counts as black to white."""


def checked_range(
    image: ArrayLike,
    layout: Layout,
    declared: tuple[float, float] | Percentiles | None,
    *,
    learnt: bool = True,
) -> ValueRange:
    """Return what counts as black and white, after a look at the values.

    Parameters, errors and warnings are those of `check_values` and `value_range_of`.
    """
    check_values(image, layout, declared, learnt=learnt)
    return value_range_of(image, layout, declared)


def check_values(
    image: ArrayLike, layout: Layout, declared: object, *, learnt: bool = True
) -> None:
    """Refuse infinity; where nobody declared a range, warn of one that does not fit.

    NaN is let through: it means that nothing was measured there. Floats are looked at plane by
    plane, of integers only some. Alpha, and colours that are fully transparent, have no part in
    a range.

    Parameters
    ----------
    image : array
        What is to be upscaled.
    layout : Layout
        Of the array.
    declared : (low, high) or Percentiles, optional
        What the user said about black and white.
    learnt : bool
        Whether the network has weights; a formula does not mind a faint image.

    Raises
    ------
    ValueError
        If a value is infinite: how many there are, and where the first is; or integers are masked.
    """
    refuse_masked(image)
    kind = np.dtype(image.dtype)
    minds = declared is None and learnt and kind.itemsize > 1
    if kind.kind == "f":
        low, high = _span_of_floats(image, layout)
        _check_opacity(image, layout)
        if declared is None and (low < -SLACK or high > 1 + SLACK):
            warnings.warn(
                f"this float image has values from {low:g} to {high:g}, but floats are taken as "
                "0..1 unless value_range=(low, high) says otherwise",
                OutsideRangeWarning,
                stacklevel=2,
            )
    elif minds:
        low, high = _span_of_some(image, layout)
    if minds:
        usual = value_range_of(image, layout, None)
        share = (high - low) / (usual.high - usual.low)
        if 0 < share < FAINT:
            warnings.warn(
                f"the values of this {kind} image span {low:g} to {high:g}, {share:.1%} of the "
                f"range {usual.low:g} to {usual.high:g} that counts as black to white: networks do "
                "worse on so faint an image; tell what is black and white by value_range "
                "(--value-range 0 4095 for 12 bits)",
                FaintImageWarning,
                stacklevel=2,
            )


def _span_of_floats(image: ArrayLike, layout: Layout) -> tuple[float, float]:
    """Return the least and the largest visible value of all planes, and refuse infinity."""
    bad, first, low, high = 0, None, math.inf, -math.inf
    for plane in layout.planes():
        values = layout.read(image, plane)
        infinite = np.isinf(values)
        if infinite.any():
            bad += int(infinite.sum())
            first = first or (plane, tuple(int(i) for i in np.argwhere(infinite)[0]))
        elif not bad:
            seen = visible(values, layout.channels)
            low = float(np.fmin.reduce(seen, axis=None, initial=low))
            high = float(np.fmax.reduce(seen, axis=None, initial=high))
    if first is not None:
        where = f"y={first[1][0]}, x={first[1][1]}" + (f" of plane {first[0]}" if first[0] else "")
        what = "one infinite value," if bad == 1 else f"{bad} infinite values, the first"
        raise ValueError(f"the image has {what} at {where}")
    return low, high


def _check_opacity(image: ArrayLike, layout: Layout) -> None:
    """Warn of a fourth sample of floats that is no opacity, whose values are never changed."""
    if layout.channels < 4:
        return
    low, high = 0.0, 1.0
    for plane in layout.planes():
        alpha = layout.read(image, plane)[..., 3]
        low = float(np.fmin.reduce(alpha, axis=None, initial=low))
        high = float(np.fmax.reduce(alpha, axis=None, initial=high))
    if low < -SLACK or high > 1 + SLACK:
        warnings.warn(
            f"the fourth sample of axis {layout.axes[-1]} is taken for opacity, but goes from "
            f"{low:g} to {high:g} where 0 to 1 is meant: if it is a channel, name its axis by "
            "another letter than C or S, such as axes='YXT'",
            OutsideRangeWarning,
            stacklevel=3,
        )


def _span_of_some(image: ArrayLike, layout: Layout) -> tuple[float, float]:
    """Return the least and the largest visible value of some planes of integers."""
    planes = islice(layout.planes(), 0, None, max(1, -(-layout.count // LOOKED_AT)))
    seen = (visible(layout.read(image, plane), layout.channels) for plane in planes)
    ends = [(int(one.min()), int(one.max())) for one in seen]
    return min(low for low, _ in ends), max(high for _, high in ends)


def value_range_of(
    image: ArrayLike, layout: Layout, declared: tuple[float, float] | Percentiles | None
) -> ValueRange:
    """Return the range that counts as black and white.

    Parameters
    ----------
    image : array
        Looked at only for percentiles.
    layout : Layout
        Of the array.
    declared : (low, high) or Percentiles, optional
        By default integers of up to 16 bits have the range of their type and floats 0..1. The
        maximum of the image never decides.

    Raises
    ------
    ValueError
        If low is not below high, a percentile lies outside 0..100, or integers of more than 16
        bits come without a range: theirs is so wide that networks would see black only.
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
            f"an image of {kind} needs value_range=(low, high), as the range of its type is far "
            "wider than its values; such as (0, 4095) for 12 bits"
        )
    limits = np.iinfo(kind)
    return ValueRange(float(limits.min), float(limits.max))


def declared_range(declared: object) -> ValueRange:
    """Return a range that somebody gave as two numbers, in a tuple, list or array.

    Raises
    ------
    ValueError
        If these are not two finite numbers, the first below the second.
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


def _percentile_range(image: ArrayLike, layout: Layout, wanted: Percentiles) -> ValueRange:
    if not 0 <= wanted.low < wanted.high <= 100:
        raise ValueError(f"percentiles need 0 <= low < high <= 100, got {wanted}")
    step = max(1, round(math.sqrt(math.prod(layout.shape) / SAMPLES)))
    parts = (layout.read(image, plane)[::step, ::step, ...] for plane in layout.planes())
    sample = np.concatenate([visible(part, layout.channels).ravel() for part in parts])
    known = sample[np.isfinite(sample)] if sample.dtype.kind == "f" else sample
    if not known.size:
        return ValueRange(0.0, 1.0)
    low, high = np.percentile(known.astype(np.float64), [wanted.low, wanted.high])
    # a constant image has no range of its own; any width maps it back exactly
    return ValueRange(float(low), float(high) if high > low else float(low) + 1.0)
