"""Convert stored to displayed values: black at zero, RGB for palettes and YCbCr, at least 8 bits.

Only this module evaluates the tag PhotometricInterpretation, which the TIFF specification 6.0
defines in section 8.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.files import ycbcr
from napari_sr.files.image import white_of
from napari_sr.files.samples import is_associated, straight

if TYPE_CHECKING:
    from numpy.typing import NDArray

GREY, COLOUR = ("MINISBLACK", "MINISWHITE"), ("RGB", "YCBCR")
FAX = (2, 3, 4, 32771)
"""Compressions of fax pages, in which white is zero by default."""


@dataclass(frozen=True)
class Shown:
    """Displayed values of pixels, on axes in stored order."""

    pixels: NDArray[Any]
    axes: str
    """One letter per axis; S is the axis of a pixel's samples."""
    photometric: str
    """"MINISBLACK", "MINISWHITE" or "RGB": how the file stores the pixels."""
    significant_bits: int | None = None
    alpha_bounds: bool = True
    """Whether no colour exceeded its alpha before it was divided by alpha."""
    notes: tuple[str, ...] = ()


def photometric_of(page: Any) -> str:
    """Return the name of a page's photometric interpretation, or libtiff's default without the tag.

    Parameters
    ----------
    page : tifffile.TiffPage
        The page.

    Raises
    ------
    ValueError
        If the colours are unsupported, such as CMYK, CIELab, LogLuv, CFA, or YCbCr with subsampled
        chroma.
    """
    if "PhotometricInterpretation" not in page.tags and page.compression not in ycbcr.JPEG:
        if page.samplesperpixel - len(page.extrasamples) == 3:
            return "RGB"
        return "MINISWHITE" if page.compression in FAX else "MINISBLACK"
    name = str(getattr(page.photometric, "name", page.photometric))
    if name not in (*GREY, *COLOUR, "PALETTE"):
        raise ValueError(f"its colours are stored as {name}: convert it to RGB first")
    if name == "YCBCR":
        ycbcr.check_resolution(page)
    return name


def as_shown(shown: Shown, page: Any, declared_bits: int | None = None) -> Shown:
    """Convert stored pixels to displayed values; for palettes, see `from_palette`.

    Parameters
    ----------
    shown : Shown
        The stored pixels.
    page : tifffile.TiffPage
        The page with the tags.
    declared_bits : int, optional
        Number of bits in use, as other metadata of the file declare it.

    Raises
    ------
    ValueError
        If the colours are YCbCr stored as floats.
    """
    shown = _stretched(shown, page)
    shown = _with_bits(shown, page, declared_bits)
    if shown.photometric == "YCBCR":
        shown = _as_rgb(shown, page)
    if "S" in shown.axes and is_associated(page, 3 if shown.photometric == "RGB" else 1):
        white = white_of(shown.pixels.dtype, shown.significant_bits)
        divided, bounded = straight(shown.pixels, shown.axes.index("S"), white)
        shown = replace(shown, pixels=divided, alpha_bounds=bounded)
    if shown.photometric == "MINISWHITE":
        samples = shown.axes.find("S")
        turned = turn_over(shown.pixels, shown.significant_bits, samples)
        note = ("it stores white as zero: its floats are inverted to 1 - value",)
        notes = shown.notes + (note if turned.dtype.kind == "f" else ())
        shown = replace(shown, pixels=turned, notes=notes)
    return shown


def turn_over(
    pixels: NDArray[Any], bits: int | None = None, samples: int | None = None
) -> NDArray[Any]:
    """Invert pixels, so that black becomes white; a second call restores them.

    Parameters
    ----------
    pixels : array
        Unsigned integers become white - value, signed integers -1 - value, floats 1 - value.
    bits : int, optional
        Number of bits that unsigned integers use.
    samples : int, optional
        The axis of a pixel's samples; only the first sample is inverted. -1 if there is no such
        axis.
    """
    sample = pixels if samples in (None, -1) else np.take(pixels, 0, samples)
    kind = pixels.dtype
    turned: NDArray[Any] = (
        np.invert(sample)
        if kind.kind == "i"
        else np.subtract(np.array(white_of(kind, bits), kind), sample)
    )
    if sample is pixels:
        return turned
    result = pixels.copy()
    np.moveaxis(result, samples or 0, 0)[0] = turned
    return result


