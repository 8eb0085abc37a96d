"""Read DICOM images and series slice by slice, with values such as Hounsfield units."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.files.identity import identity_of
from napari_sr.files.image import FileError
from napari_sr.files.lazy_image import Axis, LazyImage
from napari_sr.files.scientific.dicom_slices import (
    AXIAL,
    Slice,
    check_one_series,
    in_order,
    orientation_of,
    slices_of,
    spacing_of,
    thickness_of,
    uneven,
)
from napari_sr.files.scientific.needed import needed, reading
from napari_sr.files.windows import LazyArray, Window, lengths

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SUFFIXES = (".dcm", ".dicom", ".ima")
BUDGET = 64 * 2**20
"""Largest size of the decoded slices that are kept for the next window, in bytes."""
KEPT = (
    "Modality", "SeriesDescription", "SeriesInstanceUID", "ImageOrientationPatient",
    "ImagePositionPatient", "RescaleType",
)  # fmt: skip
"""DICOM elements that `LazyImage.details` holds. None of them names the patient."""

COLOURS = (
    "MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT",
)  # fmt: skip
"""Photometric interpretations that pydicom returns as grey or RGB."""

_KIND = "DICOM"
_UNIT = "millimeter"


def is_dicom(path: Path) -> bool:
    """Return whether a path is a file that begins like a DICOM file."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


class DicomPixels(LazyArray):
    """The pixels of a series, with the slope and intercept of each slice applied.

    Parameters
    ----------
    path : Path
        The file or folder.
    slices : sequence of Slice
        The slices, sorted.
    header : pydicom.Dataset
        The header of the first slice.
    """

    def __init__(self, path: Path, slices: Sequence[Slice], header: Any) -> None:
        self._path, self._slices = path, slices
        colours = int(header.get("SamplesPerPixel") or 1)
        stored = np.dtype(f"{'ui'[int(header.PixelRepresentation)]}{header.BitsAllocated // 8}")
        plane = (int(header.Rows), int(header.Columns), *([colours] if colours > 1 else []))
        self._dark = header.PhotometricInterpretation == "MONOCHROME1"
        self._bits = int(header.BitsStored)
        shape = (len(slices), *plane) if len(slices) > 1 else plane
        super().__init__(shape, _shown_type(stored, self._bits, slices))
        self._kept: OrderedDict[int, NDArray[Any]] = OrderedDict()
        self._lock = Lock()
        raw = all((one.slope, one.intercept) == (1.0, 0.0) for one in slices)
        fewer = raw and stored.kind == "u" and self._bits < 8 * stored.itemsize
        self.significant_bits = self._bits if fewer else None

    def _window(self, window: Window) -> NDArray[Any]:
        if len(self._slices) == 1:
            return self._slice(0)[window].copy()
        block = np.empty(lengths(window), self.dtype)
        for plane, number in zip(block, range(window[0].start, window[0].stop), strict=True):
            plane[...] = self._slice(number)[window[1:]]
        return block

    def _slice(self, number: int) -> NDArray[Any]:
        with self._lock:
            if number in self._kept:
                self._kept.move_to_end(number)
                return self._kept[number]
        found = self._decoded(self._slices[number])
        with self._lock:
            self._kept[number] = found
            while len(self._kept) > 1 and len(self._kept) * found.nbytes > BUDGET:
                self._kept.popitem(last=False)
        return found

    def _decoded(self, one: Slice) -> NDArray[Any]:
        pixels = needed("pydicom.pixels", _KIND)
        with reading(one.path, _KIND):
            values = pixels.pixel_array(one.path, index=one.frame or 0)
            if values.shape != self.shape[-values.ndim :]:
                raise ValueError(f"a slice has the shape {values.shape}, unlike the other slices")
            if self._dark:
                top = 2**self._bits - 1 if values.dtype.kind == "u" else -1
                values = (top - values.astype(np.int64)).astype(values.dtype)
            if (one.slope, one.intercept) != (1.0, 0.0):
                values = values * np.float64(one.slope) + np.float64(one.intercept)
            found: NDArray[Any] = values.astype(self.dtype)
            return found

    def __reduce__(self) -> tuple[Callable[[Path], Any], tuple[Path]]:
        return _pixels, (self._path,)


def _pixels(path: Path) -> Any:
    return open_dicom(path).pixels


