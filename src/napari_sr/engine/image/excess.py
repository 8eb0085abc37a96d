"""Keep values from a network that it was never trained on: clip them, and interpolate the rest.

Some networks break down beyond black and white: at three pixels of 1.2 times white, results of BSRN
are up to 700 times white, all over the plane. Their input is clipped. What was cut off is enlarged
by bicubic interpolation (Keys, 1981, https://doi.org/10.1109/TASSP.1981.1163711) and added to the
result, so bright pixels keep their brightness. Planes within the limits are not touched.

Symbols: H x W pixels of a plane, C channels, S scale.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_sr.engine.image.sampling import cubic_taps, mirrored
from napari_sr.layers.resize import SHRINKING, corrected, radius_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_sr.engine.image.plane_values import PlaneValues

REACH = 2
"""Pixels of the plane on each side that an interpolated pixel depends on."""
COLOURS = 3
"""Number of channels that are not alpha, at most."""


class Excess:
    """The values of a plane beyond the limits of a network.

    Parameters
    ----------
    values : PlaneValues
        The plane.
    limits : (low, high)
        The values that the network may get, where 0 is black and 1 is white.
    corrections : int
        How many times the enlarged excess is corrected to agree with the excess: see
        `zoo.consistent`.
    """

    def __init__(
        self, values: PlaneValues, limits: tuple[float, float], corrections: int = 0
    ) -> None:
        self._values = values
        self._limits = limits
        self._corrections = corrections
        low, high = values.ends
        self.exists = low < limits[0] or limits[1] < high
        """Whether the plane has values beyond the limits."""

    def clipped(self, encoded: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a part of the plane, (..., C), without its excess; alpha is not clipped."""
        if self.exists:
            colours = encoded[..., :COLOURS]
            np.clip(colours, *self._limits, out=colours)
        return encoded

    def added(
        self, values: NDArray[np.float32], rows: slice, columns: slice, scale: int
    ) -> NDArray[np.float32]:
        """Return a part of a result, (S * rows, S * columns, C), with the enlarged excess."""
        excess = self.enlarged(rows, columns, scale)
        return values if excess is None else values + excess

    def enlarged(self, rows: slice, columns: slice, scale: int) -> NDArray[np.float32] | None:
        """Return the excess in some rows and columns, (S * rows, S * columns, C); None if none.

        Parameters
        ----------
        rows, columns : slice
            Rows and columns of the plane.
        scale : int
            S.
        """
        if not self.exists:
            return None
        around = self._corrections * (SHRINKING + radius_of(scale))
        pixels, reach = self._values.pixels, REACH + around
        for axis, span in enumerate((rows, columns)):
            places = np.arange(span.start - reach, span.stop + reach)
            # the border is mirrored, as in `imresize`
            pixels = pixels.take(mirrored(places, pixels.shape[axis]), axis)
        encoded = self._values.encode(pixels)
        excess = encoded - self.clipped(encoded.copy())
        if not excess.any():
            return None
        across = _along_rows(excess.swapaxes(0, 1), scale).swapaxes(0, 1)
        return self._corrected(excess, _along_rows(across, scale), around, scale)

    def _corrected(
        self, excess: NDArray[np.float32], large: NDArray[np.float32], around: int, scale: int
    ) -> NDArray[np.float32]:
        """Correct the enlarged excess, and cut off the pixels around it that this needs."""
        if not self._corrections:
            return large
        small = torch.from_numpy(excess[REACH:-REACH, REACH:-REACH]).permute(2, 0, 1)
        result = torch.from_numpy(large).permute(2, 0, 1)
        for _ in range(self._corrections):
            result = corrected(small, result, scale)
        inside = slice(scale * around, -scale * around)
        return result[:, inside, inside].permute(1, 2, 0).numpy()


def _along_rows(pixels: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    """Enlarge (H + 2 * REACH, W, C) to (S * H, W, C); a fixed order of sums keeps tiles equal."""
    height = len(pixels) - 2 * REACH
    larger = np.empty((scale * height, *pixels.shape[1:]), np.float32)
    for phase, (first, weights) in enumerate(_taps(scale)):
        total = pixels[first : first + height] * weights[0]
        for number in range(1, len(weights)):
            total += pixels[first + number : first + number + height] * weights[number]
        larger[phase::scale] = total
    return larger


@lru_cache(maxsize=8)
def _taps(scale: int) -> tuple[tuple[int, NDArray[np.float32]], ...]:
    """Return for each of S new pixels the first of four pixels, and Keys' weights of the four."""
    pixels, weights = cubic_taps((np.arange(scale) + 0.5) / scale - 0.5)
    return tuple(zip((pixels[:, 0] + REACH).tolist(), weights.astype(np.float32), strict=True))
