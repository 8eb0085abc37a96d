"""Find black and white of an image from some of its blocks, before a run by blocks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.value_range import SAMPLES, Percentiles, check_values, value_range_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_sr.engine.execution.block_reader import BlockReader
    from napari_sr.engine.image.plane_values import ValueRange

LOOKED_AT = 3
"""Number of blocks that are read before a run, to warn of a value range that does not fit."""
SAMPLED = 64
"""Largest number of blocks, evenly spread, from which percentiles are computed."""


def value_range(
    reader: BlockReader, declared: tuple[float, float] | Percentiles | None, *, has_weights: bool
) -> ValueRange:
    """Read some blocks of an image, and return its black and white.

    Parameters
    ----------
    reader : BlockReader
        Reads the image.
    declared : (low, high) or Percentiles, optional
        Black and white as the user declared them. Percentiles are computed from `SAMPLED` blocks.
    has_weights : bool
        Whether the network has weights. For interpolation, which has none, there are no warnings
        of faint images.

    Raises
    ------
    ValueError
        As `value_range_of` does, or if a block has infinite values.
    """
    percentiles = isinstance(declared, Percentiles)
    image = _sample(reader, SAMPLED if percentiles else LOOKED_AT)
    layout = layout_of(image.shape, image.dtype, "YXS"[: image.ndim])
    check_values(image, layout, declared, has_weights=has_weights)
    return value_range_of(image, layout, declared)


def _sample(reader: BlockReader, most: int) -> NDArray[Any]:
    """Return pixels of some blocks side by side, (1, pixels) or (1, pixels, C)."""
    grid = reader.grid
    places = np.linspace(0, grid.count - 1, min(most, grid.count))
    numbers = sorted({round(place) for place in places})
    step = max(1, math.ceil(math.sqrt(grid.rows * grid.columns * len(numbers) / SAMPLES)))
    parts = (reader.core(grid.block(number))[::step, ::step] for number in numbers)
    tail = (-1, grid.layout.channels) if grid.layout.samples else (-1,)
    return np.concatenate([part.reshape(1, *tail) for part in parts], axis=1)
