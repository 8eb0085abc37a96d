"""A cheap check of a layer's values before a run; it runs in a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.runs.source import planes_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_sr.runs.source import Source

MAX_VALUES = 2**26
"""Largest number of values that are checked: 64 million take 0.08 s as float32."""


class PixelError(ValueError):
    """A layer has values that cannot be upscaled."""


def look_for_infinity(source: Source) -> None:
    """Raise an error if a sample of planes has infinite values; a run itself checks all planes.

    In an array in memory, as many planes are checked as `MAX_VALUES` allows, evenly spread. In a
    lazy array, whose planes may take long to read, only the middle plane is checked.

    Raises
    ------
    PixelError
        If a value is infinite; the message has their number and the position of the first.
    """
    if source.dtype.kind != "f":
        return
    planes = planes_of(source)
    size = int(np.prod(source.shape[-3:] if source.rgb else source.shape[-2:]))
    in_memory = type(source.data) is np.ndarray
    if size > MAX_VALUES and not in_memory:
        return
    if in_memory and size * len(planes) <= MAX_VALUES:
        _refuse_infinity(source, _pixels(source, source.plane or ()), source.axes)
        return
    step = -(-len(planes) // max(1, MAX_VALUES // size)) if in_memory else len(planes)
    for index in planes[step // 2 :: step]:
        _refuse_infinity(source, _pixels(source, index), "YXS" if source.rgb else "YX", index)


def _pixels(source: Source, index: tuple[int, ...]) -> NDArray[Any]:
    return np.asarray(source.data[index] if index else source.data)


def _refuse_infinity(
    source: Source, pixels: NDArray[Any], axes: str, index: tuple[int, ...] = ()
) -> None:
    from napari_sr.engine.image.arrays import layout_of
    from napari_sr.engine.image.value_range import check_values

    layout = layout_of(pixels.shape, pixels.dtype, axes[-pixels.ndim :])
    try:
        check_values(pixels, layout, (0.0, 1.0), has_weights=False)
    except ValueError as error:
        where = f" of plane {index}" if index else ""
        raise PixelError(f"The layer {source.name} cannot be upscaled: {error}{where}") from error
