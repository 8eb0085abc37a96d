"""The values of one plane: as the image has them, as networks take them, and what results may be.

Letters: H x W pixels, C channels, S scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.conversion import fill_missing
from napari_sr.engine.image.opacity import opacity_range, snapped
from napari_sr.engine.image.overshoot import Overshoot

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray
    from torch import Tensor

LEAST_ROOM = 0.25
"""How far results may always lie outside the values of their plane, where 1 is black to white:
sharp edges overshoot, and a constant plane has no range of its own."""
ROUNDING = 1e-5
"""Of black to white: an error of float32 so small is no overshoot."""
_LARGEST_HALF = 65504.0
"""The largest float16."""


@dataclass(frozen=True)
class ValueRange:
    """An exactly invertible map between an image's values and the networks' 0..1."""

    low: float
    high: float

    def encode(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Map `low`..`high` to 0..1, and what lies outside to outside."""
        wide = np.asarray(values, np.float64)
        encoded: NDArray[np.float32] = ((wide - self.low) / (self.high - self.low)).astype(
            np.float32
        )
        return encoded

    def decode(self, values: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
        """Map 0..1 back to `low`..`high`; integers are rounded and clipped to their type."""
        kind = np.dtype(dtype)
        wide = np.asarray(values, np.float64) * (self.high - self.low) + self.low
        if kind.kind == "f":
            if kind.itemsize == 2:  # overshoot must not become infinite
                wide = np.clip(wide, -_LARGEST_HALF, _LARGEST_HALF)
            return wide.astype(kind)
        limits = np.iinfo(kind)
        if kind.itemsize < 8:
            return np.clip(np.rint(wide), limits.min, limits.max).astype(kind)
        # the largest 64-bit integers have no float64 of their own: the next one below fits
        top = np.nextafter(float(limits.max), 0)
        whole = np.clip(np.rint(wide), float(limits.min), top).astype(kind)
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

    def outside(self, result: Tensor) -> Tensor:
        """Return where a result lies outside, NaN and infinity included."""
        return ~((result >= self.low) & (result <= self.high))

    def corrected(self, result: Tensor, wanted: str) -> Tensor:
        """Return a result whose outliers are clipped ("clip"), NaN ("mark") or kept ("keep")."""
        if wanted == "keep":
            return result
        if wanted == "clip":
            return result.clamp(self.low, self.high)
        return result.masked_fill(self.outside(result), math.nan)


class PlaneValues:
    """One plane without gaps, and its values on their way to a network and back.

    Alpha keeps a range of its own; see `opacity`.

    Parameters
    ----------
    pixels : array, (H, W, C)
        As they are in the image; C is 1, 3 or 4. NaN is a pixel without a value.
    values : ValueRange
        Black and white.
    dtype : data type
        Of the result.

    Attributes
    ----------
    pixels : array, (H, W, C)
        Every gap filled from its neighbours.
    missing : array of bool, (H, W, C), or None
        Where the gaps are; None where there are none.
    lowest, highest : float
        Of the visible values.
    visible : int
        How many values are visible.
    beyond : int
        How many of these are darker than black or brighter than white.
    bounds : Bounds
        What results are plausible.
    overshoot : Overshoot
        How far the results that were decoded lie beyond the plane's own values.
    """

    def __init__(self, pixels: NDArray[Any], values: ValueRange, dtype: DTypeLike) -> None:
        # once for all orientations: which neighbour fills a gap depends on how the plane lies
        self.pixels, self.missing = fill_missing(pixels)
        self._range = values
        self._dtype = dtype
        self._opacity: ValueRange | None = None
        if pixels.shape[-1] == 4:
            self._opacity = ValueRange(*opacity_range(self.pixels[..., 3]))
        self._low, self._high = _ends(self.pixels[..., :3])
        self.bounds = Bounds.of(*values.encode(np.array([self._low, self._high])).tolist())
        seen = visible(self.pixels, pixels.shape[-1])
        self.lowest, self.highest = _ends(seen)
        self.visible, self.beyond = seen.size, 0
        if self.lowest < values.low or self.highest > values.high:
            self.beyond = int(np.count_nonzero((seen < values.low) | (seen > values.high)))
        self.begin()

    def begin(self) -> None:
        """Forget the results that were decoded: the plane begins again."""
        self.overshoot = Overshoot(self._range.high - self._range.low)

    def encode(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """Map a part of the plane, (H, W, C), to 0..1: white and opaque are 1."""
        encoded = self._range.encode(pixels)
        if self._opacity is not None:
            encoded[..., 3] = self._opacity.encode(pixels[..., 3])
        return encoded

    def decode(self, values: NDArray[Any], rows: slice, columns: slice, scale: int) -> NDArray[Any]:
        """Map a part of the result back to the image's values, and gaps to NaN.

        Parameters
        ----------
        values : array of float32, (S * rows, S * columns, C)
            Where 0 is black and 1 is white.
        rows, columns : slice
            Of the plane.
        scale : int
            S.

        Returns
        -------
        array, (S * rows, S * columns, C)
            In the type of the image; integers are rounded and clipped to it.
        """
        decoded = self._range.decode(values, self._dtype)
        if self._opacity is not None:
            alpha = snapped(values[..., 3])
            decoded[..., 3] = self._opacity.decode(alpha, self._dtype)
        if self.missing is not None:
            gaps = self.missing[rows, columns].repeat(scale, 0).repeat(scale, 1)
            decoded[gaps] = np.nan
        self._look(values[..., :3], decoded[..., :3])
        return decoded

    def in_image_values(self, result: Tensor) -> tuple[float, float]:
        """Return the least and the largest value of a result, unrounded, as the image has them."""
        ends = np.array(_ends(result.cpu().numpy()))
        low, high = self._range.decode(ends, np.float64)
        return float(low), float(high)

    def _look(self, encoded: NDArray[np.float32], written: NDArray[Any]) -> None:
        """Add colours, (H, W, C), in 0..1 and as they are written; NaN does not count."""
        found, integer = self.overshoot, written.dtype.kind != "f"
        low = float(np.fmin.reduce(written, axis=None))
        high = float(np.fmax.reduce(written, axis=None))
        found.values += written.size
        found.lowest, found.highest = min(found.lowest, low), max(found.highest, high)
        slack = 0.0 if integer else ROUNDING * found.width
        least, largest = self._low - slack, self._high + slack
        if low < least or high > largest:
            found.beyond += int(np.count_nonzero((written < least) | (written > largest)))
            found.below = max(found.below, self._low - low)
            found.above = max(found.above, high - self._high)
        if integer:
            found.cut += self._count_cut(encoded, np.iinfo(written.dtype))

    def _count_cut(self, encoded: NDArray[np.float32], limits: np.iinfo[Any]) -> int:
        """Return how many values an integer type cuts off at an end that the plane is not at."""
        black, width = self._range.low, self._range.high - self._range.low
        # half a step further rounds to the end itself
        below = (limits.min - 0.5 - black) / width if self._low > limits.min else -math.inf
        above = (limits.max + 0.5 - black) / width if self._high < limits.max else math.inf
        return int(np.count_nonzero((encoded < below) | (encoded > above)))


def visible(pixels: NDArray[Any], channels: int) -> NDArray[Any]:
    """Return the values of a plane that one sees.

    Parameters
    ----------
    pixels : array, (H, W) or (H, W, C)
        Of a plane, or a part of it.
    channels : int
        C; 4 means that the last one is alpha.

    Returns
    -------
    array
        The pixels themselves where they have no alpha; else the colours, (H, W, 3), or (n, 3)
        without those that are fully transparent, unless all are.
    """
    if channels < 4:
        return pixels
    colours, hidden = pixels[..., :3], pixels[..., 3] <= 0
    return colours[~hidden] if hidden.any() and not hidden.all() else colours


def _ends(values: NDArray[Any]) -> tuple[float, float]:
    return float(values.min()), float(values.max())
