"""Values of one plane for a network whose author describes the processing of pixels.

Symbols: H x W pixels, C channels, S scale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.plane_values import Bounds, PlaneValues, ValueRange

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from napari_sr.engine.image.conversion import Filled
    from napari_sr.graph.processing import Processing

STORED = (0.0, 1.0)
"""The range of values with which pixels enter as they are stored."""
_LARGEST = float(np.finfo(np.float32).max)


class DescribedValues(PlaneValues):
    """Values of one plane that are converted as the network's author describes.

    No result is implausible: only the author knows its unit.

    Parameters
    ----------
    plane : Filled, (H, W, C)
        Pixels of the image; the whole plane if the processing needs statistics.
    dtype : data type
        Floating-point type of the result.
    processing : Processing
        The processing.

    Raises
    ------
    ValueError
        If the processing does not take these pixels, or they are a part of a plane whose
        statistics it needs.
    """

    def __init__(self, plane: Filled, dtype: DTypeLike, processing: Processing) -> None:
        if processing.gathers and plane.whole is not None:
            raise ValueError(
                "the model normalises pixels by statistics of a whole plane, but only a part of "
                f"{plane.pixels.shape[0]} x {plane.pixels.shape[1]} pixels was read"
            )
        self._fitted = processing.fitted(plane.pixels)
        self._plain = not processing.after
        super().__init__(plane, ValueRange(*STORED), dtype)
        self.beyond = 0

    def _set_ends(self, low: float, high: float) -> None:
        super()._set_ends(low, high)
        self.bounds = Bounds(-_LARGEST, _LARGEST)

    def encode(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """Map a part of the plane, (H, W, C), to what the network reads."""
        return self._fitted.enter(pixels)

    def decode(self, values: NDArray[Any], rows: slice, columns: slice, scale: int) -> NDArray[Any]:
        """Map a part of the network's output to the result; as `PlaneValues.decode`."""
        decoded = self._fitted.leave(values).astype(self._dtype)
        self._mark_missing(decoded, rows, columns, scale)
        return decoded

    def measure(self, unrounded: NDArray[Any], written: NDArray[Any]) -> None:
        """Measure nothing, because results of described models have no black and white."""

    @property
    def spread_unit(self) -> NDArray[np.float32]:
        """A standard deviation of 1 in the image's values, (C,).

        Raises
        ------
        ValueError
            If the output is processed, because a standard deviation cannot be.
        """
        if not self._plain:
            raise ValueError(
                "the model's output is processed after the network, so its uncertainty is unknown"
            )
        return super().spread_unit
