"""Write NIfTI images plane by plane, at the same position in the world as their source."""

from __future__ import annotations

import gzip
import json
import math
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np

from napari_sr.atomic_write import atomic_write
from napari_sr.files.image import FileError
from napari_sr.files.place import check_space
from napari_sr.files.scientific.needed import needed
from napari_sr.files.scientific.nifti import AFFINE, CODES, RECORD
from napari_sr.files.scientific.plane_rows import blocks, count
from napari_sr.files.units import METRES, SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_sr.engine.image.arrays import ArrayLike
    from napari_sr.files.lazy_image import Axis, LazyImage

ORDER = "CTZ"
"""The looped axes in the order in which NIfTI stores them, slowest first."""

_SPACES = {"micrometer": "micron", "millimeter": "mm", "meter": "meter"}
_TIMES = {"second": "sec", "millisecond": "msec", "microsecond": "usec"}
_NIFTI_1 = 2**15 - 1
"""Length in pixels of the longest axis that NIfTI-1 can hold."""


def enlarged_affine(affine: Any, scale: float) -> NDArray[np.float64]:
    """Return the matrix from the pixels of an enlarged image to the world.

    Parameters
    ----------
    affine : array_like, (4, 4)
        Matrix of the source, from pixels (X, Y, Z, 1) to the world. Pixel centres are whole
        numbers.
    scale : float
        Enlargement along X and Y. The image's outer edges do not move.
    """
    to_source = np.diag([1 / scale, 1 / scale, 1.0, 1.0])
    to_source[:2, 3] = 0.5 / scale - 0.5
    return np.asarray(affine, np.float64) @ to_source


def write_nifti(
    path: Path, pixels: ArrayLike, axes: str, image: LazyImage, scale: float, software: str
) -> Iterator[tuple[int, int]]:
    """Write a NIfTI file: NIfTI-1, or NIfTI-2 if an axis is too long for it.

    Parameters and yields are as in `other.write_other`. The axes are C, T, Z, Y and X; a last S is
    RGB or RGBA.

    Raises
    ------
    FileError
        If nibabel is missing, NIfTI cannot hold the image, the disk has no room for the file, or it
        cannot be written.
    """
    nibabel = needed("nibabel", "NIfTI")
    header = _header(nibabel, path, pixels, axes, image, scale, software)
    order = "".join(letter for letter in ORDER if letter in axes)
    packed = path.name.lower().endswith(".gz")
    size = math.prod(pixels.shape) * np.dtype(pixels.dtype).itemsize
    check_space(path, size // 2 if packed else size)
    total = count(pixels, axes, order)
    try:
        with atomic_write(path) as target, ExitStack() as stack:
            file: BinaryIO = target
            if packed:
                unnamed = gzip.GzipFile("", "wb", fileobj=target, mtime=0)
                file = cast("BinaryIO", stack.enter_context(unnamed))
            header.write_to(file)
            for number, block in enumerate(blocks(pixels, axes, order)):
                file.write(block.data)
                yield number + 1, total
    except OSError as error:
        raise FileError(f"{path} could not be written: {error.strerror or error}") from error


def _header(
    nibabel: Any,
    path: Path,
    pixels: ArrayLike,
    axes: str,
    image: LazyImage,
    scale: float,
    text: str,
) -> Any:
    colours = int(pixels.shape[axes.index("S")]) if "S" in axes else 0
    kind: Any = np.dtype(pixels.dtype)
    others = sorted(set(axes) - set("CTZYXS"))
    if others or (colours and kind != np.uint8):
        what = f"axes {axes}" if others else f"colours of {kind}, only of uint8"
        raise FileError(f"{path}: NIfTI cannot hold {what}")
    if colours:
        kind = np.dtype([(letter, np.uint8) for letter in "RGBA"[:colours]])
    sizes = {letter: int(size) for letter, size in zip(axes, pixels.shape, strict=True)}
    last = max("XYZTC".index(letter) for letter in axes if letter != "S")
    shape = [sizes.get(letter, 1) for letter in "XYZTC"[: last + 1]]
    header = (nibabel.Nifti1Header if max(shape) <= _NIFTI_1 else nibabel.Nifti2Header)()
    try:
        header.set_data_dtype(kind)
    except nibabel.spatialimages.HeaderDataError as error:
        raise FileError(f"{path}: NIfTI cannot hold {kind}") from error
    header.set_data_shape(shape)
    places = image.enlarged_places(scale)
    space, time = _set_place(header, image, places, scale)
    header.set_xyzt_units(space, time)
    header["descrip"] = text.encode("ascii", "replace")[:79]
    if image.record is not None:
        comment = RECORD + json.dumps(image.record).encode("ascii")
        header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", comment))
    return header


def _set_place(
    header: Any, image: LazyImage, places: Mapping[str, Axis], scale: float
) -> tuple[str, str]:
    """Set the affine and the time interval; return the units of space and time."""
    kept = image.details.get(AFFINE)
    known = [places[letter].unit for letter in "XYZ" if letter in places]
    unit = known[0] if known else ""
    space = _SPACES.get(unit, "mm" if unit in METRES else "unknown")
    if kept is not None:
        affine, codes = enlarged_affine(kept, scale), image.details.get(CODES, (0, 2))
    else:
        affine, codes = _affine_of(places, space), (0, 1)
    header.set_qform(affine, int(codes[0]))
    header.set_sform(affine, int(codes[1]))
    time = places.get("T")
    if time is None or time.unit not in SECONDS or len(header.get_data_shape()) < 4:
        return space, "unknown"
    zooms = list(header.get_zooms())
    named = _TIMES.get(time.unit)
    zooms[3] = time.size if named else time.size * SECONDS[time.unit]
    header.set_zooms(zooms)
    return space, named or "sec"


def _affine_of(places: Mapping[str, Axis], space: str) -> NDArray[np.float64]:
    """Return the matrix of an image whose axes are parallel to the world's, in the unit `space`."""
    affine = np.eye(4)
    target = next((name for name, short in _SPACES.items() if short == space), "millimeter")
    for row, letter in enumerate("XYZ"):
        if letter in places:
            place = places[letter]
            factor = METRES[place.unit] / METRES[target] if place.unit in METRES else 1.0
            affine[row, row], affine[row, 3] = place.size * factor, place.origin * factor
    return affine
