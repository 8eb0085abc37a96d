"""Read a few windows of an image, from which its traits are estimated.

Symbols: N windows, P pixels along a side of a window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.arrays import layout_of
from napari_sr.layers.bt601 import TO_YCBCR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_sr.engine.image.arrays import ArrayLike, Layout

SIDE = 128
"""Side of a window in pixels."""
ACROSS = 4
"""Number of windows along each axis of a plane."""
PLANES = 4
"""Largest number of planes that are read, evenly spread over the stack."""
LARGEST = 1e150
"""Squares of larger values, and of smaller differences than its inverse, are no numbers."""
LEAST = 24
"""Smallest side of an image whose traits can be estimated, in pixels."""

_LUMA = np.array(TO_YCBCR[0]) / sum(TO_YCBCR[0])


@dataclass(frozen=True)
class Sample:
    """Windows of an image, as grey values."""

    windows: tuple[NDArray[np.float64], ...]
    """Windows, (P, P), or smaller if the image is smaller; all values are finite."""
    columns: tuple[tuple[int, ...], ...]
    """For each column of windows in a plane, the indices of these windows from top to bottom."""
    dtype: np.dtype[np.generic]
    """Data type of the image."""
    rgb: bool = False
    """Whether the image is coloured."""
    apart: int = SIDE
    """Least distance of windows from top to bottom in pixels; below P, they overlap."""

    @property
    def values(self) -> NDArray[np.float64]:
        """All values, in one row."""
        return np.concatenate([window.ravel() for window in self.windows])


def sample_of(
    image: ArrayLike,
    axes: str | None = None,
    needed_by: str = "advice",
    *,
    luma: bool = False,
    channel: int | None = None,
) -> Sample:
    """Read windows from some planes of an image; of colours, only green or the luma is used.

    Parameters
    ----------
    image : array
        NumPy, dask, Zarr or similar; only the windows are read.
    axes : str, optional
        One letter per axis, as for `napari_sr.upscale`.
    needed_by : str
        Name of the task that needs the pixels, for error messages.
    luma : bool
        Whether colours are read as luma, in which black and white have the values that they have in
        the colours, as luma networks get it; else, only green is read.
    channel : int, optional
        The only index along C from which planes are read.

    Raises
    ------
    ValueError
        If the axes do not fit, the image is smaller than `LEAST` pixels, no value is finite, or
        values are so large or so similar that their squares are no numbers.
    """
    layout = layout_of(image.shape, image.dtype, axes)
    if min(layout.height, layout.width) < LEAST:
        raise ValueError(
            f"{needed_by} needs at least {LEAST} x {LEAST} pixels, "
            f"got {layout.height} x {layout.width}"
        )
    windows: list[NDArray[np.float64]] = []
    columns: list[tuple[int, ...]] = []
    for index in _planes(layout, channel):
        for left in _starts(layout.width):
            first = len(windows)
            for top in _starts(layout.height):
                span = slice(top, top + SIDE), slice(left, left + SIDE)
                window = _filled(layout.read(image, index, *span), layout, luma)
                windows += [] if window is None else [window]
            columns.append(tuple(range(first, len(windows))))
    if not windows:
        raise ValueError(
            f"{needed_by} needs finite pixels, but at least half of each examined part of the "
            "image is NaN or infinite: crop the image"
        )
    low, high = min(one.min() for one in windows), max(one.max() for one in windows)
    check_extent(float(low), float(high), needed_by)
    return Sample(
        tuple(windows), tuple(columns), np.dtype(image.dtype), layout.samples,
        min(np.diff(list(_starts(layout.height))), default=SIDE),
    )  # fmt: skip


def check_extent(low: float, high: float, needed_by: str) -> None:
    """Check that squares of values, and of their differences, neither overflow nor vanish.

    Parameters
    ----------
    low, high : float
        The smallest and the largest value.
    needed_by : str
        What needs it, as the error's subject.

    Raises
    ------
    ValueError
        If a value is beyond `LARGEST`, or all differ by less than its inverse.
    """
    if max(abs(low), abs(high)) > LARGEST or 0 < high - low < 1 / LARGEST:
        raise ValueError(
            f"{needed_by} needs values up to {LARGEST:g} that differ by {1 / LARGEST:g} or more, "
            f"got {low:g} to {high:g}"
        )


def _planes(layout: Layout, channel: int | None) -> list[tuple[int, ...]]:
    """Return indices of a few planes, evenly spread over all, or over those of a channel."""
    every = list(layout.planes())
    if channel is not None:
        every = [plane for plane in every if layout.channel_of(plane) == channel]
    chosen = np.linspace(0, len(every) - 1, min(PLANES, len(every))).astype(int)
    return [every[number] for number in chosen]


def _starts(size: int) -> Iterator[int]:
    """Yield the starts of windows along an axis, evenly spread; windows may overlap."""
    count = max(min(ACROSS, size // SIDE), 1)
    for number in range(count):
        yield int((size - min(SIDE, size)) * (number + 0.5) / count)


def _filled(pixels: NDArray[Any], layout: Layout, luma: bool) -> NDArray[np.float64] | None:
    """Return a window as grey, without missing pixels; None if most are missing.

    Single pixels get the value of a neighbour, because any other value looks like noise. Larger
    areas get the median, and count as empty.
    """
    window = np.asarray(pixels, np.float64)
    if layout.samples:
        window = window[..., :3] @ _LUMA if luma else window[..., 1]
    finite = np.isfinite(window)
    if finite.mean() < 0.5:
        return None
    if finite.all():
        return window
    filled = np.where(finite, window, np.nan)
    known = filled.copy()
    for axis, shift in ((1, 1), (1, -1), (0, 1), (0, -1)):
        filled = np.where(np.isnan(filled), np.roll(known, shift, axis), filled)
    return np.where(np.isnan(filled), np.median(window[finite]), filled)
