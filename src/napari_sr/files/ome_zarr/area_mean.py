"""Area means of an image, for the coarser levels of a pyramid.

A pixel of level k is the mean of the 2^k x 2^k pixels of level 0 that it covers, or of fewer at the
lower and the right edge. NaN are left out. Means of integers are rounded to the nearest integer,
and halves to the nearest even one. Sums of integers of up to 32 bits are exact.

Symbols: H x W pixels, C channels.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


def area_means(
    values: NDArray[Any], levels: int, covered: tuple[NDArray[Any], NDArray[Any]] | None = None
) -> Iterator[NDArray[Any]]:
    """Yield the levels 1, 2, ..., `levels` of an image, each half as large as the one before.

    Parameters
    ----------
    values : array, (H, W) or (H, W, C)
        The image, or a part of it that begins at a multiple of 2^`levels` pixels.
    levels : int
        Number of levels to compute.
    covered : two arrays, (H,) and (W,), optional
        Weight of each row and of each column: the number of rows or columns of the original image
        that it covers; 1 by default.

    Yields
    ------
    array, (ceil(H / 2^k), ceil(W / 2^k)) or with C
        Level k, in the data type of `values`; NaN where all covered values are NaN.
    """
    sums, counts = _weighted(values, covered)
    kind = _kind_of_sums(sums.dtype, levels)
    for _ in range(levels):
        sums = _halved(sums, kind)
        counts = tuple(_halved(count, count.dtype) for count in counts)
        yield _means(sums, counts, values.dtype)


def _weighted(
    values: NDArray[Any], covered: tuple[NDArray[Any], NDArray[Any]] | None
) -> tuple[NDArray[Any], tuple[NDArray[np.float64], ...]]:
    """Return the weighted values, and factors whose product is the weight of each value."""
    rows, columns = covered or (np.ones(values.shape[0]), np.ones(values.shape[1]))
    channels = (1,) * (values.ndim - 2)
    weights = (rows.reshape(-1, 1, *channels), columns.reshape(1, -1, *channels))
    sums = values if covered is None else values * (weights[0] * weights[1])
    if values.dtype.kind != "f":
        return sums, weights
    missing = np.isnan(values)
    if not missing.any():
        return sums, weights
    return np.where(missing, 0, sums), (np.where(missing, 0.0, weights[0] * weights[1]),)


def _kind_of_sums(kind: np.dtype[Any], levels: int) -> np.dtype[Any]:
    """Return the type of sums: int32 if sums fit, which takes a third of the time of float64."""
    small = kind.kind != "f" and kind.itemsize <= 2 and levels <= 7  # 2^16 * 4^7 = 2^30
    return np.dtype(np.int32 if small else np.float64)


def _halved(sums: NDArray[Any], kind: np.dtype[Any]) -> NDArray[Any]:
    """Return the sums of 2 x 2 neighbours; a last odd row or column has no neighbour."""
    rows = _paired(sums, kind)
    return _paired(rows.swapaxes(0, 1), kind).swapaxes(0, 1)


def _paired(sums: NDArray[Any], kind: np.dtype[Any]) -> NDArray[Any]:
    """Return the sums of neighbours along the first axis."""
    pairs, odd = divmod(len(sums), 2)
    result = np.empty_like(sums, kind, shape=(pairs + odd, *sums.shape[1:]))
    np.add(sums[: 2 * pairs : 2], sums[1::2], out=result[:pairs], dtype=kind)
    if odd:
        result[-1] = sums[-1]
    return result


def _means(
    sums: NDArray[Any], counts: tuple[NDArray[np.float64], ...], kind: np.dtype[Any]
) -> NDArray[Any]:
    with np.errstate(invalid="ignore"):  # 0 / 0: all covered values are NaN
        means = sums / _product(counts)
    if kind.kind == "f":
        return means.astype(kind)
    largest = float(np.iinfo(kind).max)
    if int(largest) > np.iinfo(kind).max:  # 2^64 - 1 becomes 2^64
        means = np.minimum(means, float(np.nextafter(largest, 0)))
    return np.rint(means, out=means).astype(kind)


def _product(counts: tuple[NDArray[np.float64], ...]) -> NDArray[np.float64] | float:
    """Return the product of factors, as a single number if it is the same everywhere."""
    if all(count.min() == count.max() for count in counts):
        return math.prod(float(count.flat[0]) for count in counts)
    return counts[0] if len(counts) == 1 else counts[0] * counts[1]
