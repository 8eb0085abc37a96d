"""Read PNG, JPEG and TIFF, recognised by content; write them, as the suffix says."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

from napari_sr.atomic_write import atomic_write
from napari_sr.files import geotiff, jpeg, png, png_chunks, tiff_reader, tiff_writer
from napari_sr.files.image import FileError, ImageFile
from napari_sr.files.place import check_apart, check_place, check_space

if TYPE_CHECKING:
    from pathlib import Path

PNG, JPEG, TIFF = (".png",), (".jpg", ".jpeg"), (".tif", ".tiff", ".btf", ".tf8")
SUFFIXES = PNG + JPEG + TIFF

ZIP = b"PK\x03\x04"

_MAKERS = {"ome": "OME", "imagej": "ImageJ"}
TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read(path: Path, axes: str | None = None) -> ImageFile:
    """Read a PNG, JPEG or TIFF; the content decides, not the suffix.

    Parameters
    ----------
    path : Path
        The file.
    axes : str, optional
        One letter per axis, in stored order; by default, the axes that the file names.

    Raises
    ------
    FileError
        If the file is missing, empty, damaged or of another kind.
    """
    start = start_of(path)
    if start.startswith(TIFF_STARTS):
        return tiff_reader.read_tiff(path, axes)
    for magic, read_other in (
        (png_chunks.SIGNATURE, png.read_png),
        (jpeg.SIGNATURE, jpeg.read_jpeg),
    ):
        if start.startswith(magic):
            image = read_other(path)
            return image if axes is None else replace(image, axes=axes)
    if start.startswith(ZIP):
        raise FileError(f"{path} is a ZIP archive: unpack it, and give one image")
    raise FileError(f"{path} is not a PNG, JPEG or TIFF file: it begins with {start[:8]!r}")


def is_tiff(path: Path) -> bool:
    """Return whether a file begins with a TIFF's first bytes.

    Raises
    ------
    FileError
        If the file is missing, empty or cannot be read.
    """
    return start_of(path).startswith(TIFF_STARTS)


def start_of(path: Path) -> bytes:
    """Return a file's first bytes.

    Raises
    ------
    FileError
        If the file cannot be read, or is empty.
    """
    try:
        _check_file(path)
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from error
    if not start:
        raise FileError(f"{path} is empty")
    return start


def _check_file(path: Path) -> None:
    if path.is_file():
        return
    if path.is_dir():
        raise FileError(f"{path} is a folder: give one image in it")
    if path.exists():
        raise FileError(f"{path} is a pipe or a device: save the image as a regular file first")
    if path.is_symlink():
        raise FileError(f"{path} is a link to {os.path.realpath(path)}, which does not exist")
    if str(path) == "-":
        raise FileError("images cannot be read from a pipe: save the image as a file first")
    raise FileError(f"there is no file {path}")


def check_target(path: Path, source: Path, *, overwrite: bool) -> None:
    """Check that a result can be written, before anything is computed.

    Raises
    ------
    FileError
        If the suffix is unknown, the folder does not exist or cannot be written, the path is the
        source or one of its files, or the file exists and must not be overwritten.
    """
    from napari_sr.files.lazy_tiff import check_no_part

    check_apart(path, source)
    if path.suffix.lower() not in SUFFIXES:
        # targets that end in .zarr are written by blocks, and do not come here
        raise FileError(f"{path} must end in one of {', '.join(SUFFIXES)}, .zarr")
    check_place(path, SUFFIXES, overwrite=overwrite)
    check_no_part(path, source)


def check_holds(path: Path, image: ImageFile, scale: float) -> list[str]:
    """Check that a file format can hold an image enlarged `scale` times.

    Returns
    -------
    list of str
        Descriptions of the metadata that will be lost.

    Raises
    ------
    FileError
        If the format cannot hold the pixels, or the disk has no room for them.
    """
    suffix = path.suffix.lower()
    if suffix in PNG:
        png.check_png(image, path, scale)
        return _cannot("PNG", [*png.losses(image, scale), *_of_a_tiff(image)])
    if suffix in JPEG:
        jpeg.check_jpeg(image, path, scale)
        return _cannot("JPEG", [*jpeg.losses(image, scale), *_of_a_tiff(image)])
    if image.compression is None:  # the size of a compressed file is not known in advance
        samples = 2 / 4 if image.grey_alpha else 1
        check_space(path, int(image.pixels.nbytes * samples * scale**2))
    return [*tiff_writer.losses(image, path, scale), *_cannot("TIFF", image.extras.names())]


def _cannot(kind: str, lost: list[str]) -> list[str]:
    return [f"a {kind} cannot hold {', '.join(lost)}"] if lost else []


def _of_a_tiff(image: ImageFile) -> list[str]:
    """Describe the metadata that only a TIFF can hold."""
    bits = image.significant_bits
    told = [] if bits is None else [f"a bit depth of {bits} (white stays at {image.white:.0f})"]
    told += ["its TIFF tags"] * bool(set(image.tags) - set(geotiff.TAGS))
    told += ["its georeference (GeoTIFF)"] * bool(set(image.tags) & set(geotiff.TAGS))
    if image.kind != "plain":
        return [f"{_MAKERS[image.kind]} metadata", *told]
    return [*sorted(image.details), *told]


def write(path: Path, image: ImageFile) -> None:
    """Write an image; if that fails, leave no partial file.

    Raises
    ------
    FileError
        If the image cannot be encoded or written.
    """
    try:
        with atomic_write(path) as file:
            _encode(image, file, path)
    except (OSError, RuntimeError) as error:  # codecs raise RuntimeErrors
        reason = getattr(error, "strerror", None) or error
        raise FileError(f"{path} could not be written: {reason}") from error


def _encode(image: ImageFile, file: BinaryIO, name: Path) -> None:
    suffix = name.suffix.lower()
    if suffix in TIFF:
        tiff_writer.write_tiff(image, file, name)
    else:
        (png.write_png if suffix in PNG else jpeg.write_jpeg)(image, file)
