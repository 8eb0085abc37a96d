"""The meaning of a TIFF's stored values, and how to convert them to displayed values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.files import tiff_tags
from napari_sr.files.orientation import TAG, UPRIGHT, upright
from napari_sr.files.photometric import Shown, as_shown, from_palette, photometric_of
from napari_sr.files.samples import LETTERS, Arranged, arranged, axes_fit, named
from napari_sr.files.tiff_details import kind_of, whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_sr.files.tiff_series import Chosen

_MEANINGS = {
    "MINISBLACK": "grey with black at zero", "MINISWHITE": "grey with white at zero", "RGB": "RGB",
}  # fmt: skip


@dataclass(frozen=True)
class Meaning:
    """The meaning of an image's stored values, and the names and orientation of its axes."""

    page: Any
    """The page whose tags describe all pages."""
    axes: str
    """One letter per stored axis, all different; S is the axis of a pixel's samples."""
    photometric: str
    """The photometric interpretation, as tifffile names it."""
    declared_bits: int | None
    """Number of bits in use, as metadata other than tags declare it."""
    palettes: tuple[NDArray[np.uint16], ...] = ()
    """One palette for all pages, or one for each page; empty if there is none."""

    @property
    def orientation(self) -> Any:
        """The tag Orientation."""
        return self.page.tags.valueof(TAG, UPRIGHT)

    def shown(
        self, pixels: NDArray[Any], palettes: Sequence[NDArray[np.uint16]] | None = None
    ) -> Shown:
        """Return displayed values in the stored order of axes, not yet upright.

        Parameters
        ----------
        pixels : array
            Stored pixels with the axes `axes`: the whole image or a part of it.
        palettes : sequence of array, optional
            The palettes of the part's pages; by default, those of all pages.
        """
        shown = Shown(
            _with_nan(pixels, tiff_tags.nodata_of(self.page)), self.axes, self.photometric
        )
        if self.photometric == "PALETTE":
            shown = from_palette(shown, list(self.palettes if palettes is None else palettes))
        else:
            shown = as_shown(shown, self.page, self.declared_bits)
        if "PhotometricInterpretation" not in self.page.tags:
            note = (
                f"it does not say which value is black: {_MEANINGS[shown.photometric]} is assumed"
            )
            shown = replace(shown, notes=(*shown.notes, note))
        return shown

    def upright(self, shown: Shown) -> Shown:
        """Turn displayed values upright."""
        rows, columns = shown.axes.index("Y"), shown.axes.index("X")
        return replace(shown, pixels=upright(shown.pixels, self.orientation, rows, columns))

    def arranged(self, shown: Shown, axes: str | None) -> Arranged:
        """Return upright pixels on the named axes; by default, with colour on the last axis."""
        if axes is None:
            return arranged(shown, self.page)
        if (
            "S" in shown.axes
            and len(axes) == len(shown.axes) - 1
            and self.page.colormap is not None
        ):
            axes += "S"
        if "S" not in shown.axes or not axes_fit(axes, shown.pixels.ndim):
            return Arranged(shown.pixels, axes, notes=shown.notes)
        return named(shown, self.page, axes)


def meaning_of(chosen: Chosen, details: dict[str, Any]) -> Meaning:
    """Return the meaning of the values of a TIFF's image.

    Parameters
    ----------
    chosen : Chosen
        The image.
    details : dict
        The metadata of the file's format.

    Raises
    ------
    ValueError
        If the axes lack Y or X, there are no pixels, or a palette is missing.
    """
    series, page = chosen.series, chosen.series.keyframe
    if not {"Y", "X"} <= set(series.axes) or 0 in series.shape:
        raise ValueError(
            f"it must hold pixels with axes Y and X, got axes {series.axes} of shape {series.shape}"
        )
    photometric = photometric_of(page)
    if photometric == "PALETTE" and kind_of(chosen.file) == "imagej":
        photometric = (
            "MINISBLACK"  # ImageJ's palette only colours the display; the values are intensities
        )
    palettes = _palettes(chosen) if photometric == "PALETTE" else ()
    bits = whole_number(details.get("SignificantBits"))
    return Meaning(page, _distinct(series.axes), photometric, bits, palettes)


def _with_nan(pixels: NDArray[Any], nodata: float | None) -> NDArray[Any]:
    """Replace the no-data value of floats by NaN."""
    if nodata is None:
        return pixels
    with np.errstate(over="ignore"):
        missing = pixels == np.array(nodata).astype(pixels.dtype)
    return np.where(missing, np.array(np.nan, pixels.dtype), pixels) if missing.any() else pixels


def _palettes(chosen: Chosen) -> tuple[NDArray[np.uint16], ...]:
    """Return one palette if all pages share it, otherwise one for each page."""
    tables = tuple(page.aspage().colormap for page in chosen.pages())
    for number, table in enumerate(tables, 1):
        if table is None:
            raise ValueError(f"page {number} of {len(tables)} has palette colours but no palette")
    if all(np.array_equal(table, tables[0]) for table in tables):
        return tables[:1]
    return tables


def _distinct(axes: str) -> str:
    """Replace repeated letters by unused ones."""
    result = ""
    for letter in axes:
        free = (spare for spare in LETTERS[1:] if spare not in result + axes)
        result += letter if letter not in result else next(free)
    return result
