"""Open an image file of any format, to read its pixels window by window."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from napari_sr.files import formats
from napari_sr.files.lazy_image import Axis, LazyImage
from napari_sr.files.ome_zarr.locate import is_zarr
from napari_sr.files.scientific.other import is_other, open_other
from napari_sr.files.units import unit_of

if TYPE_CHECKING:
    from pathlib import Path

    from napari_sr.files.image import ImageFile


def open_lazy(path: Path, axes: str | None = None) -> LazyImage:
    """Open an image; its pixels are read where they are sliced. Only PNG and JPEG are read at once.

    Parameters
    ----------
    path : Path
        An OME-Zarr folder, a TIFF, PNG or JPEG, or a file in a format of the extra `formats`.
    axes : str, optional
        One letter per axis, in stored order; by default, the axes that the file names.

    Raises
    ------
    FileError, ValueError, OSError
        If the image cannot be read.
    """
    if is_zarr(path):
        from napari_sr.files.ome_zarr.read import open_ome_zarr

        return open_ome_zarr(path, axes)
    if is_other(path):
        return open_other(path, axes)
    if formats.is_tiff(path):
        from napari_sr.files.lazy_tiff import open_tiff

        return open_tiff(path, axes)
    return in_memory(formats.read(path, axes), path)


def in_memory(image: ImageFile, path: Path) -> LazyImage:
    """Return an image that is in memory as a `LazyImage`."""
    status = path.stat()
    digest = hashlib.sha256(image.pixels.tobytes()).hexdigest()
    return LazyImage(
        image.pixels,
        image.axes,
        {"size": status.st_size, "shape": list(image.pixels.shape), "sha256 of pixels": digest},
        _places(image),
        name=path.stem,
        significant_bits=image.significant_bits,
        white_is_zero=image.white_is_zero,
        details=image.details,
        notes=image.notes,
    )


def _places(image: ImageFile) -> dict[str, Axis]:
    density = image.density
    if density is None:
        return {}
    unit = unit_of(density.unit)
    return {"X": Axis(1 / density.x, unit=unit), "Y": Axis(1 / density.y, unit=unit)}
