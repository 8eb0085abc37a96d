"""TIFF: planes and stacks of any type, with the metadata of ImageJ, OME and plain files.

For a truncated file, tifffile only logs a message and returns the pages that remain. This module
raises an error instead.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_sr.files import tiff_details, tiff_limits, tiff_log, tiff_series, tiff_tags
from napari_sr.files.image import FileError, ImageFile
from napari_sr.files.ome import density_of
from napari_sr.files.orientation import upright_density
from napari_sr.files.photometric import photometric_of
from napari_sr.files.tiff_chain import chain_of
from napari_sr.files.tiff_values import meaning_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_sr.files.tiff_series import Chosen

LOSSLESS = {8: "zlib", 32946: "zlib", 5: "lzw", 32773: "packbits", 50000: "zstd"}
"""Compressions that the result keeps: their numbers in TIFF, and their names."""


def read_tiff(path: Path, axes: str | None = None) -> ImageFile:
    """Read all pixels of a TIFF's first image.

    Parameters
    ----------
    path : Path
        The file.
    axes : str, optional
        One letter per axis; the axes then keep their stored order. By default, the axes that the
        file names, with colour moved to the end.

    Raises
    ------
    FileError
        If the file is damaged, truncated or inconsistent, has unsupported colours, or refers to
        files outside its folder.
    """
    heard: list[str] = []
    with opened(path, heard) as chosen:
        tiff_limits.check_memory(chosen.series)
        image = _image_file(chosen, axes)
    return replace(image, notes=tuple(dict.fromkeys((*image.notes, *tiff_log.notes(heard)))))


@contextmanager
def opened(path: Path, heard: list[str]) -> Iterator[Chosen]:
    """Context: open a TIFF, choose its first image, and check that all its pixels are in the file.

    Parameters
    ----------
    path : Path
        The file.
    heard : list of str
        The list to which tifffile's messages are appended.

    Raises
    ------
    FileError
        If the file is damaged, truncated or inconsistent, has unsupported colours, or refers to
        files outside its folder.
    """
    with listening(path, heard):
        pages = chain_of(path)
        if not pages.offsets:
            raise ValueError("it holds no pages")
        with tiff_series.opened(path, pages) as chosen:
            pages.check_equal([page.offset for page in chosen.pages()])
            photometric_of(chosen.series.keyframe)  # raises if colours are unsupported
            tiff_limits.check_stored(chosen.series, chosen.pages())
            tiff_log.check(heard)
            yield chosen


@contextmanager
def listening(path: Path, heard: list[str]) -> Iterator[None]:
    """Context: turn errors and reports of damage into one sentence.

    Parameters
    ----------
    path : Path
        The file that is read.
    heard : list of str
        The list to which tifffile's messages are appended.

    Raises
    ------
    FileError
        If reading fails, or tifffile reports damage.
    """
    try:
        with tiff_log.overheard(heard):
            yield
    except FileError:
        raise
    except tiff_series.UNREADABLE as error:
        what = "is damaged or cut off" if tiff_log.damage(heard) else "cannot be read as TIFF"
        raise FileError(
            f"{path} {what}: {tiff_log.damage(heard) or tiff_log.words(error)}"
        ) from error
    if damage := tiff_log.damage(heard):
        raise FileError(f"{path} is damaged or cut off: {damage}")


def _image_file(chosen: Chosen, axes: str | None) -> ImageFile:
    page, details = chosen.series.keyframe, tiff_details.stored_details(chosen)
    meaning = meaning_of(chosen, details)
    shown = meaning.upright(meaning.shown(chosen.pixels()))
    found = meaning.arranged(shown, axes)
    density = density_of(details) or tiff_details.density_of_tags(page, details)
    return ImageFile(
        found.pixels.astype(found.pixels.dtype.newbyteorder("="), copy=False),
        found.axes,
        density=upright_density(density, meaning.orientation),
        profile=page.tags.valueof("InterColorProfile"),
        alpha=found.alpha,
        alpha_bounds=shown.alpha_bounds,
        grey_alpha=found.grey_alpha,
        white_is_zero=shown.photometric == "MINISWHITE",
        significant_bits=shown.significant_bits,
        samples=found.samples,
        nodata=tiff_tags.nodata_of(page),
        compression=LOSSLESS.get(int(page.compression)),
        kind=tiff_details.kind_of(chosen.file),
        details=tiff_details.shown_details(details, shown, meaning.orientation),
        tags=tiff_tags.kept_tags(page),
        notes=(*chosen.notes, *found.notes, *tiff_details.lost(chosen)),
    )