def _shown_type(stored: np.dtype[Any], bits: int, slices: Sequence[Slice]) -> np.dtype[Any]:
    """Return a type that holds all values: integers if all slopes are 1, otherwise float32."""
    slopes, shifts = {one.slope for one in slices}, {one.intercept for one in slices}
    if slopes != {1.0} or not all(shift.is_integer() for shift in shifts):
        return np.dtype(np.float32)
    if shifts == {0.0}:
        return stored
    first = -(2 ** (bits - 1)) if stored.kind == "i" else 0
    low, high = first + int(min(shifts)), first + 2**bits - 1 + int(max(shifts))
    kinds = map(np.dtype, ("u1", "u2", "i2", "u4", "i4"))
    fits = (k for k in kinds if np.iinfo(k).min <= low and high <= np.iinfo(k).max)
    return next(fits, np.dtype(np.float64))


def open_dicom(path: Path, axes: str | None = None) -> LazyImage:
    """Open a DICOM image, or the series in a folder; slices are decoded when they are needed.

    Parameters
    ----------
    path : Path
        A file, or a folder with the files of one series; other files in the folder are ignored.
    axes : str, optional
        One letter per axis; by default, Z for slices, T for frames without a position, Y, X and S.

    Raises
    ------
    FileError
        If pydicom is missing, the files are damaged or belong to several series, or several slices
        have the same position.
    """
    pydicom = needed("pydicom", _KIND)
    with reading(path, _KIND, pydicom.errors.InvalidDicomError):
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        found = [(file, _header(pydicom, file)) for file in files if is_dicom(file)]
        found = [(file, header) for file, header in found if "Rows" in header]
        if not found:
            raise FileError(f"{path} holds no DICOM image")
        headers = [header for _, header in found]
        check_one_series(headers, path)
        _check_colours(headers[0], path)
        numbered = sorted(found, key=lambda pair: int(pair[1].get("InstanceNumber") or 0))
        slices = [one for file, header in numbered for one in slices_of(header, file)]
        slices, depths = in_order(slices, orientation_of(headers[0]), path)
        return _lazy(path, slices, depths, headers[0], axes)


def _header(pydicom: Any, file: Path) -> Any:
    return pydicom.dcmread(file, stop_before_pixels=True)


def _check_colours(header: Any, path: Path) -> None:
    meaning = str(header.PhotometricInterpretation)
    if meaning not in COLOURS or header.BitsAllocated not in (8, 16, 32):
        raise FileError(
            f"{path}: pixels of {header.BitsAllocated} bits as {meaning} cannot be read: convert "
            "the image to grey or RGB first"
        )


def _lazy(
    path: Path,
    slices: list[Slice],
    depths: NDArray[np.float64] | None,
    header: Any,
    axes: str | None,
) -> LazyImage:
    pixels = DicomPixels(path, slices, header)
    times = slices[0].frame is not None and depths is None
    letters = ("T" if times else "Z") * (len(slices) > 1) + "YX"
    letters += "S" * (int(header.get("SamplesPerPixel") or 1) > 1)
    files = [one.path for one in slices]
    places = _places(slices, depths, header)
    note = "it stores white as zero: its values are inverted to white - value"
    dark = header.PhotometricInterpretation == "MONOCHROME1"
    return LazyImage(
        pixels,
        letters if axes is None else axes,
        identity_of(files[0], pixels.shape, pixels.dtype, files) | {"path": str(path.absolute())},
        places={letter: place for letter, place in places.items() if letter in letters},
        name=str(header.get("SeriesDescription") or path.stem),
        significant_bits=pixels.significant_bits,
        chunks=(1, *pixels.shape[1:]) if len(slices) > 1 else pixels.shape,
        details={name: _plain(header.get(name)) for name in KEPT if header.get(name) is not None},
        notes=(*(uneven(depths) if depths is not None else ()), *([note] if dark else [])),
    )


def _places(
    slices: Sequence[Slice], depths: NDArray[np.float64] | None, header: Any
) -> dict[str, Axis]:
    """Return pixel sizes in mm, and origins if the image axes are parallel to the world's."""
    orientation = orientation_of(header)
    axial = orientation is not None and np.allclose(orientation, AXIAL, atol=1e-4)
    origin = slices[0].position if axial and slices[0].position else (0.0, 0.0, 0.0)
    places, spacing = {}, spacing_of(header)
    if spacing is not None:
        places = {"Y": Axis(spacing[0], origin[1], _UNIT), "X": Axis(spacing[1], origin[0], _UNIT)}
    step = float(np.median(np.diff(depths))) if depths is not None else thickness_of(header)
    if step:
        places["Z"] = Axis(step, origin[2], _UNIT)
    if header.get("FrameTime"):
        places["T"] = Axis(float(header.FrameTime), 0.0, "millisecond")
    return places


def _plain(value: Any) -> Any:
    """Convert a value of DICOM to JSON."""
    return str(value) if isinstance(value, str) else [float(number) for number in value]
