"""Read MRC images, maps and stacks of electron microscopes, window by window."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.files.identity import identity_of
from napari_sr.files.image import FileError
from napari_sr.files.lazy_image import Axis, LazyImage
from napari_sr.files.raw_block import read_block
from napari_sr.files.scientific.needed import needed, reading
from napari_sr.files.windows import LazyArray, Window
from napari_sr.files.xmp_record import parsed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

SUFFIXES = (".mrc", ".mrcs", ".map", ".rec", ".st", ".ccp4")
STACK = "image stack"
"""Key in `LazyImage.details`: whether the planes are separate images, not a volume."""
UNIT = "angstrom"
RECORD = b"JSON"
"""Type of the extended header that holds the record of a run."""

_KIND = "MRC"
_AXES = {2: "YX", 3: "ZYX", 4: "TZYX"}


class MrcPixels(LazyArray):
    """The pixels of an MRC file.

    Parameters
    ----------
    path : Path
        The file.
    header : mrcfile header
        The header of the file.
    utils : module
        The module of mrcfile that reads headers.
    """

    def __init__(self, path: Path, header: Any, utils: Any) -> None:
        stored = np.dtype(utils.data_dtype_from_header(header))
        shape = utils.data_shape_from_header(header)
        super().__init__(shape, stored.newbyteorder("="))
        self._path, self._stored = path, stored
        self._offset = header.nbytes + int(header.nsymbt)
        end, size = self._offset + math.prod(shape) * stored.itemsize, path.stat().st_size
        if size < end:
            raise ValueError(
                f"its pixels should end at byte {end}, but the file ends at byte {size}"
            )

    def _window(self, window: Window) -> NDArray[Any]:
        with reading(self._path, _KIND), self._path.open("rb", buffering=0) as file:
            pixels = read_block(file, self._offset, self.shape, window, self._stored)
        return pixels.astype(self.dtype, copy=False)

    def __reduce__(self) -> tuple[Callable[[Path], Any], tuple[Path]]:
        return _pixels, (self._path,)


def _pixels(path: Path) -> Any:
    return open_mrc(path).pixels


def open_mrc(path: Path, axes: str | None = None) -> LazyImage:
    """Open an MRC file; pixels are read where they are sliced.

    Parameters
    ----------
    path : Path
        The file.
    axes : str, optional
        One letter per axis; by default, the last letters of "TZYX".

    Raises
    ------
    FileError
        If mrcfile is missing, or the file is damaged or of another kind.
    """
    mrcfile = needed("mrcfile", _KIND)
    utils = needed("mrcfile.utils", _KIND)
    with reading(path, _KIND):
        with mrcfile.open(path, header_only=True) as file:
            header, sizes = file.header.copy(), file.voxel_size.item()
            pixels = MrcPixels(path, header, utils)
        if pixels.dtype.kind not in "iuf":
            raise FileError(f"{path} holds {pixels.dtype}, not an image")
        places = _places(header, sizes)
        stack = int(header.ispg) == 0
        if stack:
            places.pop("Z", None)
        letters = _AXES[pixels.ndim] if axes is None else axes
        return LazyImage(
            pixels,
            letters,
            identity_of(path, pixels.shape, pixels.dtype),
            places={letter: place for letter, place in places.items() if letter in letters},
            name=path.stem,
            details={STACK: stack},
        )


def stored_record(path: Path) -> dict[str, Any] | None:
    """Return the record of a run in a file's extended header, or None if there is none.

    Raises
    ------
    FileError
        If mrcfile is missing, or the file is damaged.
    """
    mrcfile = needed("mrcfile", _KIND)
    with reading(path, _KIND), mrcfile.open(path, header_only=True) as file:
        if bytes(file.header.exttyp) != RECORD:
            return None
        text = file.extended_header.tobytes().rstrip(b"\0 ")
    return parsed(text.decode("ascii", "replace"))


def _places(header: Any, sizes: tuple[float, float, float]) -> dict[str, Axis]:
    """Return pixel sizes and origins; if the header has no origin, it comes from start indices."""
    origins = [float(header.origin[name]) for name in "xyz"]
    if not any(origins):
        starts = (header.nxstart, header.nystart, header.nzstart)
        origins = [int(start) * size for start, size in zip(starts, sizes, strict=True)]
    return {
        letter: Axis(float(size), float(origin), UNIT)
        for letter, size, origin in zip("XYZ", sizes, origins, strict=True)
        if math.isfinite(size) and size > 0
    }
