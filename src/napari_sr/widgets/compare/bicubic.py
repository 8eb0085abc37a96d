"""The bicubic enlargement of a plane along a line, computed only near the line.

The formula is that of the model `bicubic`: Keys' kernel with a = -0.5 and a mirrored border. The
outer edges of source and result coincide. Unlike the model, this code does not round.

Symbols: H x W pixels, N samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_sr.engine.image.sampling import cubic_taps, mirrored
from napari_sr.widgets.compare.shown_plane import grey_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_sr.widgets.compare.profile import Track

NAME = "bicubic"
"""Name of the curve."""
SAME = 0.01
"""Largest relative difference between an enlargement and the nearest whole number."""
LARGEST = 16
"""Largest enlargement that gets a curve."""


def enlargement(tracks: dict[str, Track]) -> int | None:
    """Return how many times finer "after" is than "before"; None unless a whole number above 1.

    Parameters
    ----------
    tracks : dict
        The line in the pixels of each layer, by its role in the comparison.
    """
    if "before" not in tracks or "after" not in tracks:
        return None
    before, after = (
        float(np.linalg.norm(np.diff(tracks[name].vertices, axis=0), axis=1).sum())
        for name in ("before", "after")
    )
    if not before > 0:
        return None
    factor = after / before
    whole = round(factor)
    return whole if 1 < whole <= LARGEST and abs(factor / whole - 1) < SAME else None


def enlarged_values(track: Track, places: NDArray[np.float64], scale: int) -> NDArray[np.float32]:
    """Return values of the enlarged plane, (N,), interpolated between its pixels; NaN outside.

    Parameters
    ----------
    track : Track
        The plane to enlarge.
    places : array, (N, 2)
        Rows and columns in pixels of the plane.
    scale : int
        Enlargement factor.
    """
    size = np.array(track.plane.size)
    inside = ((places >= -0.5) & (places <= size - 0.5)).all(axis=1)
    values = np.full(len(places), np.nan, np.float32)
    if not inside.any():
        return values
    # in pixels of the enlarged plane
    fine = np.clip((places[inside] + 0.5) * scale - 0.5, 0, scale * size - 1)
    first = np.floor(fine).astype(int)
    second = np.minimum(first + 1, scale * size - 1)
    share = fine - first
    near = [np.stack([first[:, axis], second[:, axis]]) for axis in (0, 1)]
    (rows, down), (columns, across) = (_taps(near[axis], scale, int(size[axis])) for axis in (0, 1))
    spans = [slice(int(taps.min()), int(taps.max()) + 1) for taps in (rows, columns)]
    pixels = grey_of(track.plane.read(*spans)).astype(np.float64)
    total = np.zeros(len(fine))
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        taken = pixels[
            rows[row][:, :, None] - spans[0].start, columns[column][:, None] - spans[1].start
        ]
        value = np.einsum("nij,ni,nj->n", taken, down[row], across[column])
        weights = np.where(row, share[:, 0], 1 - share[:, 0])
        total += value * weights * np.where(column, share[:, 1], 1 - share[:, 1])
    values[inside] = total
    return values


def _taps(
    fine: NDArray[np.int64], scale: int, length: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the four pixels that each fine pixel is computed from, and their weights."""
    taps, weights = cubic_taps((fine + 0.5) / scale - 0.5)
    return mirrored(taps, length), weights
