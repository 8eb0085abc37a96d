"""The moments of a plane from those of its tiles, held in one piece of memory.

Letters: N images, C channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sr_kernels.plane_moments import merged

if TYPE_CHECKING:
    from torch import Tensor


class MomentsOfTiles:
    """Collects means and sums of squared deviations tile by tile.

    A small tensor for each tile would lie between the tiles' large ones, and keep the C library
    from using that memory again: over a stage, hundreds of megabytes.

    Parameters
    ----------
    most : int
        How many tiles there may be.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: list[int] = []
        self._kept: Tensor | None = None

    def add(self, count: int, mean: Tensor, deviations: Tensor) -> None:
        """Add a tile of so many pixels: its moments, (N, C, 1, 1). One without pixels has none."""
        if not count:
            return
        if self._kept is None:
            self._kept = mean.new_empty((self._most, 2, *mean.shape))
        place = len(self._counts)
        self._kept[place, 0] = mean
        self._kept[place, 1] = deviations
        self._counts.append(count)

    def merged(self) -> tuple[int, Tensor, Tensor]:
        """Return the number of pixels and the moments of all tiles together.

        Raises
        ------
        ValueError
            If no tile had a pixel.
        """
        kept = () if self._kept is None else self._kept
        parts = zip(self._counts, kept, strict=False)
        return merged((count, mean, deviations) for count, (mean, deviations) in parts)
