"""Read NIfTI images, window by window; neither pixel order nor affine is changed.

NIfTI stores the axes in the order X, Y, Z, T and so on, and X changes fastest. Arrays here have the
reverse order: X is last.
"""

from __future__ import annotations

import gzip
import math
import os
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.files.identity import identity_of
from napari_sr.files.image import FileError
from napari_sr.files.lazy_image import Axis, LazyImage
from napari_sr.files.raw_block import read_block
from napari_sr.files.scientific.needed import needed, reading
from napari_sr.files.units import unit_of
from napari_sr.files.windows import LazyArray, Window
from napari_sr.files.xmp_record import parsed

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SUFFIXES = (".nii", ".nii.gz")
LETTERS = "XYZTCAB"
"""Letters of the axes of a NIfTI array; C is the axis of several values per pixel."""
AFFINE, CODES, TEXT = "affine", "form codes", "descrip"
"""Keys in `LazyImage.details`: the 4 x 4 matrix from pixels to the world; the codes qform and
sform, which name the world's coordinate system; a description."""
RECORD = b"napari-sr record: "
"""Start of the comment in the header that holds the record of a run."""

_KIND = "NIfTI"
_TIMES = {"sec": "second", "msec": "millisecond", "usec": "microsecond"}


class NiftiPixels(LazyArray):
    """The pixels of a NIfTI file, with its slope and intercept applied.

    Parameters
    ----------
    path : Path
        The file.
    proxy : nibabel.arrayproxy.ArrayProxy
        nibabel's access to the stored array.
    """

    def __init__(self, path: Path, proxy: Any) -> None:
        kind = np.dtype(proxy.dtype)
        self._samples = len(kind.names or ())
        self._stored = kind[0] if self._samples else kind
        self._slope, self._inter = float(proxy.slope), float(proxy.inter)
        self._scaled = (self._slope, self._inter) != (1.0, 0.0)
        shape = (*map(int, proxy.shape[::-1]), *([self._samples] if self._samples else []))
        if self._scaled:
            exact = self._stored.kind in "iu" and self._stored.itemsize <= 2
            dtype = np.dtype(np.float32 if exact else np.float64)
        else:
            dtype = self._stored.newbyteorder("=")
        super().__init__(shape, dtype)
        self._offset, self._path = int(proxy.offset), path
        self._data = _unpacked(path, self) if path.name.lower().endswith(".gz") else path
        end = self._offset + math.prod(shape) * self._stored.itemsize
        if self._data.stat().st_size < end:
            raise ValueError(
                f"its pixels should end at byte {end}, but the file is shorter: it is cut off"
            )

    def _window(self, window: Window) -> NDArray[Any]:
        with reading(self._path, _KIND), self._data.open("rb", buffering=0) as file:
            pixels = read_block(file, self._offset, self.shape, window, self._stored)
        if self._scaled:
            pixels = pixels * np.float64(self._slope) + np.float64(self._inter)
        return pixels.astype(self.dtype, copy=False)

    def __reduce__(self) -> tuple[Callable[[Path], Any], tuple[Path]]:
        return _pixels, (self._path,)


def _pixels(path: Path) -> Any:
    return open_nifti(path).pixels


def _unpacked(path: Path, owner: object) -> Path:
    """Unpack a file to the temporary folder; delete the copy when `owner` is garbage-collected."""
    handle, name = tempfile.mkstemp(suffix=".nii", prefix="napari-sr-")
    weakref.finalize(owner, Path(name).unlink, missing_ok=True)
    with os.fdopen(handle, "wb") as file, gzip.open(path) as packed:
        shutil.copyfileobj(packed, file, 2**20)
    return Path(name)


def open_nifti(path: Path, axes: str | None = None) -> LazyImage:
    """Open a NIfTI image; pixels are read where they are sliced.

    Parameters
    ----------
    path : Path
        A .nii or .nii.gz file. A .nii.gz file is unpacked to the temporary folder first.
    axes : str, optional
        One letter per axis; by default, the last letters of "CTZYX".

    Raises
    ------
    FileError
        If nibabel is missing, or the file is damaged or of another kind.
    """
    nibabel = needed("nibabel", _KIND)
    own = (nibabel.filebasedimages.ImageFileError, nibabel.spatialimages.HeaderDataError)
    with reading(path, _KIND, *own):
        image = nibabel.load(path)
        if not isinstance(image, nibabel.Nifti1Image):  # NIfTI-2 images are instances, too
            raise FileError(f"{path} is not NIfTI, but {type(image).__name__}")
        pixels = NiftiPixels(path, image.dataobj)
        if pixels.dtype.kind not in "iuf" or len(image.shape) < 2:
            raise FileError(f"{path} holds {pixels.dtype} of shape {image.shape}, not an image")
        letters = LETTERS[: len(image.shape)][::-1] + "S" * (pixels.ndim > len(image.shape))
        return LazyImage(
            pixels,
            letters if axes is None else axes,
            identity_of(path, pixels.shape, pixels.dtype),
            places=_places(image),
            name=path.name.removesuffix(".gz").removesuffix(".nii"),
            details=_details(image),
        )


def stored_record(path: Path) -> dict[str, Any] | None:
    """Return the record of a run in a file's header, or None if there is none.

    Raises
    ------
    FileError
        If nibabel is missing, or the file is damaged.
    """
    nibabel = needed("nibabel", _KIND)
    own = (nibabel.filebasedimages.ImageFileError, nibabel.spatialimages.HeaderDataError)
    with reading(path, _KIND, *own):
        extensions = getattr(nibabel.load(path).header, "extensions", ())
        for extension in extensions:
            content = extension.get_content()
            text = content.encode() if isinstance(content, str) else bytes(content)
            if text.startswith(RECORD):
                return parsed(text.removeprefix(RECORD).rstrip(b"\0").decode("ascii", "replace"))
    return None


def _places(image: Any) -> dict[str, Axis]:
    """Return pixel sizes, and origins if the image axes are parallel to the world's."""
    space, time = image.header.get_xyzt_units()
    affine, zooms = np.asarray(image.affine), image.header.get_zooms()
    turned = affine[:3, :3] - np.diag(np.diag(affine)[:3])
    plain = not turned.any() and bool((np.diag(affine) > 0).all())
    places = {
        letter: Axis(float(zoom), float(affine[axis, 3]) if plain else 0.0, unit_of(space))
        for axis, (letter, zoom) in enumerate(zip("XYZ", zooms, strict=False))
        if zoom > 0
    }
    if len(zooms) > 3 and zooms[3] > 0 and time in _TIMES:
        places["T"] = Axis(float(zooms[3]), 0.0, _TIMES[time])
    return places


def _details(image: Any) -> dict[str, Any]:
    header = image.header
    text = bytes(header["descrip"]).rstrip(b"\0").decode("latin-1")
    return {
        AFFINE: np.asarray(image.affine, np.float64).tolist(),
        CODES: [int(header["qform_code"]), int(header["sform_code"])],
        **({TEXT: text} if text else {}),
    }
