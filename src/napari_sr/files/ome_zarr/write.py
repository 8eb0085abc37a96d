"""Create an OME-Zarr image, and open it to write blocks to every level of its pyramid.

A block is a rectangle of one plane. Blocks may be written in any order and by several processes
at once, because no two blocks share a file. Writing a block twice gives the same files.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.arrays import Layout
from napari_sr.files.image import FileError
from napari_sr.files.ome_zarr.arrangement import arranged
from napari_sr.files.ome_zarr.block_writer import OURS, OmeZarrWriter, Version
from napari_sr.files.ome_zarr.display_range import unknown_ranges
from napari_sr.files.ome_zarr.documents import read_node
from napari_sr.files.ome_zarr.folder import create_folder, make_room, open_levels
from napari_sr.files.ome_zarr.model import complete_channels, image_metadata
from napari_sr.files.ome_zarr.packages import check_packages
from napari_sr.files.ome_zarr.shards import levels_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_sr.files.lazy_image import Axis

__all__ = ["OmeZarrWriter", "create", "open_writer"]

_NOTHING: Mapping[str, Any] = MappingProxyType({})


def create(
    path: Path,
    layout: Layout,
    *,
    block: tuple[int, int],
    places: Mapping[str, Axis] = _NOTHING,
    channels: Sequence[Mapping[str, Any]] = (),
    name: str = "",
    version: Version = "0.5",
    provenance: Mapping[str, Any] = _NOTHING,
    overwrite: bool = False,
) -> OmeZarrWriter:
    """Create an OME-Zarr image without pixels.

    Parameters
    ----------
    path : Path
        The new folder, in a folder that exists.
    layout : Layout
        Axes, shape and data type of the image. The axes are stored as T, C, Z, Y, X.
    block : (int, int)
        Rows and columns of a block in pixels, preferably multiples of 512. Blocks at the lower and
        the right edge may be smaller.
    places : mapping of str to Axis
        Pixel size, origin and unit by axis letter; axes of unknown size are missing.
    channels : sequence of mapping
        One mapping per channel of axis C, as in OME-Zarr's `omero.channels`. Where floats have no
        display range, it becomes that of the pixels when the image is complete.
    name : str
        Name of the image, for display.
    version : {"0.5", "0.4"}
        Version of OME-Zarr.
    provenance : mapping
        How the image is computed, as JSON; stored in the attribute "napari_sr".
    overwrite : bool
        Whether to remove a Zarr image at `path` first.

    Raises
    ------
    FileError
        If the folder exists and must not be overwritten, or cannot be created, or if OME-Zarr
        cannot hold these axes, places or channels.
    """
    check_packages("zarr", "yaozarrs")
    path = Path(os.path.realpath(path))
    arrangement = arranged(layout)
    levels = levels_of(layout.height, layout.width, block)
    attributes = image_metadata(
        arrangement.letters,
        len(levels),
        places=places,
        channels=complete_channels(layout, channels),
        name=name,
        version=version,
    )
    written = _as_json(layout, block, version) | {"ranges": unknown_ranges(layout, channels)}
    attributes[OURS] = {**provenance, "complete": False, "written": written}
    try:
        make_room(path, overwrite=overwrite)
        create_folder(path, attributes, levels, arrangement, version)
    except OSError as error:
        raise FileError(f"{path} could not be written: {error.strerror or error}") from error
    return open_writer(path)


def _as_json(layout: Layout, block: tuple[int, int], version: Version) -> dict[str, Any]:
    """Return the data that `open_writer` needs, as JSON."""
    return {
        "axes": layout.axes,
        "shape": list(layout.shape),
        "colour": layout.samples,
        "dtype": layout.dtype.name,
        "block": list(block),
        "version": version,
    }


def open_writer(path: Path) -> OmeZarrWriter:
    """Open an image that `create` has created, to write more blocks.

    Raises
    ------
    FileError
        If the folder holds no such image, or its creation was interrupted.
    """
    check_packages("zarr")
    path = Path(os.path.realpath(path))
    node = read_node(path)
    written = {} if node is None else node.attributes.get(OURS, {}).get("written", {})
    if node is None or not written:
        raise FileError(f"{path} is not an OME-Zarr image that napari-sr began")
    readable, targets = open_levels(path, len(node.ome["multiscales"][0]["datasets"]))
    layout = Layout(
        written["axes"], tuple(written["shape"]), written["colour"], np.dtype(written["dtype"])
    )
    rows, columns = written["block"]
    return OmeZarrWriter(path, layout, (rows, columns), written["version"], readable, targets)
