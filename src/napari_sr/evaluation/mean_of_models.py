"""Mean and spread over the results of several models, with equal weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.plane_values import ValueRange

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_sr.engine.execution.upscale import Upscaled

VALUES_AT_ONCE = 2**20
"""Number of values that are added at a time."""


class MeanOfModels:
    """Mean and spread over the views of several models, with equal weights."""

    def __init__(self) -> None:
        self._mean: Any = None
        self._squares: Any = None
        self._records: list[dict[str, object]] = []

    def add(self, found: Upscaled) -> None:
        """Add the result of a model. Its arrays may be kept and overwritten."""
        self._records.append(found.record)
        number = len(self._records)
        spread = found.spread
        if number == 1:
            self._mean = found.pixels
            self._squares = np.zeros(found.pixels.shape, np.float32) if spread is None else spread
            np.square(self._squares, out=self._squares)
            return
        arrays = (self._mean, self._squares, found.pixels)
        mean, squares, pixels = (one.reshape(-1) for one in arrays)
        for start in range(0, mean.size, VALUES_AT_ONCE):
            part = slice(start, start + VALUES_AT_ONCE)
            step = pixels[part] - mean[part]
            mean[part] += step / number
            squares[part] += step * (pixels[part] - mean[part])
            if spread is not None:
                squares[part] += spread.reshape(-1)[part] ** 2

    def end(
        self, dtype: np.dtype[Any]
    ) -> tuple[NDArray[Any], NDArray[np.float32], dict[str, object]]:
        """Return mean, spread and record; a mean of integers is rounded and clipped."""
        spread: NDArray[np.float32] = self._squares
        spread /= len(self._records)
        np.sqrt(spread, out=spread)
        mean = self._mean
        if mean.dtype != dtype:
            mean = ValueRange(0.0, 1.0).decode(mean, dtype)
        values = self._records[0]["value_range"]
        return mean, spread, {"models": self._records, "value_range": values}
