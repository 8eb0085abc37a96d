"""Open and write files of microscopes and medical scanners, recognised by content and name."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Any

from napari_sr.files.image import FileError
from napari_sr.files.place import check_place
from napari_sr.files.scientific import dicom, microscope, mrc, nifti
from napari_sr.files.scientific.mrc_writer import write_mrc
from napari_sr.files.scientific.nifti_writer import write_nifti

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_sr.engine.image.arrays import ArrayLike
    from napari_sr.files.lazy_image import LazyImage

WRITTEN = (*nifti.SUFFIXES, ".mrc", ".map", ".rec", ".st", ".mrcs")
"""Suffixes of the files that can be written."""
SUFFIXES = (*microscope.SUFFIXES, *nifti.SUFFIXES, *dicom.SUFFIXES, *mrc.SUFFIXES)
"""Suffixes of the files that can be read. DICOM files may have any name."""

_NIFTI = (b"n+1\0", b"ni1\0", b"n+2\0", b"ni2\0")
_HEAD = 512


def is_other(path: Path) -> bool:
    """Return whether a file or folder has one of these formats, by its content.

    Parameters
    ----------
    path : Path
        A file or a folder. A folder counts as a DICOM series if its first file is DICOM.
    """
    try:
        return _kind(path) is not None
    except (OSError, FileError):
        return False


def open_other(path: Path, axes: str | None = None) -> LazyImage:
    """Open a CZI, ND2, LIF, NIfTI or MRC file, or a DICOM image or series.

    Parameters
    ----------
    path : Path
        The file, or a folder with a DICOM series.
    axes : str, optional
        One letter per axis; by default, the axes that the file names.

    Raises
    ------
    FileError
        If the file is missing, damaged or of another kind, or needs a package that is missing; the
        message then names the extra to install.
    """
    try:
        kind = _kind(path)
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from error
    if kind is None:
        what = (
            "folder with a DICOM series"
            if path.is_dir()
            else "CZI, ND2, LIF, NIfTI, DICOM or MRC file"
        )
        raise FileError(f"{path} is not a {what}")
    if kind in microscope.READERS:
        return microscope.open_microscope(path, kind, axes)
    reader = {"nifti": nifti.open_nifti, "mrc": mrc.open_mrc, "dicom": dicom.open_dicom}[kind]
    return reader(path, axes)


def stored_in_other(path: Path) -> dict[str, Any] | None:
    """Return the record of a run in a NIfTI or MRC file; None if the file holds none.

    Raises
    ------
    FileError
        If the file is damaged, or needs a package that is missing.
    """
    try:
        kind = _kind(path)
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from error
    readers = {"nifti": nifti.stored_record, "mrc": mrc.stored_record}
    return readers[kind](path) if kind in readers else None


def write_other(
    path: Path,
    pixels: ArrayLike,
    axes: str,
    image: LazyImage,
    scale: float,
    software: str,
    *,
    overwrite: bool = False,
) -> Iterator[tuple[int, int]]:
    """Write a NIfTI or MRC file, by its suffix.

    `path` appears only when the file is complete. If the generator is closed early, no file
    remains.

    Parameters
    ----------
    path : Path
        The file; see `WRITTEN`.
    pixels : array
        The enlarged image, read window by window.
    axes : str
        One letter per axis of `pixels`.
    image : LazyImage
        The source, whose position in the world and metadata are written.
    scale : float
        Enlargement along Y and X.
    software : str
        The software that computed the pixels, in ASCII.
    overwrite : bool
        Whether to replace an existing file.

    Yields
    ------
    (done, total) : int, int
        Number of blocks of rows written so far, and of all blocks.

    Raises
    ------
    FileError
        If a package is missing, the format cannot hold the image, or the file cannot be written.
    """
    check_place(path, tuple({*WRITTEN, ".gz"} - {".nii.gz"}), overwrite=overwrite)
    if path.name.lower().endswith(nifti.SUFFIXES):
        yield from write_nifti(path, pixels, axes, image, scale, software)
    else:
        yield from write_mrc(path, pixels, axes, image, scale, software)


def _kind(path: Path) -> str | None:
    """Return "nifti", "mrc", "dicom", a key of `microscope.READERS`, or None."""
    if path.is_dir():
        return "dicom" if any(map(dicom.is_dicom, sorted(path.iterdir()))) else None
    with path.open("rb") as file:
        start = file.read(_HEAD)
    found = microscope.kind_of(start, path)
    if found is not None:
        return found
    name = path.name.lower()
    if name.endswith(".nii.gz"):
        start = _unpacked(path)
    if start[344:348] in _NIFTI or start[4:8] in _NIFTI:
        return "nifti"
    if start[128:132] == b"DICM":
        return "dicom"
    return "mrc" if start[208:211] == b"MAP" and name.endswith(mrc.SUFFIXES) else None


def _unpacked(path: Path) -> bytes:
    """Return the first bytes of a gzip file's content."""
    try:
        with gzip.open(path) as file:
            return file.read(_HEAD)
    except (OSError, EOFError, zlib.error):
        return b""
