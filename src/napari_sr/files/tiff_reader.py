"""TIFF: planes and stacks of any type, with the metadata of ImageJ, OME and plain files.

tifffile reports a truncated file only in its log, and returns the remaining pages; here that is
an error.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_sr.files import tiff_limits, tiff_log, tiff_series, tiff_tags
from napari_sr.files.image import Density, FileError, ImageFile
from napari_sr.files.ome import density_of, details_of, left_out
from napari_sr.files.orientation import TAG, UPRIGHT, swaps_sides, upright, upright_density
from napari_sr.files.photometric import Shown, as_shown, from_palette, photometric_of
from napari_sr.files.samples import LETTERS, Arranged, arranged, axes_fit, named
from napari_sr.files.tiff_chain import chain_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_sr.files.tiff_series import Chosen

LOSSLESS = {8: "zlib", 32946: "zlib", 5: "lzw", 32773: "packbits", 50000: "zstd"}
"""Compressions that the result keeps: their numbers in TIFF, and their names."""
_MEANINGS = {
    "MINISBLACK": "grey with black at zero", "MINISWHITE": "grey with white at zero", "RGB": "RGB",
}  # fmt: skip
_UNITS = {2: "inch", 3: "cm"}


def read_tiff(path: Path, axes: str | None = None) -> ImageFile:
    """Read a TIFF's first image, whole.

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
        If the file is damaged, truncated or inconsistent, has unsupported colours, or names parts
        outside of its folder.
    """
    heard: list[str] = []
    try:
        with tiff_log.overheard(heard):
            pages = chain_of(path)
            if not pages.offsets:
                raise ValueError("it holds no pages")
            with tiff_series.opened(path, pages) as chosen:
                pages.check_equal([page.offset for page in chosen.pages()])
                photometric_of(chosen.series.keyframe)  # refuses unsupported colours
                tiff_limits.check(chosen.series, chosen.pages())
                tiff_log.check(heard)
                image = _image_file(chosen, axes)
    except tiff_series.UNREADABLE as error:
        what = "is damaged or cut off" if tiff_log.damage(heard) else "cannot be read as TIFF"
        raise FileError(
            f"{path} {what}: {tiff_log.damage(heard) or tiff_log.words(error)}"
        ) from error
    if damage := tiff_log.damage(heard):
        raise FileError(f"{path} is damaged or cut off: {damage}")
    return replace(image, notes=tuple(dict.fromkeys((*image.notes, *tiff_log.notes(heard)))))


def _image_file(chosen: Chosen, axes: str | None) -> ImageFile:
    series, page = chosen.series, chosen.series.keyframe
    if not {"Y", "X"} <= set(series.axes) or 0 in series.shape:
        raise ValueError(
            f"it must hold pixels with axes Y and X, got axes {series.axes} of shape {series.shape}"
        )
    kind: Literal["plain", "imagej", "ome"] = (
        "ome" if chosen.file.is_ome else "imagej" if chosen.file.is_imagej else "plain"
    )
    details = _details(chosen, kind)
    shown = _shown(chosen, kind, details)
    found = arranged(shown, page) if axes is None else _named(shown, page, axes)
    turned = page.tags.valueof(TAG, UPRIGHT)
    density = density_of(details) or _density(page, details)
    return ImageFile(
        found.pixels.astype(found.pixels.dtype.newbyteorder("="), copy=False),
        found.axes,
        density=upright_density(density, turned),
        profile=page.tags.valueof("InterColorProfile"),
        alpha=found.alpha,
        alpha_bounds=shown.alpha_bounds,
        grey_alpha=found.grey_alpha,
        white_is_zero=shown.photometric == "MINISWHITE",
        significant_bits=shown.significant_bits,
        samples=found.samples,
        nodata=tiff_tags.nodata_of(page),
        compression=LOSSLESS.get(int(page.compression)),
        kind=kind,
        details=_kept_details(details, shown, turned),
        tags=tiff_tags.kept_tags(page),
        notes=(*chosen.notes, *found.notes, *_lost(chosen, kind)),
    )


def _shown(chosen: Chosen, kind: str, details: dict[str, Any]) -> Shown:
    """Read the pixels; return them upright and as displayed values."""
    series, page = chosen.series, chosen.series.keyframe
    photometric = photometric_of(page)
    if photometric == "PALETTE" and kind == "imagej":
        photometric = "MINISBLACK"  # ImageJ's values are intensities, displayed in colour
    pixels = _measured(chosen.pixels(), tiff_tags.nodata_of(page))
    shown = Shown(pixels, _distinct(series.axes), photometric)
    if photometric == "PALETTE":
        shown = from_palette(shown, _palettes(chosen))
    else:
        shown = as_shown(shown, page, _number(details.get("SignificantBits")))
    if "PhotometricInterpretation" not in page.tags:
        note = f"it does not say what its values mean: {_MEANINGS[shown.photometric]} is assumed"
        shown = replace(shown, notes=(*shown.notes, note))
    rows, columns = shown.axes.index("Y"), shown.axes.index("X")
    orientation = page.tags.valueof(TAG, UPRIGHT)
    return replace(shown, pixels=upright(shown.pixels, orientation, rows, columns))


def _measured(pixels: NDArray[Any], nodata: float | None) -> NDArray[Any]:
    """Return floats with NaN in place of the no-data value."""
    if nodata is None:
        return pixels
    with np.errstate(over="ignore"):
        missing = pixels == np.array(nodata).astype(pixels.dtype)
    return np.where(missing, np.array(np.nan, pixels.dtype), pixels) if missing.any() else pixels


def _palettes(chosen: Chosen) -> list[NDArray[np.uint16]]:
    """Return one palette if all pages share it, otherwise one for each page."""
    tables = [page.aspage().colormap for page in chosen.pages()]
    if any(table is None for table in tables):
        raise ValueError("one of its pages has palette colours but no palette")
    if all(np.array_equal(table, tables[0]) for table in tables):
        return tables[:1]
    return tables


def _named(shown: Shown, page: Any, axes: str) -> Arranged:
    """Return pixels in stored order, with other names for the axes."""
    if "S" in shown.axes and len(axes) == len(shown.axes) - 1 and page.colormap is not None:
        axes += "S"
    if "S" not in shown.axes or not axes_fit(axes, shown.pixels.ndim):
        return Arranged(shown.pixels, axes, notes=shown.notes)
    return named(shown, page, axes)


def _distinct(axes: str) -> str:
    """Replace repeated letters."""
    result = ""
    for letter in axes:
        free = (spare for spare in LETTERS[1:] if spare not in result + axes)
        result += letter if letter not in result else next(free)
    return result


def _density(page: Any, details: dict[str, Any]) -> Density | None:
    values = [page.tags[name].value for name in ("XResolution", "YResolution") if name in page.tags]
    if len(values) < 2 or 0 in chain(*values):
        return None
    x, y = (numerator / denominator for numerator, denominator in values)
    unit = _UNITS.get(int(page.tags.valueof("ResolutionUnit", 2)), "")
    unit = details.get("unit", unit) or unit
    # writers without a known density store one pixel per no unit
    return None if not unit and x == y == 1 else Density(x, y, unit)


def _details(chosen: Chosen, kind: str) -> dict[str, Any]:
    """Return the metadata of the file's format, except those that the pixels show."""
    file, series = chosen.file, chosen.series
    if kind == "ome":
        return details_of(file.ome_metadata or "", series.axes, series.shape, chosen.kept)
    if kind == "imagej":
        found = {**(file.imagej_metadata or {})}
        page: Any = file.pages.first
        if page.photometric.name == "PALETTE":
            found["colormap"] = page.colormap
        return found
    try:
        shaped = (file.shaped_metadata or ({},))[0]
    except (ValueError, TypeError, OverflowError):
        return {}  # a text that resembles tifffile's description
    found = {key: shaped[key] for key in shaped if key not in ("shape", "axes", "truncated")}
    description = file.pages.first.description
    # tifffile's own description is the second one if its user gave another
    if description and not description.startswith(('{"shape":', "shape=(")):
        found["description"] = description
    return found


def _kept_details(details: dict[str, Any], shown: Shown, orientation: object) -> dict[str, Any]:
    """Return metadata of the displayed pixels."""
    kept = dict(details)
    bits = shown.significant_bits or 8 * shown.pixels.dtype.itemsize
    if _number(details.get("SignificantBits")) != bits:
        kept.pop("SignificantBits", None)
    if swaps_sides(orientation):
        for ending in ("", "Unit"):
            names = [f"PhysicalSize{letter}{ending}" for letter in "XY"]
            values = [kept.pop(name, None) for name in reversed(names)]
            kept |= {name: one for name, one in zip(names, values, strict=True) if one is not None}
    return kept


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _lost(chosen: Chosen, kind: str) -> Iterator[str]:
    """Return notes on metadata that are not written."""
    yield from tiff_limits.empty(chosen.pages())
    yield from tiff_tags.left_out(chosen.series.keyframe)
    if kind == "ome":
        yield from left_out(chosen.file.ome_metadata or "")
