"""Adapt GeoTIFF tags to an enlarged image.

The standard is OGC 19-008r4. The raster point (0, 0) is the corner of the first pixel, or its
centre if the raster type is "PixelIsPoint".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

PIXEL_SCALE, TIEPOINT, TRANSFORMATION, KEYS = 33550, 33922, 34264, 34735
TAGS = (PIXEL_SCALE, TIEPOINT, TRANSFORMATION, KEYS, 34736, 34737, 42112, 42113)
"""Tags of GeoTIFF (position and projection) and of GDAL (metadata and no-data value)."""
NODATA = 42113

_RASTER_TYPE, _PIXEL_IS_POINT = 1025, 2


def enlarged_tags(
    tags: Mapping[int, tuple[int, int, Any]], scale: float
) -> dict[int, tuple[int, int, Any]]:
    """Return the tags of an image `scale` times larger that shows the same ground.

    Parameters
    ----------
    tags : dict
        Data type, count and value of each tag, by tag number. Tags that are not about positions
        stay unchanged.
    scale : float
        Enlargement factor along rows and columns.
    """
    centre = _is_point(tags)
    changed = dict(tags)
    for number, change in ((PIXEL_SCALE, _scales), (TIEPOINT, _tiepoints), (TRANSFORMATION, _map)):
        if number in tags:
            dtype, count, value = tags[number]
            values = np.array(value, np.float64)
            changed[number] = (dtype, count, tuple(change(values, scale, centre).ravel().tolist()))
    return changed


def _is_point(tags: Mapping[int, tuple[int, int, Any]]) -> bool:
    """Return whether raster points are pixel centres. Each key in the tag has four numbers."""
    keys = np.array(tags[KEYS][2] if KEYS in tags else ()).ravel()
    entries = keys[4 : len(keys) // 4 * 4].reshape(-1, 4).tolist()
    return [_RASTER_TYPE, 0, 1, _PIXEL_IS_POINT] in entries


def _scales(values: NDArray[np.float64], scale: float, centre: bool) -> NDArray[np.float64]:
    """Divide a pixel's size on the ground along x and y; z is a height and stays unchanged."""
    values[:2] /= scale
    return values


def _tiepoints(values: NDArray[np.float64], scale: float, centre: bool) -> NDArray[np.float64]:
    """Move raster points (i, j) to the same place on the ground in the enlarged raster."""
    points = values[: len(values) // 6 * 6].reshape(-1, 6)
    shift = 0.5 if centre else 0.0
    points[:, :2] = (points[:, :2] + shift) * scale - shift
    return values


def _map(values: NDArray[np.float64], scale: float, centre: bool) -> NDArray[np.float64]:
    """Make the 4 x 4 matrix, which maps raster points to the ground, fit the enlarged raster."""
    if values.size != 16:
        return values
    matrix = values.reshape(4, 4)
    if centre:  # the first centre moves outwards, by half an old pixel minus half a new one
        matrix[:, 3] += (matrix[:, 0] + matrix[:, 1]) * (0.5 / scale - 0.5)
    matrix[:, :2] /= scale
    return matrix
