"""Measure two planes and their difference: intensity in rectangles, PSNR and SSIM.

Both planes show the same field of view; their pixels may differ in size. A rectangle has the same
edges in both: pixels that are partly inside count by their share inside.

Symbols: H x W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from napari_sr.evaluation._psnr import psnr
from napari_sr.evaluation._ssim import WINDOW, ssim
from napari_sr.evaluation.measurements import Measurement, Measurements
from napari_sr.layers.bt601 import TO_YCBCR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

Rectangle: TypeAlias = tuple[tuple[float, float], tuple[float, float]]
"""Top and bottom, left and right edge in pixels; pixel 0 extends from -0.5 to 0.5."""
WHOLE = "whole plane"
"""Name of the region that both planes show."""
PIXELS = "pixels"
"""Name of the measure for the number of pixels of each plane in a region."""
_LUMA = np.array(TO_YCBCR[0]) / sum(TO_YCBCR[0])
_NEAR = 1e-6
"""Positions that differ by less than this number of pixels count as equal."""


@dataclass(frozen=True)
class Placement:
    """The positions of the reference's pixels in the result, along Y and X."""

    factors: tuple[float, float]
    """Pixels of the result per pixel of the reference; negative if an axis is mirrored."""
    offsets: tuple[float, float]
    """Row and column, in the result, of the centre of the reference's first pixel."""

    @classmethod
    def of_sizes(cls, result: Sequence[int], reference: Sequence[int]) -> Placement:
        """Return the placement of two planes, (H, W), with the same outer edges."""
        rows, columns = (own / other for own, other in zip(result, reference, strict=True))
        return cls((rows, columns), ((rows - 1) / 2, (columns - 1) / 2))

    @property
    def is_same(self) -> bool:
        """Whether each pixel of the reference is a pixel of the result."""
        moved = (*(factor - 1 for factor in self.factors), *self.offsets)
        return max(map(abs, moved)) < _NEAR

    def in_result(self, rectangle: Rectangle) -> Rectangle:
        """Return a rectangle of the reference in pixels of the result."""
        ends = zip(rectangle, self.factors, self.offsets, strict=True)
        rows, columns = (
            sorted((factor * start + offset, factor * stop + offset))
            for (start, stop), factor, offset in ends
        )
        return (rows[0], rows[1]), (columns[0], columns[1])

    @property
    def inverse(self) -> Placement:
        """The positions of the result's pixels in the reference."""
        rows, columns = self.factors
        row, column = self.offsets
        return Placement((1 / rows, 1 / columns), (-row / rows, -column / columns))


def measure(
    result: NDArray[Any],
    reference: NDArray[Any],
    rectangles: Mapping[str, Rectangle] | None = None,
    *,
    placement: Placement | None = None,
    value_range: tuple[float, float] | None = None,
) -> Measurements:
    """Measure a result and its reference, such as its source, in rectangles.

    For each rectangle: the number of pixels in each plane; the sum of intensity, which is the mean
    times the area in pixels of the reference, so that an exact enlargement has the same sum; mean,
    standard deviation, minimum and maximum. If both planes have the same pixel grid, also PSNR and
    SSIM.

    Parameters
    ----------
    result, reference : array, (H, W) or (H, W, 3)
        Grey or RGB; colours are measured as luma.
    rectangles : mapping, optional
        Rectangles in pixels of the reference, by name; by default, the area that both planes show.
    placement : Placement, optional
        The position of the reference in the result; by default, both have the same outer edges.
    value_range : (low, high), optional
        Black and white, for PSNR and SSIM; by default those of the data type.

    Returns
    -------
    Measurements
        The numbers. For a rectangle that is not in both planes, there is a note instead.

    Raises
    ------
    ValueError
        If an array is not (H, W) or (H, W, 3).
    """
    planes = [_plane(pixels) for pixels in (result, reference)]
    if placement is None:
        placement = Placement.of_sizes(planes[0].shape, planes[1].shape)
    shown = placement.inverse.in_result(_edges(planes[0]))
    common = _overlap(_edges(planes[1]), shown)
    found = Measurements()
    for name, rectangle in (rectangles or {WHOLE: common}).items():
        part = _overlap(rectangle, common)
        if _area(part) == 0:
            found.notes.append(f"{name} is outside the area that both layers show")
            continue
        found.rows += _intensities(name, planes, (placement.in_result(part), part))
    if placement.is_same:
        _compare(found, (result, reference), rectangles or {WHOLE: common}, value_range)
    else:
        found.notes.append("PSNR and SSIM need layers with the same pixel grid")
    return found


