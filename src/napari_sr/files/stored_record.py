"""Read the record that the file of a result holds, in any format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_sr.files import formats, jpeg, png, png_chunks
from napari_sr.files.image import FileError
from napari_sr.files.ome_record import annotated_record
from napari_sr.files.ome_zarr.block_writer import OURS
from napari_sr.files.ome_zarr.locate import find_image, is_zarr
from napari_sr.files.scientific.other import stored_in_other
from napari_sr.files.xmp_record import TAG, record_in

if TYPE_CHECKING:
    from pathlib import Path


def stored_record(path: Path) -> dict[str, Any] | None:
    """Return the record in a file or an OME-Zarr, or None if it holds none.

    Parameters
    ----------
    path : Path
        A TIFF, PNG, JPEG, NIfTI or MRC, or the folder of an OME-Zarr.

    Raises
    ------
    FileError
        If the file does not exist or is damaged.
    """
    if path.is_dir():
        return _of_zarr(path) if is_zarr(path) else None
    start = formats.start_of(path)
    if start.startswith(formats.TIFF_STARTS):
        return _of_tiff(path)
    for magic, xmp_of in ((png_chunks.SIGNATURE, png.xmp_of), (jpeg.SIGNATURE, jpeg.xmp_of)):
        if start.startswith(magic):
            xmp = xmp_of(path)
            return None if xmp is None else record_in(xmp)
    return stored_in_other(path)


def _of_zarr(path: Path) -> dict[str, Any] | None:
    ours = find_image(path).attributes.get(OURS)
    found = ours.get("record") if isinstance(ours, dict) else None
    return found if isinstance(found, dict) else None


def _of_tiff(path: Path) -> dict[str, Any] | None:
    import tifffile

    from napari_sr.files.tiff_series import UNREADABLE

    try:
        with tifffile.TiffFile(path, is_mmstack=False, is_ndtiff=False) as file:
            xmp = file.pages.first.tags.valueof(TAG)
            found = record_in(bytes(xmp)) if isinstance(xmp, bytes) else None
            return found or annotated_record(file.ome_metadata or "")
    except UNREADABLE as error:
        raise FileError(f"{path} cannot be read: {error}") from error
