"""Save pixels with their position, channels and record as OME-TIFF or OME-Zarr."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.arrays import layout_of
from napari_sr.files.image import FileError
from napari_sr.files.large_tiff import fits_ome, write_large_tiff
from napari_sr.files.ome import AXES
from napari_sr.files.place import check_place
from napari_sr.files.xmp_record import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import DTypeLike

    from napari_sr.engine.image.arrays import ArrayLike
    from napari_sr.files.lazy_image import LazyImage

TIFF = (".tif", ".tiff", ".btf", ".tf8")
ZARR = (".zarr",)
SIDE = 1024
"""Side in pixels of the blocks in which an OME-Zarr is written."""


def save(
    path: Path,
    image: LazyImage,
    levels: Sequence[ArrayLike] = (),
    *,
    software: str,
    overwrite: bool = False,
) -> Iterator[tuple[int, int]]:
    """Save an image in the format that the path's suffix names.

    A TIFF appears at `path` only when it is complete. An unfinished OME-Zarr is marked as such.

    Parameters
    ----------
    path : Path
        The path, which ends in .tif, .tiff or .zarr.
    image : LazyImage
        Pixels, axes, positions, channels, name and record.
    levels : sequence of array
        Coarser levels of the image, for a TIFF. For an OME-Zarr, they are computed instead.
    software : str
        The software that computed the pixels.
    overwrite : bool
        Whether to replace an existing file. Folders are never replaced.

    Yields
    ------
    (done, total) : int, int
        Number of parts written so far, and of all parts.

    Raises
    ------
    FileError
        If the format cannot hold the image, or the file cannot be written.
    """
    check(path, image.axes, image.pixels.dtype, overwrite=overwrite)
    axes = _named(image.axes)
    places = {
        now: image.places[own]
        for own, now in zip(image.axes, axes, strict=True)
        if own in image.places
    }
    image = replace(image, axes=axes, places=places)
    if path.suffix.lower() in ZARR:
        yield from _save_zarr(path, image, software)
        return
    pixels = (image.pixels, *levels)
    image = replace(image, record=_with_origin(image))
    yield from write_large_tiff(path, pixels, image.axes, image, 1, software)


def check(path: Path, axes: str, dtype: DTypeLike, *, overwrite: bool = False) -> None:
    """Check that an image can be saved, before it is computed.

    Parameters
    ----------
    path : Path
        Path to save it at.
    axes : str
        One letter per axis; a last S is RGB or RGBA.
    dtype : data type
        Type of the pixels.
    overwrite : bool
        Whether to replace an existing file.

    Raises
    ------
    FileError
        If the path cannot be written, or the format cannot hold the image.
    """
    kind, samples = np.dtype(dtype), "S" if axes.endswith("S") else ""
    named = _named(axes)
    if path.suffix.lower() in ZARR:
        if path.exists():
            raise FileError(f"{path} exists: give another name")
        return
    check_place(path, (*TIFF, *ZARR), overwrite=overwrite)
    if not fits_ome(named, kind, samples):
        raise FileError(
            f"{path.name}: an OME-TIFF holds integers of up to 32 bits and floats of 32 or 64, "
            f"not {kind}"
        )


def _named(axes: str) -> str:
    """Replace letters that OME does not have by unused letters of OME, from the last axis on.

    Raises
    ------
    FileError
        If no letter is left.
    """
    known = (*AXES, "Y", "X", "S")
    free = [
        letter for letter in "ZTC" if letter not in axes and not (letter == "C" and "S" in axes)
    ]
    letters = list(axes)
    for at, letter in reversed(list(enumerate(axes))):
        if letter not in known:
            if not free:
                raise FileError(f"OME has only the axes T, Z, C, Y and X, got the axes {axes}")
            letters[at] = free.pop(0)
    return "".join(letters)


def _with_origin(image: LazyImage) -> Mapping[str, Any] | None:
    """Add the position of the first pixel to the record, because OME-TIFF cannot store it."""
    origins = {letter: place.origin for letter, place in image.places.items() if place.origin}
    return {**(image.record or {}), ORIGIN: origins} if origins else image.record


def _save_zarr(path: Path, image: LazyImage, software: str) -> Iterator[tuple[int, int]]:
    from napari_sr.files.ome_zarr import write as ome_zarr

    layout = layout_of(image.pixels.shape, image.pixels.dtype, image.axes)
    record = {} if image.record is None else {"record": dict(image.record)}
    writer = ome_zarr.create(
        path,
        layout,
        block=(SIDE, SIDE),
        places=image.places,
        channels=image.channels,
        name=image.name,
        provenance={"software": software, **record},
    )
    blocks = list(writer.blocks())
    for number, (plane, row, column) in enumerate(blocks):
        rows, columns = slice(row, row + SIDE), slice(column, column + SIDE)
        part = layout.read(image.pixels, plane, rows, columns)
        writer.write(plane, row, column, np.ascontiguousarray(part))
        yield number + 1, len(blocks)
    writer.finish()
