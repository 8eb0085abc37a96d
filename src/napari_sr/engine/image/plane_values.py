"""The values of one plane: conversion to network input and back, and bounds for results.

Symbols: H x W pixels, C channels, S scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.opacity import opacity_of_plane, snapped, visible
from napari_sr.engine.image.overshoot import REPORTED_ABOVE, ROUNDING, Overshoot

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray
    from torch import Tensor

    from napari_sr.engine.image.conversion import Filled

LEAST_ROOM = 0.25
"""Share of white minus black by which any result may exceed the values of its plane."""


@dataclass(frozen=True)
class ValueRange:
    """An exactly invertible map between an image's values and the networks' 0..1."""

    low: float
    high: float
    """Black and white, in the image's values."""

    def encode(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Map `low`..`high` to 0..1 without clipping."""
        wide: NDArray[np.float64] = np.subtract(values, self.low, dtype=np.float64)
        wide /= self.high - self.low  # in place: five times as fast
        return wide.astype(np.float32)

    def decode(self, values: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
        """Map 0..1 back to `low`..`high`; integers are rounded and clipped to their type."""
        kind = np.dtype(dtype)
        wide: NDArray[np.float64] = np.multiply(values, self.high - self.low, dtype=np.float64)
        wide += self.low
        if kind.kind == "f":
            if kind.itemsize == 2:  # so that overshoot does not become infinite in float16
                wide = np.clip(wide, np.finfo(kind).min, np.finfo(kind).max)
            return wide.astype(kind)
        limits = np.iinfo(kind)
        if kind.itemsize < 8:
            np.clip(np.rint(wide, out=wide), limits.min, limits.max, out=wide)
            return wide.astype(kind)
        # float64 cannot represent the largest 64-bit integers; the next float64 below them fits
        top = np.nextafter(float(limits.max), 0)
        whole: NDArray[Any] = np.clip(np.rint(wide), float(limits.min), top).astype(kind)
        whole[wide > top] = limits.max
        return whole


@dataclass(frozen=True)
class Bounds:
    """Plausible output range of one plane, where 0 is black and 1 is white."""

    low: float
    high: float

    @classmethod
    def of(cls, low: float, high: float) -> Bounds:
        """Return the bounds for a plane whose encoded values go from `low` to `high`."""
        room = max(high - low, LEAST_ROOM)
        return cls(low - room, high + room)

    def contain(self, result: Tensor) -> bool:
        """Return whether no value is `outside`; faster than a mask. There must be a value."""
        # tensors without axes round the bounds to the result's type, as a mask does
        return bool((result.amin() >= self.low) & (result.amax() <= self.high))

    def outside(self, result: Tensor) -> Tensor:
        """Return a mask of the values outside the bounds; NaN and infinity are outside."""
        return ~((result >= self.low) & (result <= self.high))

    def corrected(self, result: Tensor, choice: str) -> Tensor:
        """Clip a result's outliers ("clip"), set them to NaN ("mark"), or keep them ("keep")."""
        if choice == "keep":
            return result
        if choice == "clip":
            return result.clamp(self.low, self.high)
        return result.masked_fill(self.outside(result), math.nan)


class PlaneValues:
    """Values of one plane, and their conversion; alpha has a separate range: see `opacity`.

    Parameters
    ----------
    plane : Filled, (H, W, C)
        Pixels of the image, with every NaN filled from its neighbours; C is 1, 3 or 4.
    values : ValueRange
        Black and white.
    dtype : data type
        Data type of the result.

    Attributes
    ----------
    pixels : array, (H, W, C)
        The filled pixels.
    missing : array of bool, (H, W, C), or None
        Where the pixels were NaN; None if they have no NaN.
    lowest, highest : float
        Smallest and largest visible value.
    visible : int
        Number of visible values.
    beyond : int
        Number of visible values that are darker than black or brighter than white.
    bounds : Bounds
        Plausible range of results.
    overshoot : Overshoot
        How far the results decoded so far exceed the plane's own values.
    """

    def __init__(self, plane: Filled, values: ValueRange, dtype: DTypeLike) -> None:
        # NaN are filled before a plane is turned; afterwards, other neighbours would fill them
        self.pixels, self.missing = plane.pixels, plane.missing
        self._range = values
        self._dtype = dtype
        has_opacity = self.pixels.shape[-1] == 4
        self._opacity = ValueRange(*opacity_of_plane(plane)) if has_opacity else None
        self._whole = plane.whole
        self._set_ends(*_ends(self.pixels[..., :3]))
        shown = self.pixels[plane.kept or ...]
        if self._opacity is not None:
            shown = visible(shown, 4)
        self.lowest, self.highest = _ends(shown)
        beyond = self.lowest < values.low or self.highest > values.high
        outside = (shown < values.low) | (shown > values.high) if beyond else 0
        self.visible, self.beyond = shown.size, int(np.count_nonzero(outside))
        self.reset()

    def _set_ends(self, low: float, high: float) -> None:
        """Set the smallest and largest value of the plane, and the bounds of results."""
        self._low, self._high = low, high
        self.bounds = Bounds.of(*self.ends)

    @property
    def ends(self) -> tuple[float, float]:
        """Smallest and largest colour value, where 0 is black and 1 is white."""
        low, high = self._range.encode(np.array([self._low, self._high])).tolist()
        return low, high

    def widen(self) -> bool:
        """Use the range of the whole plane from now on; return False if it is already used."""
        if self._whole is None:
            return False
        whole, self._whole = self._whole(), None
        self._set_ends(min(self._low, whole.low), max(self._high, whole.high))
        return True

    def reset(self) -> None:
        """Forget the overshoot of decoded results, because the plane is computed again."""
        self.overshoot = Overshoot(self._range.high - self._range.low)

    def encode(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """Map a part of the plane, (H, W, C), to 0..1, where 1 is white or opaque."""
        encoded = self._range.encode(pixels)
        if self._opacity is not None:
            encoded[..., 3] = self._opacity.encode(pixels[..., 3])
        return encoded

    def decode(self, values: NDArray[Any], rows: slice, columns: slice, scale: int) -> NDArray[Any]:
        """Map a part of the result back to the image's values; set missing pixels to NaN.

        Parameters
        ----------
        values : array of float32, (S * rows, S * columns, C)
            Part of the result, where 0 is black and 1 is white.
        rows, columns : slice
            Rows and columns of the plane; `scale` is S.

        Returns
        -------
        array, (S * rows, S * columns, C)
            Values in the data type of the image; integers are rounded and clipped to it.
        """
        decoded = self._range.decode(values, self._dtype)
        if self._opacity is not None:
            decoded[..., 3] = self._opacity.decode(snapped(values[..., 3]), self._dtype)
        self._mark_missing(decoded, rows, columns, scale)
        self._add_overshoot(values[..., :3], decoded[..., :3])
        return decoded

    @property
    def spread_unit(self) -> NDArray[np.float32]:
        """A standard deviation of 1 in the image's values, (C,)."""
        widths = np.full(self.pixels.shape[-1], self._range.high - self._range.low, np.float32)
        if self._opacity is not None:
            widths[3] = self._opacity.high - self._opacity.low
        return widths

    def decode_spread(
        self, spread: NDArray[Any], rows: slice, columns: slice, scale: int
    ) -> NDArray[np.float32]:
        """Map a part of a standard deviation to the image's values; arguments as for `decode`."""
        decoded: NDArray[np.float32] = spread * self.spread_unit
        self._mark_missing(decoded, rows, columns, scale)
        return decoded

    def _mark_missing(self, part: NDArray[Any], rows: slice, columns: slice, scale: int) -> None:
        """Set missing pixels of a part of the result to NaN."""
        if self.missing is not None:
            gaps = self.missing[rows, columns].repeat(scale, 0).repeat(scale, 1)
            part[gaps] = np.nan

    def in_image_values(self, result: Tensor) -> tuple[float, float]:
        """Return the smallest and largest value of a result in the image's values, unrounded."""
        low, high = self._range.decode(np.array(_ends(result.cpu().numpy())), np.float64)
        return float(low), float(high)

    def measure(self, unrounded: NDArray[Any], written: NDArray[Any]) -> None:
        """Measure a part of a shrunk result, (H, W) or (H, W, C), before and after rounding."""
        colours = (..., slice(3)) if written.ndim > 2 else ...
        self._add_overshoot(self._range.encode(unrounded[colours]), written[colours])

    def _add_overshoot(self, encoded: NDArray[np.float32], written: NDArray[Any]) -> None:
        """Measure the overshoot of colours, (H, W, C), before and after decoding; skip NaN."""
        overshoot, integer = self.overshoot, written.dtype.kind != "f"
        finds = (np.min, np.max) if integer else (np.fmin.reduce, np.fmax.reduce)  # skip NaN
        low, high = (float(find(written, axis=None)) for find in finds)
        overshoot.add_written(written.size, low, high)
        slack = 0.0 if integer else ROUNDING * overshoot.width
        if max(self._low - low, high - self._high) > REPORTED_ABOVE * overshoot.width:
            self.widen()
        lower, upper = self._low - slack, self._high + slack
        if low < lower or high > upper:
            overshoot.beyond += int(np.count_nonzero((written < lower) | (written > upper)))
            overshoot.below = max(overshoot.below, self._low - low)
            overshoot.above = max(overshoot.above, high - self._high)
        if integer:
            limits, black = np.iinfo(written.dtype), self._range.low
            # values up to 0.5 beyond an end are rounded to the end, not clipped
            if low <= limits.min < self._low:
                too_low = encoded < (limits.min - 0.5 - black) / overshoot.width
                overshoot.cut += int(np.count_nonzero(too_low))
            if high >= limits.max > self._high:
                too_high = encoded > (limits.max + 0.5 - black) / overshoot.width
                overshoot.cut += int(np.count_nonzero(too_high))


def _ends(values: NDArray[Any]) -> tuple[float, float]:
    return float(values.min()), float(values.max())
