"""Open all levels of an OME-Zarr image; a viewer shows the level that fits the screen."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.files.ome_zarr.arrangement import arranged
from napari_sr.files.ome_zarr.block_writer import OURS
from napari_sr.files.ome_zarr.locate import find_image
from napari_sr.files.ome_zarr.multiscale import count_of_levels
from napari_sr.files.ome_zarr.pixels import zarr_pixels
from napari_sr.files.ome_zarr.read import open_ome_zarr
from napari_sr.files.ome_zarr.write import open_writer

if TYPE_CHECKING:
    from pathlib import Path

    import zarr

    from napari_sr.engine.image.arrays import ArrayLike
    from napari_sr.files.lazy_image import LazyImage
    from napari_sr.files.ome_zarr.block_writer import OmeZarrWriter
    from napari_sr.files.ome_zarr.documents import Node
    from napari_sr.files.windows import WindowedArray


PART = 1024
"""Approximate side of a dask chunk in pixels. A level of 1000 x 1000 pixels, stored in chunks of
64, is read in 0.2 s; it takes 1.1 s if dask reads each stored chunk separately."""


@dataclass(frozen=True)
class Pyramid:
    """An image with several levels, read window by window."""

    image: LazyImage
    """The finest level, with the metadata of the image."""
    levels: tuple[Any, ...]
    """All levels as dask arrays, finest first, with the axes of `image`."""


def open_pyramid(path: Path) -> Pyramid:
    """Open an OME-Zarr image with all its levels, or a Zarr array, without reading pixels.

    If napari-sr is still writing the image, only the levels that are written block by block are
    opened, because the coarser levels are still empty.

    Parameters
    ----------
    path : Path
        As for `open_ome_zarr`. If it is a level of an image, only that level is opened.

    Raises
    ------
    FileError
        As `open_ome_zarr` does.
    """
    image = open_ome_zarr(path)
    node = find_image(path)
    if node.kind == "array":
        return Pyramid(image, (as_dask(image.pixels, image.chunks),))
    coarser = (open_ome_zarr(path, level=level) for level in range(1, _levels(node)))
    return Pyramid(image, tuple(as_dask(one.pixels, one.chunks) for one in (image, *coarser)))


def _levels(node: Node) -> int:
    """Return the number of levels that contain pixels."""
    ours = node.attributes.get(OURS)
    if isinstance(ours, dict) and ours.get("complete") is False:
        return len(open_writer(node.path).levels_of_blocks)
    return count_of_levels(node)


def views(writer: OmeZarrWriter, levels: tuple[zarr.Array[Any], ...]) -> tuple[Any, ...]:
    """Return levels of an image that is being written: dask arrays with the axes of the run.

    Parameters
    ----------
    writer : OmeZarrWriter
        The image.
    levels : tuple of Zarr arrays
        Some of its levels. Pixels of blocks that are not written yet are 0.
    """
    order = _stored_axes(writer)
    chunks = (tuple(level.chunks[axis] for axis in order) for level in levels)
    return tuple(map(as_dask, arrays(writer, levels), chunks))


def arrays(writer: OmeZarrWriter, levels: tuple[zarr.Array[Any], ...]) -> tuple[WindowedArray, ...]:
    """Return levels of an image that is being written, which read slices immediately.

    Importing dask takes a second of processor time, which a run on the command line need not spend.

    Parameters
    ----------
    writer, levels
        As for `views`.
    """
    order = _stored_axes(writer)
    return tuple(zarr_pixels(level, order, writer.path) for level in levels)


def _stored_axes(writer: OmeZarrWriter) -> tuple[int, ...]:
    """Return the number of the stored axis for each axis of the run."""
    stored = arranged(writer.layout).letters
    letters = writer.layout.axes
    if writer.layout.samples:
        letters = f"{letters[:-1]}C"
    return tuple(stored.index(letter) for letter in letters)


def as_dask(pixels: ArrayLike, chunks: tuple[int, ...] | None) -> Any:
    """Return a dask array, which reads slices only when they are computed.

    napari slices the displayed axes of a level first, and only then takes one plane along the
    others. An array that reads immediately would read all planes.

    Parameters
    ----------
    pixels : array
        One level.
    chunks : tuple of int, optional
        Shape of the chunks that can only be decoded as a whole.
    """
    dask_array: Any = import_module("dask.array")
    meta = np.empty((0,) * len(pixels.shape), pixels.dtype)
    parts: Any = "auto" if chunks is None else tuple(map(_side, chunks))
    # name=False gives each array a new name, because the content of a folder may change
    return dask_array.from_array(pixels, chunks=parts, name=False, meta=meta)


def _side(chunk: int) -> int:
    """Return the side of a dask chunk, which joins small stored chunks up to about `PART`."""
    return chunk if chunk == 1 else chunk * max(1, PART // chunk)
