"""The last step of an enlargement by any factor: which pixels are shrunk, and to which.

A network that enlarges S times runs first; its result is then shrunk to the factor.

Symbols: S scale of the network, H x W pixels of the image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.planning.tiling import Region, scaled
from napari_sr.graph.factor import bounds
from napari_sr.layers.area_resize import Shrunk, shrink

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from napari_sr.graph.factor import Factor
    from napari_sr.graph.network import Network

UNIT = 64
"""Sides of blocks of the result are multiples of this, so that pyramids can halve them."""


@dataclass(frozen=True)
class Shrinking:
    """The last step of an enlargement by a factor."""

    scale: int
    """S."""
    factor: Factor

    @classmethod
    def of(cls, network: Network) -> Shrinking | None:
        """Return the last step of a network, or None if its result is not shrunk."""
        factor = network.factor
        return None if factor == network.scale else cls(network.scale, factor)

    def axis(self, size: int) -> Shrunk:
        """Return an axis of the network's result, for an image's axis of this length."""
        return Shrunk(size * self.scale, Fraction(self.scale) / self.factor)

    def target(self, region: Region) -> Region:
        """Return the pixels of the result that belong to a region of the image."""
        return Region(bounds(region.rows, self.factor), bounds(region.columns, self.factor))

    def reads(self, target: slice, size: int) -> slice:
        """Return the pixels of the image whose enlargement some pixels of the result need."""
        span = self.axis(size).reads(target)
        return slice(span.start // self.scale, -(-span.stop // self.scale))

    def side(self, side: int) -> int:
        """Return the side of a block of the result, for a block of the image with this side."""
        units = math.floor(side * self.factor) // UNIT
        return max(units * UNIT, min(UNIT, side))

    def most_read(self, side: int) -> int:
        """Return the largest number of pixels that `reads` returns for this many of the result."""
        found = self.axis(1 << 30).reads(slice(1 << 20, (1 << 20) + side))
        most: int = found.stop - found.start + 1
        return math.ceil(most / self.scale) + 1

    def apply(
        self,
        enlarged: NDArray[Any],
        core: Region,
        size: tuple[int, int],
        target: Region,
        dtype: DTypeLike,
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Shrink a part of the network's result.

        Parameters
        ----------
        enlarged : array of floats, (S * rows, S * columns) or (S * rows, S * columns, C)
            The network's result for the core.
        core : Region
            The part of the image that was enlarged, with all that `reads` returns.
        size : (int, int)
            H and W of the whole plane.
        target : Region
            Pixels of the result to compute.
        dtype : data type
            Type of the result. For integers, values are rounded and clipped to the type.

        Returns
        -------
        array, array
            The pixels before they are rounded, and in the type `dtype`.
        """
        down, across = (scaled(span, self.scale) for span in (core.rows, core.columns))
        axes = self.axis(size[0]), self.axis(size[1])
        spans = target.rows, target.columns
        unrounded = values = shrink(enlarged, (down.start, across.start), axes, spans)
        kind = np.dtype(dtype)
        if kind.kind in "ui":
            ends = np.iinfo(kind)
            values = np.rint(values).clip(ends.min, ends.max)
        return unrounded, values.astype(kind, copy=False)