def from_palette(shown: Shown, tables: list[NDArray[np.uint16]]) -> Shown:
    """Apply palettes to indices; return RGB, with S as the last axis.

    Parameters
    ----------
    shown : Shown
        The planes of indices.
    tables : list of array, (3, colours)
        One palette for all planes, or one for each plane.

    Raises
    ------
    ValueError
        If an index has no colour; the message names the index and the number of colours.
    """
    indices = shown.pixels.astype(np.uint8) if shown.pixels.dtype == bool else shown.pixels
    if indices.dtype.kind != "u" or "S" in shown.axes:
        raise ValueError(
            "its palette needs a grey plane of unsigned integers as indices, got "
            f"{indices.dtype} with axes {shown.axes}"
        )
    colours = min(table.shape[1] for table in tables)
    if int(indices.max()) >= colours:
        raise ValueError(
            f"its palette has {colours} colours, but a pixel has index {indices.max()}"
        )
    planes = indices.reshape(len(tables), -1)
    coloured = [_coloured(*pair) for pair in zip(planes, tables, strict=True)]
    return Shown(
        np.concatenate(coloured).reshape(*indices.shape, 3), shown.axes + "S", "RGB",
        notes=(*shown.notes, "its palette was converted to RGB"),
    )  # fmt: skip


def _coloured(indices: NDArray[Any], table: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Apply a palette of 16 bits per colour; some writers use only 8 of them."""
    shift = 8 if table.max() > 255 else 0
    coloured: NDArray[np.uint8] = (table >> shift).astype(np.uint8).T[indices]
    return coloured


def _stretched(shown: Shown, page: Any) -> Shown:
    """Scale values of fewer than 8 bits to 8 bits: black stays 0, white becomes 255."""
    pixels, bits = shown.pixels, _stored_bits(page)
    if pixels.dtype == bool:
        bits = 1
    elif pixels.dtype != np.uint8 or bits is None or bits >= 8:
        return shown
    white = 2**bits - 1
    table = np.rint(np.arange(256) * (255 / white)).clip(0, 255).astype(np.uint8)
    what = "pixels" if bits == 1 else "grey" if shown.photometric in GREY else "colours"
    note = f"its {bits}-bit {what} {'was' if what == 'grey' else 'were'} converted to 8 bits"
    return replace(shown, pixels=table[pixels.astype(np.uint8)], notes=(*shown.notes, note))


def _stored_bits(page: Any) -> int | None:
    """Return BitsPerSample; None if samples differ, because tifffile scales these to 8 bits."""
    return page.bitspersample if isinstance(page.bitspersample, int) else None


def _with_bits(shown: Shown, page: Any, declared: int | None) -> Shown:
    """Add the number of bits in use, unless values exceed it."""
    kind = shown.pixels.dtype
    if kind.kind != "u" or any("converted to 8 bits" in note for note in shown.notes):
        return shown
    stored = _stored_bits(page) or 8 * kind.itemsize
    bits = min(stored, declared or stored)
    if not 0 < bits < 8 * kind.itemsize:
        return shown
    largest, white = int(shown.pixels.max()), 2**bits - 1
    if largest > white:
        note = f"it declares {bits} bits, but a value is {largest}: the number of bits is ignored"
        return replace(shown, notes=(*shown.notes, note))
    return replace(shown, significant_bits=bits)


def _as_rgb(shown: Shown, page: Any) -> Shown:
    if ycbcr.is_converted(page):
        return replace(shown, photometric="RGB")
    white = white_of(shown.pixels.dtype, shown.significant_bits)
    pixels = ycbcr.to_rgb(shown.pixels, shown.axes.find("S"), page, white)
    notes = (*shown.notes, "its YCbCr colours were converted to RGB")
    return replace(shown, pixels=pixels, photometric="RGB", notes=notes)
