"""Write MRC images plane by plane, with pixel size and origin."""

from __future__ import annotations

import json
import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from napari_sr.atomic_write import atomic_write
from napari_sr.files.image import FileError
from napari_sr.files.place import check_space
from napari_sr.files.scientific.mrc import RECORD, STACK, UNIT
from napari_sr.files.scientific.needed import needed
from napari_sr.files.scientific.plane_rows import blocks, count
from napari_sr.files.units import METRES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_sr.engine.image.arrays import ArrayLike
    from napari_sr.files.lazy_image import Axis, LazyImage

HEADER = 1024
"""Bytes of the header."""
MODES = {"i1": 0, "i2": 1, "f4": 2, "u2": 6, "u1": 6, "f2": 12}
"""MRC's number of each data type; uint8 becomes uint16, as in mrcfile."""


@dataclass
class _Sums:
    """The statistics for the header, accumulated block by block."""

    low: float = math.inf
    high: float = -math.inf
    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, block: NDArray[Any]) -> None:
        values = block.astype(np.float64)
        self.low = min(self.low, float(values.min()))
        self.high = max(self.high, float(values.max()))
        self.count += values.size
        self.total += float(values.sum())
        self.squares += float(np.square(values).sum())

    def of_header(self) -> dict[str, float]:
        """Return minimum, maximum, mean and standard deviation, as the header holds them."""
        mean = self.total / self.count
        variance = max(self.squares / self.count - mean**2, 0.0)
        return {"dmin": self.low, "dmax": self.high, "dmean": mean, "rms": math.sqrt(variance)}


def write_mrc(
    path: Path, pixels: ArrayLike, axes: str, image: LazyImage, scale: float, software: str
) -> Iterator[tuple[int, int]]:
    """Write an MRC file.

    Parameters and yields are as in `other.write_other`. The axes are T, Z, Y and X.

    Raises
    ------
    FileError
        If mrcfile is missing, MRC cannot hold the image, the disk has no room for the file, or it
        cannot be written.
    """
    mrcfile = needed("mrcfile", "MRC")
    dtypes = needed("mrcfile.dtypes", "MRC")
    kind = np.dtype(pixels.dtype)
    if not set(axes) <= set("TZYX") or kind.str[1:] not in MODES:
        raise FileError(
            f"{path}: MRC holds int8, int16, uint16, float16 or float32 with axes T, Z, Y and X, "
            f"not {kind} with axes {axes}"
        )
    order = "".join(letter for letter in "TZ" if letter in axes)
    stored = np.dtype("u2") if kind == np.uint8 else kind
    check_space(path, math.prod(pixels.shape) * stored.itemsize)
    total, sums = count(pixels, axes, order), _Sums()
    try:
        with atomic_write(path) as file:
            _write_header(mrcfile, file, pixels, axes, order, image, scale, software)
            for number, block in enumerate(blocks(pixels, axes, order)):
                sums.add(block)
                file.write(np.ascontiguousarray(block, stored).data)
                yield number + 1, total
            _write_sums(file, sums, dtypes.HEADER_DTYPE)
    except OSError as error:
        raise FileError(f"{path} could not be written: {error.strerror or error}") from error


def _write_header(
    mrcfile: Any,
    file: BinaryIO,
    pixels: ArrayLike,
    axes: str,
    order: str,
    image: LazyImage,
    scale: float,
    software: str,
) -> None:
    """Let mrcfile write the header and reserve space for the pixels; seek to their start."""
    shape = [int(pixels.shape[axes.index(letter)]) for letter in order + "YX"]
    mode = MODES[np.dtype(pixels.dtype).str[1:]]
    places = image.enlarged_places(scale)
    extended = _extended(image.record)
    more = {"extended_header": extended, "exttyp": RECORD} if extended.size else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with mrcfile.new_mmap(file.name, tuple(shape), mode, overwrite=True, **more) as written:
            if order and (image.details.get(STACK) or order == "T"):
                written.set_image_stack()
            sizes = [_angstrom(places.get(letter), "size") for letter in "XYZ"]
            if any(sizes):
                written.voxel_size = tuple(sizes)
            origin = [_angstrom(places.get(letter), "origin") for letter in "XYZ"]
            written.header.origin = tuple(origin)
            written.add_label(software[:56])
    file.seek(HEADER + extended.nbytes)


def _extended(record: Mapping[str, Any] | None) -> NDArray[np.void]:
    """Return the extended header, which holds a record as JSON; empty if there is none."""
    text = b"" if record is None else json.dumps(record).encode("ascii")
    return np.frombuffer(text + b" " * (-len(text) % 16), "V1")


def _angstrom(place: Axis | None, name: str) -> float:
    """Return a size or an origin in angstroms; 0 if the value or its unit is unknown."""
    if place is None or place.unit not in METRES:
        return 0.0
    return float(getattr(place, name)) * (METRES[place.unit] / METRES[UNIT])


def _write_sums(file: BinaryIO, sums: _Sums, header: np.dtype[Any]) -> None:
    places: Any = header.fields
    for name, value in sums.of_header().items():
        file.seek(int(places[name][1]))
        file.write(np.array(value, np.float32).tobytes())
