"""Axes, data types and intensity ranges of images, and what networks take: converted only here.

Letters: Y and X are the image axes; a last axis C or S of 3 or 4 entries is RGB or RGBA; any
other letter (T, Z, C, ...) is an axis that is looped over, plane by plane.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from napari_sr.engine.image.axes import axes_of
from napari_sr.engine.image.conversion import pixels_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import DTypeLike, NDArray

SAMPLES = 10_000_000
"""Pixels that percentiles are taken from at most, evenly spread."""
_LARGEST_HALF = 65504.0
"""The largest float16."""


class ArrayLike(Protocol):
    """NumPy, dask, Zarr: anything with a shape and a dtype that slices to pixels."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""

    @property
    def dtype(self) -> Any:
        """Type of the values."""

    def __getitem__(self, index: Any, /) -> Any: ...


@dataclass(frozen=True)
class Percentiles:
    """Take the range of values from the image: these percentiles become black and white.

    Of its colours: neither alpha counts, nor pixels that are fully transparent.
    """

    low: float = 0.1
    high: float = 99.9


@dataclass(frozen=True)
class Layout:
    """Which axis of an array is which."""

    axes: str
    shape: tuple[int, ...]
    samples: bool
    """Whether the last axis is RGB or RGBA."""

    @property
    def height(self) -> int:
        """Length of Y in pixels."""
        return self.shape[self.axes.index("Y")]

    @property
    def width(self) -> int:
        """Length of X in pixels."""
        return self.shape[self.axes.index("X")]

    @property
    def channels(self) -> int:
        """1 for grey planes, 3 for RGB, 4 for RGBA."""
        return self.shape[-1] if self.samples else 1

    def planes(self) -> Iterator[tuple[int, ...]]:
        """Yield the index of every plane along the looped axes, last axis fastest."""
        return itertools.product(*(range(self.shape[axis]) for axis in self._looped))

    @property
    def count(self) -> int:
        """How many planes there are."""
        return math.prod(self.shape[axis] for axis in self._looped)

    @property
    def _plane(self) -> list[int]:
        kept = [self.axes.index("Y"), self.axes.index("X")]
        return [*kept, len(self.axes) - 1] if self.samples else kept

    @property
    def _looped(self) -> list[int]:
        return [axis for axis in range(len(self.axes)) if axis not in self._plane]

    def _index(
        self, plane: tuple[int, ...], rows: slice, columns: slice
    ) -> tuple[int | slice, ...]:
        index: list[int | slice] = [slice(None)] * len(self.axes)
        for axis, position in zip(self._looped, plane, strict=True):
            index[axis] = position
        index[self.axes.index("Y")], index[self.axes.index("X")] = rows, columns
        return tuple(index)

    def visible(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Return the values of a plane that count as light.

        Parameters
        ----------
        pixels : array, (Y, X) or (Y, X, 1, 3 or 4)
            As `read` returns them, or a part of them.

        Returns
        -------
        array
            The pixels themselves where they have no alpha; else the colours, (Y, X, 3), or
            (pixels, 3) without those that are fully transparent, unless all are.
        """
        if self.channels < 4:
            return pixels
        colours, hidden = pixels[..., :3], pixels[..., 3] <= 0
        return colours[~hidden] if hidden.any() and not hidden.all() else colours

    def read(self, image: ArrayLike, plane: tuple[int, ...]) -> NDArray[Any]:
        """Return one plane as (Y, X), or (Y, X, 3 or 4) where the last axis is colour.

        Raises
        ------
        ValueError
            If integers are masked, as `conversion.pixels_of` says; masked floats are NaN.
        """
        block = pixels_of(image[self._index(plane, slice(None), slice(None))])
        return np.transpose(block, np.argsort(np.argsort(self._plane)))

    def write(
        self,
        image: NDArray[Any],
        plane: tuple[int, ...],
        rows: slice,
        columns: slice,
        block: NDArray[Any],
    ) -> None:
        """Put a block (Y, X) or (Y, X, 3 or 4) into an array whose axes are as here."""
        image[self._index(plane, rows, columns)] = np.transpose(block, np.argsort(self._plane))

    def enlarged(self, scale: int) -> Layout:
        """Return the layout of the image `scale` times larger along Y and X."""
        shape = tuple(
            size * scale if letter in "YX" else size
            for letter, size in zip(self.axes, self.shape, strict=True)
        )
        return Layout(self.axes, shape, self.samples)


def layout_of(shape: tuple[int, ...], dtype: DTypeLike, axes: str | None = None) -> Layout:
    """Read an array's axes, or guess them where none are named.

    Parameters
    ----------
    shape : tuple of int
        Of the array.
    dtype : data type
        Decides, where no axes are named, whether a last axis of 3 or 4 may be colour: it may
        for uint8, uint16 and floats of three or more axes.
    axes : str, optional
        One letter per axis, such as "TZYX" or "YXC"; see `axes.axes_of`.

    Raises
    ------
    ValueError
        If the array is empty, has fewer than two axes or some of unknown length, holds no real
        numbers, the letters do not fit it, or nobody says what a last axis is that may be colour.
    """
    letters = axes_of(shape, np.dtype(dtype), axes)
    colour = letters[-1] in "CS" and shape[-1] in (3, 4)
    return Layout(letters, tuple(int(size) for size in shape), colour)


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
    sample = np.concatenate([layout.visible(part).ravel() for part in parts])
    known = sample[np.isfinite(sample)] if sample.dtype.kind == "f" else sample
    if not known.size:
        return ValueRange(0.0, 1.0)
    low, high = np.percentile(known.astype(np.float64), [wanted.low, wanted.high])
    # a constant image has no range of its own; any width maps it back exactly
    return ValueRange(float(low), float(high) if high > low else float(low) + 1.0)