def _plane(pixels: NDArray[Any]) -> NDArray[np.float64]:
    """Return a plane as float64, (H, W), with luma in place of colours."""
    if pixels.ndim == 3 and pixels.shape[2] == 3:
        luma: NDArray[np.float64] = pixels @ _LUMA
        return luma
    if pixels.ndim != 2:
        raise ValueError(f"planes must be (H, W) or (H, W, 3), got {pixels.shape}")
    return pixels.astype(np.float64)


def _edges(plane: NDArray[Any]) -> Rectangle:
    height, width = plane.shape
    return (-0.5, height - 0.5), (-0.5, width - 0.5)


def _overlap(first: Rectangle, second: Rectangle) -> Rectangle:
    rows, columns = (
        (max(one[0], other[0]), min(one[1], other[1]))
        for one, other in zip(first, second, strict=True)
    )
    return rows, columns


def _area(rectangle: Rectangle) -> float:
    """Return the area in pixels; 0 if it is negligibly thin, or if edges are in the wrong order."""
    height, width = (max(0.0, stop - start) for start, stop in rectangle)
    return height * width if min(height, width) > _NEAR else 0.0


def _intensities(
    region: str, planes: Sequence[NDArray[np.float64]], rectangles: Sequence[Rectangle]
) -> list[Measurement]:
    """Return the rows about the values of both planes in a rectangle of each."""
    pairs = zip(planes, rectangles, strict=True)
    own, other = (_values(plane, rectangle) for plane, rectangle in pairs)
    area = _area(rectangles[1])
    rows = [
        Measurement(region, PIXELS, "", _area(rectangles[0]), area),
        Measurement(region, "sum", "", own["mean"] * area, other["mean"] * area),
    ]
    return rows + [Measurement(region, name, "", own[name], other[name]) for name in own]


def _values(plane: NDArray[np.float64], rectangle: Rectangle) -> dict[str, float]:
    """Return statistics of a rectangle; pixels count by their share inside."""
    (rows, down), (columns, across) = (
        _shares(edges, length) for edges, length in zip(rectangle, plane.shape, strict=True)
    )
    part, weights = plane[rows, columns], np.outer(down, across)
    mean = float((part * weights).sum() / weights.sum())
    spread = float(((part - mean) ** 2 * weights).sum() / weights.sum())
    return {
        "mean": mean,
        "standard deviation": spread**0.5,
        "minimum": float(part.min()),
        "maximum": float(part.max()),
    }


def _shares(edges: tuple[float, float], length: int) -> tuple[slice, NDArray[np.float64]]:
    """Return the pixels along an axis that overlap an interval, and the share of each inside it."""
    start, stop = edges
    at = np.arange(length)
    shares = np.minimum(stop, at + 0.5) - np.maximum(start, at - 0.5)
    covered = np.flatnonzero(shares > _NEAR / 2)
    inside = slice(int(covered[0]), int(covered[-1]) + 1)
    return inside, shares[inside]


def _compare(
    found: Measurements,
    pair: tuple[NDArray[Any], NDArray[Any]],
    rectangles: Mapping[str, Rectangle],
    value_range: tuple[float, float] | None,
) -> None:
    """Add PSNR and SSIM for each rectangle, or the reason why there are none."""
    result, reference = pair
    problem = _problem(result, reference, value_range)
    if problem is not None:
        found.notes.append(f"PSNR and SSIM need {problem}")
        return
    for name, rectangle in rectangles.items():
        rows, columns = map(_whole_pixels, rectangle, result.shape)
        parts = result[rows, columns], reference[rows, columns]
        if min(parts[0].shape[:2]) == 0:
            continue
        try:
            found.rows.append(
                Measurement(name, "PSNR", "dB", psnr(*parts, value_range=value_range))
            )
            if min(parts[0].shape[:2]) >= WINDOW:
                found.rows.append(
                    Measurement(name, "SSIM", "", ssim(*parts, value_range=value_range))
                )
        except ValueError as error:  # NaN, for instance
            found.notes.append(f"{name}: no PSNR and SSIM: {error}")


def _problem(
    result: NDArray[Any], reference: NDArray[Any], value_range: tuple[float, float] | None
) -> str | None:
    """Return what is missing for PSNR and SSIM, or None."""
    if result.shape != reference.shape:
        return "layers with the same pixel grid"
    if result.dtype != reference.dtype:
        return f"layers of one data type, got {result.dtype} and {reference.dtype}"
    least, most = float(reference.min()), float(reference.max())
    if value_range is not None and not value_range[0] <= least <= most <= value_range[1]:
        return (
            f"a value range that includes the reference's values, {least:g} to {most:g}, got "
            f"{value_range[0]:g} to {value_range[1]:g}"
        )
    return None


def _whole_pixels(edges: tuple[float, float], length: int) -> slice:
    """Return the pixels whose centre lies in an interval."""
    start, stop = (min(max(int(np.ceil(edge)), 0), length) for edge in edges)
    return slice(start, stop)
