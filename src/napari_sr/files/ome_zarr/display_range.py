"""Display ranges of float channels, which are known only when all pixels are written."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.files.ome_zarr.documents import read_node
from napari_sr.files.ome_zarr.folder import mark

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import zarr

    from napari_sr.engine.image.arrays import Layout


def unknown_ranges(layout: Layout, channels: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the numbers of the channels whose display range only their pixels can tell.

    Floats have any range; that of integers is the range of their type, and that of colours 0 to 1.
    """
    if layout.dtype.kind != "f" or layout.samples:
        return []
    return [number for number, one in enumerate(channels) if not {"start", "end"} <= {*_of(one)}]


def _of(channel: Mapping[str, Any]) -> Mapping[str, Any]:
    window: Mapping[str, Any] = channel.get("window", {})
    return window


def set_display_ranges(
    path: Path, letters: str, level: zarr.Array[Any], numbers: Sequence[int]
) -> None:
    """Set the display ranges of channels to the range of their pixels.

    A channel of one value, or of none, keeps its range.

    Parameters
    ----------
    path : Path
        The folder of the image.
    letters : str
        Axes in stored order.
    level : Zarr array
        The coarsest level of the image.
    numbers : sequence of int
        The channels.
    """
    node = read_node(path)
    if node is None or not numbers:
        return
    omero = node.ome["omero"]
    channels = [dict(one) for one in omero["channels"]]
    for number in numbers:
        low, high = _span(level, letters, number)
        if low < high:
            channels[number]["window"] = {"min": low, "max": high, "start": low, "end": high}
    changed = {**omero, "channels": channels}
    if "ome" in node.attributes:
        mark(path, "ome", {"omero": changed})
    else:
        mark(path, "omero", changed)


def _span(level: zarr.Array[Any], letters: str, number: int) -> tuple[float, float]:
    """Return the smallest and the largest finite value of a channel, (inf, -inf) without any."""
    looped = [
        [number] if letter == "C" else range(size)
        for letter, size in zip(letters[:-2], level.shape[:-2], strict=True)
    ]
    low, high = np.inf, -np.inf
    for plane in product(*looped):
        values = np.asarray(level[plane])
        values = values[np.isfinite(values)]
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    return low, high
