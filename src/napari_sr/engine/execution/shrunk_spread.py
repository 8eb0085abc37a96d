"""The spread of an ensemble whose results are shrunk to a factor, such as 2.5.

The spread of means is not the mean of spreads: deviations of neighbouring pixels may cancel. So the
result of each view is shrunk, and the standard deviation is that of the shrunk results, by
Welford's method as in `ensemble`.

Symbols: S scale of the network, C channels, H x W pixels of the plane that the network reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.planning.tiling import scaled

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_sr.engine.planning.shrinking import Shrinking
    from napari_sr.engine.planning.tiling import Region


class ShrunkSpread:
    """The standard deviation of one plane's shrunk results, which arrive view by view.

    Parameters
    ----------
    shrinking : Shrinking
        The last step of the enlargement.
    size : (int, int)
        Height and width of the whole plane.
    """

    def __init__(self, shrinking: Shrinking, size: tuple[int, int]) -> None:
        self._shrinking, self._size = shrinking, size
        self._views = 0
        self._plane: NDArray[np.float32] = np.empty(0, np.float32)
        self._mean: NDArray[np.float32] = self._plane
        self._squares: NDArray[np.float32] = self._plane

    def aim(self, place: Region, target: Region) -> None:
        """Choose the part of the plane that the network reads, and the result's pixels."""
        self._place, self._target = place, target

    def begin(self, height: int, width: int, channels: int) -> None:
        """Begin with a plane of H x W pixels."""
        scale = self._shrinking.scale
        self._views = 0
        self._plane = np.empty((height * scale, width * scale, channels), np.float32)

    def put(self, rows: slice, columns: slice, values: Tensor) -> None:
        """Take a part of a view's result, (1, C, S * rows, S * columns) on the CPU."""
        scale = self._shrinking.scale
        part = values[0].permute(1, 2, 0).numpy()
        self._plane[scaled(rows, scale), scaled(columns, scale)] = part

    def end_view(self, missing: NDArray[np.bool_] | None) -> None:
        """Shrink a view's result, which is complete, and add it to mean and squared deviations.

        Parameters
        ----------
        missing : array, (H, W, C), optional
            Pixels of the plane without a value; `PlaneValues.missing`.
        """
        scale = self._shrinking.scale
        if missing is not None:
            self._plane[missing.repeat(scale, 0).repeat(scale, 1)] = np.nan
        shrunk, _ = self._shrinking.apply(
            self._plane, self._place, self._size, self._target, np.float32
        )
        self._views += 1
        if self._views == 1:
            self._mean, self._squares = shrunk, shrunk - shrunk  # NaN where there is no value
            return
        step = shrunk - self._mean
        self._mean += step / self._views
        self._squares += step * (shrunk - self._mean)

    def end(self, widths: NDArray[Any]) -> None:
        """Finish the plane; `widths`, (C,), is one in units of the image's values."""
        self._plane = self._mean = np.empty(0, np.float32)
        self._squares = np.sqrt(self._squares / self._views) * widths

    def take(self) -> NDArray[np.float32]:
        """Return the standard deviation of the finished plane, (H', W', C), and forget it."""
        found, self._squares = self._squares, np.empty(0, np.float32)
        return found
