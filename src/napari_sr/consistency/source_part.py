"""The part of a source that a result shows: a plane, a region, the finished part of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.graph.factor import factor_in
from napari_sr.zoo.provenance import FACTOR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_sr.engine.image.arrays import ArrayLike, Layout
    from napari_sr.graph.factor import Factor

Spans = tuple[tuple[int, int], ...]
"""First index and the index after the last, for each axis."""


def part_of_source(record: Mapping[str, Any], layout: Layout) -> Spans | None:
    """Return the part of a source that a record's result shows; None for all of it.

    Parameters
    ----------
    record : mapping
        A record, which may be empty or read from a file.
    layout : Layout
        The whole source.

    Raises
    ------
    ValueError
        If the source does not have the part that the record names.
    """
    keys = [key for key in ("plane", "region", "kept") if record.get(key) is not None]
    if not keys:
        return None
    spans = [(0, size) for size in layout.shape]
    for at, index in enumerate(record.get("plane") or ()):
        spans[at] = (int(index), int(index) + 1)
    for letter, ends in zip("YX", record.get("region") or (), strict=False):
        spans[layout.axes.index(letter)] = (int(ends[0]), int(ends[1]))
    kept = record.get("kept") or ()
    for at, (start, stop) in enumerate(kept):
        first, factor = spans[at][0], factor_of(record) if layout.axes[at] in "YX" else 1
        if isinstance(factor, int):
            spans[at] = (first + int(start) // factor, first + -(-int(stop) // factor))
        else:  # only whole planes of such results are kept
            spans[at] = (first + round(int(start) / factor), first + round(int(stop) / factor))
    inside = all(0 <= a < b <= size for (a, b), size in zip(spans, layout.shape, strict=True))
    if not inside:
        raise ValueError(
            f"the result shows the part {tuple(spans)} of a larger source, got a source of shape "
            f"{layout.shape}"
        )
    return tuple(spans)


def factor_of(record: Mapping[str, Any]) -> Factor:
    """Return the enlargement that a record names."""
    return factor_in(str(record.get(FACTOR, record["scale"])))


def scales_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result's factor and its network's scale, as `pair_of` takes them.

    They are left out if the record has no factor, so that the shapes show the scale.

    Raises
    ------
    ValueError
        If the record's factor is no number.
    """
    if FACTOR not in record:
        return {}
    return {"scale": factor_of(record), "network_scale": int(record["scale"])}


def part_of_array(array: ArrayLike, spans: Spans) -> ArrayLike:
    """Return a part of an array: a view, or an array that reads pixels only when it is sliced.

    Parameters
    ----------
    array : array
        NumPy, dask, Zarr or similar.
    spans : tuple of (start, stop)
        The part, one pair per axis.
    """
    if isinstance(array, np.ndarray):
        part: ArrayLike = array[tuple(slice(*span) for span in spans)]
        return part
    return _PartOfArray(array, spans)


class _PartOfArray:
    """A part of an array, whose pixels are read only when it is sliced."""

    def __init__(self, array: ArrayLike, spans: Spans) -> None:
        self.dtype = array.dtype
        self.shape = tuple(stop - start for start, stop in spans)
        self._array, self._spans = array, spans

    def __getitem__(self, index: tuple[int | slice, ...]) -> Any:
        """Return pixels for one index per axis."""
        places: list[int | slice] = []
        for one, (start, _), size in zip(index, self._spans, self.shape, strict=True):
            if isinstance(one, slice):
                first, last, step = one.indices(size)
                places.append(slice(start + first, start + last, step))
            else:
                places.append(start + one)
        return self._array[tuple(places)]
