"""Alpha is opacity, not light: it keeps the range of its type, whatever black and white are.

Letters: H x W pixels, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.arrays import ValueRange

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

ROUNDING = 1e-6
"""Error of a bicubic sum in float32: opacity so near to an end of its range is the end."""


@dataclass(frozen=True)
class PlaneRange:
    """The map between one plane's values and the networks' 0..1: colours, and alpha apart."""

    colours: ValueRange
    opacity: ValueRange | None = None
    """None where the plane has no alpha."""

    @classmethod
    def of(cls, colours: ValueRange, pixels: NDArray[Any]) -> PlaneRange:
        """Return the map of a plane, (H, W, C), whose C is 4 where it has alpha."""
        has_alpha = pixels.shape[-1] == 4
        return cls(colours, opacity_range(pixels[..., 3]) if has_alpha else None)

    def encode(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """Map (H, W, C) to 0..1: opaque is 1."""
        encoded = self.colours.encode(pixels)
        if self.opacity is not None:
            encoded[..., 3] = self.opacity.encode(pixels[..., 3])
        return encoded

    def decode(self, values: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
        """Map (H, W, C) back; integers are rounded and clipped to their type."""
        if self.opacity is None:
            return self.colours.decode(values, dtype)
        alpha = values[..., 3].astype(np.float64)
        end = np.rint(alpha)
        alpha = np.where(np.abs(alpha - end) <= ROUNDING, end, alpha)
        decoded = np.empty(values.shape, dtype)
        decoded[..., :3] = self.colours.decode(values[..., :3], dtype)
        decoded[..., 3] = self.opacity.decode(alpha, dtype)
        return decoded


def opacity_range(alpha: NDArray[Any]) -> ValueRange:
    """Return what is transparent and what is opaque in a plane's alpha, (H, W).

    From 0 to the largest integer of the type, or to 1 for floats. Values outside, such as 255
    in floats, widen the range, so that they come back as they are. NaN does not count.
    """
    full = np.iinfo(alpha.dtype).max if alpha.dtype.kind in "ui" else 1.0
    low = float(np.fmin.reduce(alpha, axis=None, initial=0))
    high = float(np.fmax.reduce(alpha, axis=None, initial=full))
    return ValueRange(low, high)
