"""Compute the coarsest levels of a pyramid, where the part of a block is too small for a file."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.files.ome_zarr.area_mean import area_means

if TYPE_CHECKING:
    import zarr
    from numpy.typing import NDArray


def fill_level(
    finer: zarr.Array[Any], target: zarr.Array[Any], number: int, size: tuple[int, int]
) -> None:
    """Compute a level as area means of the next finer one, chunk by chunk.

    A pixel is the mean of the finer level's rounded pixels, each weighted by the number of pixels
    of level 0 that it covers. One chunk and its part of the finer level are in memory at a time.

    Parameters
    ----------
    finer, target : Zarr arrays, (..., H, W)
        The next finer level, complete, and the level to fill.
    number : int
        Number of the level to fill, at least 1.
    size : (int, int)
        Height and width of level 0 in pixels.
    """
    rows, columns = target.chunks[-2:]
    height, width = target.shape[-2:]
    covered = [_covered(*pair, number - 1) for pair in zip(size, finer.shape[-2:], strict=True)]
    corners = product(range(0, height, rows), range(0, width, columns))
    for plane, (row, column) in product(np.ndindex(target.shape[:-2]), list(corners)):
        window = (slice(2 * row, 2 * (row + rows)), slice(2 * column, 2 * (column + columns)))
        values = np.asarray(finer[(*plane, *window)])
        weights = (covered[0][window[0]], covered[1][window[1]])
        (mean,) = area_means(values, 1, weights)
        target[(*plane, slice(row, row + rows), slice(column, column + columns))] = mean


def _covered(image: int, length: int, number: int) -> NDArray[np.float64]:
    """Return how many rows of level 0 each row of a level covers; the same for columns.

    Parameters
    ----------
    image, length : int
        Number of rows of level 0, and of the level.
    number : int
        Number of the level.
    """
    starts = np.arange(length, dtype=np.float64) * 2**number
    covered: NDArray[np.float64] = np.minimum(2**number, image - starts)
    return covered
