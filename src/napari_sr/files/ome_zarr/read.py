"""Read OME-Zarr 0.1 to 0.5, and arrays of Zarr 2 and 3, window by window."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.axes import axes_of
from napari_sr.files.image import FileError
from napari_sr.files.lazy_image import LazyImage
from napari_sr.files.ome_zarr.channels import channels_of, is_colour
from napari_sr.files.ome_zarr.documents import Node, read_node
from napari_sr.files.ome_zarr.identity import identity_of
from napari_sr.files.ome_zarr.locate import find_image, is_zarr
from napari_sr.files.ome_zarr.multiscale import (
    described,
    image_around,
    letters_of,
    level_path,
    multiscale_name,
)
from napari_sr.files.ome_zarr.packages import check_packages
from napari_sr.files.ome_zarr.pixels import zarr_pixels

if TYPE_CHECKING:
    from pathlib import Path

    import zarr

__all__ = ["is_zarr", "open_ome_zarr"]


def open_ome_zarr(path: Path, axes: str | None = None, level: int = 0) -> LazyImage:
    """Open an OME-Zarr image or a Zarr array, without reading pixels.

    Parameters
    ----------
    path : Path
        The folder of the image, of one level of it, or of a group with only one image.
    axes : str, optional
        One letter per axis, in stored order; S, at any place, means RGB or RGBA. By default, the
        axes that the metadata name. Channels count as colours only if they are labelled red, green
        and blue.
    level : int
        Level of the pyramid; 0 is the finest. If `path` is a level, that level is opened.

    Returns
    -------
    LazyImage
        The image. Its axes are in stored order, except that colours are last.

    Raises
    ------
    FileError
        If there is no image, more than one, or one that cannot be read; or if the axes do not fit.
    """
    check_packages("zarr")
    node = find_image(path)
    if node.kind == "array":  # it may be a level of an image
        node, level = image_around(node) or (node, level)
    folder = node.path if node.kind == "array" else level_path(node, level)
    stored = read_node(folder)
    if stored is None or stored.kind != "array":
        raise FileError(f"{node.path} names the array {folder}, which is missing")
    array = _opened(folder)
    try:
        return _lazy(path, node, stored, array, axes, level)
    except ValueError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{folder}: {error}") from error


def _opened(folder: Path) -> zarr.Array[Any]:
    import zarr

    from napari_sr.files.ome_zarr.store import SourceStore

    try:
        return zarr.open_array(SourceStore(folder, read_only=True), mode="r")
    except (OSError, ValueError, KeyError, TypeError, NotImplementedError) as error:
        raise FileError(f"{folder} cannot be opened: {error}") from error


def _lazy(
    path: Path, node: Node, stored: Node, array: zarr.Array[Any], axes: str | None, level: int
) -> LazyImage:
    told = None
    if node.kind == "group":
        told = described(node, level, array.ndim)
        if told.letters is None and axes is None:
            raise FileError(
                f"an image needs one axis Y and one axis X, but the metadata of {node.path} name "
                f"the axes {told.names} of an array of shape {array.shape}: name them with axes="
            )
    channels = channels_of(node)
    names = _names(stored) if told is None else told.letters
    letters = _letters(axes, names, array, colour=is_colour(channels))
    order = _order(letters, array.shape, named=axes is None and names is not None)
    pixels = zarr_pixels(array, order, stored.path)
    shown = "".join(letters[axis] for axis in order)
    places = told.places if told is not None and told.places is not None else ()
    count = array.shape[letters.index("C")] if "C" in letters else 1
    return LazyImage(
        pixels=pixels,
        axes=axes_of(pixels.shape, pixels.dtype, shown),
        identity=identity_of(stored.path, stored.document, pixels.shape, pixels.dtype),
        places={
            letter: place
            for letter, place in zip(letters, places, strict=False)
            if letter not in "CS"
        },
        channels=channels if len(channels) == count and "S" not in letters else (),
        name=_name(path, node),
        chunks=tuple(array.chunks[axis] for axis in order),
        details=node.attributes,
        notes=() if told is None else told.notes,
    )


def _names(stored: Node) -> str | None:
    """Return letters for the axis names that the array stores, if Y and X are among them."""
    names = stored.attributes.get("_ARRAY_DIMENSIONS")  # xarray writes this in Zarr 2
    if stored.zarr_format == 3:
        names = json.loads(stored.document).get("dimension_names")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    return letters_of([{"name": name} for name in names])


def _letters(axes: str | None, names: str | None, array: zarr.Array[Any], *, colour: bool) -> str:
    """Return one letter per stored axis; S means colours.

    Raises
    ------
    ValueError
        If there are more or fewer letters than axes, or the axes are unnamed and cannot be guessed.
    """
    kind = np.dtype(array.dtype)
    if axes is not None:
        return axes if len(axes) == array.ndim else axes_of(array.shape, kind, axes)
    if names is None or len(names) != array.ndim:
        return axes_of(array.shape, kind)
    if colour and "C" in names and array.shape[names.index("C")] in (3, 4):
        return names.replace("C", "S")
    return names


def _order(letters: str, shape: tuple[int, ...], *, named: bool) -> tuple[int, ...]:
    """Return the stored axes in the order of the image: colours last, channels not last.

    A last axis C of length 3 or 4 would count as colour, so an axis that the metadata name C moves
    to the front.
    """
    order = list(range(len(letters)))
    if "S" in letters:
        order.append(order.pop(letters.index("S")))
    elif named and letters[-1] == "C" and shape[-1] in (3, 4):
        order.insert(0, order.pop())
    return tuple(order)


def _name(path: Path, node: Node) -> str:
    """Return the name that the metadata give, or the name of the folder without its suffixes."""
    name = multiscale_name(node) if node.kind == "group" else ""
    return name or path.name.removesuffix(".zarr").removesuffix(".ome")
