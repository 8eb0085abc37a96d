"""The samples of a pixel: grey, RGB, alpha or bands.

Samples besides grey or RGB are bands (other measurements, such as near infrared), unless the tag
ExtraSamples of a TIFF says that they are alpha. If the file stores colours multiplied by alpha
(associated alpha), they are divided by it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_sr.files.image import Samples, white_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_sr.files.photometric import Shown

LETTERS = "CQIZTABDEFGHJKLMNOPRUVW"
"""Letters for the axis of bands; the first free one is used."""
UNSPECIFIED, ASSOCIATED, UNASSOCIATED = 0, 1, 2
"""Values of the tag ExtraSamples."""

_ALPHA: dict[int, Literal["assocalpha", "unassalpha"]]
_ALPHA = {ASSOCIATED: "assocalpha", UNASSOCIATED: "unassalpha"}
_MEANINGS = {UNSPECIFIED: "unspecified", ASSOCIATED: "associated alpha", UNASSOCIATED: "alpha"}


@dataclass(frozen=True)
class Arranged:
    """Pixels whose last axis S, if there is one, is RGB or RGBA."""

    pixels: NDArray[Any]
    axes: str
    alpha: Literal["assocalpha", "unassalpha"] = "unassalpha"
    grey_alpha: bool = False
    samples: Samples | None = None
    notes: tuple[str, ...] = ()


def arranged(shown: Shown, page: Any) -> Arranged:
    """Move colour and alpha to the last axis, and bands to a leading axis.

    Parameters
    ----------
    shown : Shown
        Pixels in the stored order of axes.
    page : tifffile.TiffPage
        The page, whose tags define its samples.
    """
    if "S" not in shown.axes:
        return Arranged(shown.pixels, shown.axes, notes=shown.notes)
    at = shown.axes.index("S")
    rest, count = shown.axes.replace("S", ""), shown.pixels.shape[at]
    extra, notes = _extra(shown, page)
    notes = (*shown.notes, *notes)
    last = np.moveaxis(shown.pixels, at, -1)
    colours = 3 if shown.photometric == "RGB" else 1
    if (colours, count) == (3, 3):
        return Arranged(last, rest + "S", notes=notes)
    if count == colours + 1 and extra[0] in _ALPHA:
        if colours == 1:
            last = last[..., [0, 0, 0, 1]]
        return Arranged(
            last, rest + "S", alpha=_ALPHA[extra[0]], grey_alpha=colours == 1, notes=notes
        )
    return _bands(replace(shown, notes=notes), page, extra)


def _extra(shown: Shown, page: Any) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the meaning of the samples after grey or RGB, from the file or by convention."""
    colours = 3 if shown.photometric == "RGB" else 1
    missing = page.samplesperpixel - colours - len(page.extrasamples)
    told = tuple(int(sample) for sample in page.extrasamples)
    if missing == 1 and colours == 3 and not told and shown.pixels.dtype.kind != "f":
        return (UNASSOCIATED,), (
            "its fourth sample is read as opacity, because the file does not say what it is",
        )
    return told + (UNSPECIFIED,) * missing, ()


def _bands(shown: Shown, page: Any, extra: tuple[int, ...]) -> Arranged:
    at = shown.axes.index("S")
    rest, count = shown.axes.replace("S", ""), shown.pixels.shape[at]
    letter = next(letter for letter in LETTERS if letter not in rest)
    front = rest.index("Y")
    notes = shown.notes
    if shown.photometric == "RGB" or any(kind in _ALPHA for kind in extra):
        first = "red, green, blue" if shown.photometric == "RGB" else "grey"
        others = ", ".join(_MEANINGS.get(kind, "unspecified") for kind in extra)
        notes += (f"its {count} samples ({first}, {others}) are read as bands, axis {letter}",)
    samples = _samples(shown, page, extra[: count - 1], letter)
    pixels = np.moveaxis(shown.pixels, at, front)
    return Arranged(pixels, rest[:front] + letter + rest[front:], samples=samples, notes=notes)


def _samples(shown: Shown, page: Any, extra: tuple[int, ...], letter: str) -> Samples:
    photometric: Literal["rgb", "minisblack"]
    photometric = "rgb" if shown.photometric == "RGB" else "minisblack"
    return Samples(letter, photometric, extra, planar=page.planarconfig == 2)


def axes_fit(axes: str, count: int) -> bool:
    """Return whether axes are `count` different letters that include Y and X."""
    return len(set(axes)) == len(axes) == count and {"Y", "X"} <= set(axes)


def named(shown: Shown, page: Any, axes: str) -> Arranged:
    """Give the axes of pixels with samples the names that the user chose.

    If the last axis is named S or C, colours stay colours. Bands named S become colours. Bands
    named C move before Y and X, so that they are not mistaken for colours; otherwise, the order of
    axes does not change.

    Parameters
    ----------
    shown : Shown
        Pixels in the stored order of axes, with an axis S.
    page : tifffile.TiffPage
        The page, whose tags define its samples.
    axes : str
        One letter per axis of the pixels; see `axes_fit`.

    Raises
    ------
    ValueError
        If the axis of samples cannot have this name.
    """
    found, at = arranged(shown, page), shown.axes.index("S")
    letter, bands, last = axes[at], found.samples is not None, at == len(axes) - 1
    if last and letter in "SC" and not bands:
        return replace(found, axes=axes)
    _check_name(letter, shown, found, axes if last else "")
    if letter in "YXS":
        return Arranged(shown.pixels, axes, notes=shown.notes)
    extra = found.samples.extra if found.samples else (UNASSOCIATED,)
    kept = bands or found.grey_alpha  # RGB under another name is treated as separate planes
    samples = _samples(shown, page, extra, letter) if kept else None
    pixels = shown.pixels
    if letter == "C" and last:
        axes = axes[:-1]
        front = min(axes.index("Y"), axes.index("X"))
        axes, pixels = axes[:front] + "C" + axes[front:], np.moveaxis(pixels, -1, front)
    return Arranged(pixels, axes, samples=samples, notes=shown.notes)


def _check_name(letter: str, shown: Shown, found: Arranged, last: str) -> None:
    """Raise an error if axis names prevent writing the pixels as they were stored."""
    if found.alpha == "assocalpha":
        instead = f"the axes {last[:-1]}C, or none" if {"Y", "X"} <= set(last[:-1]) else "no axes"
        raise ValueError(
            f"its colours are multiplied by alpha, so axis {letter} cannot hold its samples: "
            f"give {instead}"
        )
    if letter in "YXS" and shown.photometric == "MINISWHITE":
        raise ValueError(
            f"axis {letter} cannot hold its samples, because its grey is stored with white at "
            "zero: name the axis C"
        )


def is_associated(page: Any, colours: int) -> bool:
    """Return whether the grey or RGB of a page is multiplied by alpha."""
    extra = tuple(int(sample) for sample in page.extrasamples)
    return extra == (ASSOCIATED,) and page.samplesperpixel == colours + 1


def straight(pixels: NDArray[Any], samples: int, white: float) -> tuple[NDArray[Any], bool]:
    """Divide colours by alpha; colours of transparent pixels become 0.

    Parameters
    ----------
    pixels : array
        Integers or floats.
    samples : int
        The axis of the colours followed by alpha.
    white : float
        The value of white, and of opaque alpha.

    Returns
    -------
    pixels : array
        Colours and alpha on the same axes; integers are rounded and clipped to white.
    bounded : bool
        Whether no colour exceeded its alpha.
    """
    result = pixels.copy()
    stored, divided = np.moveaxis(pixels, samples, 0), np.moveaxis(result, samples, 0)
    alpha = stored[-1]
    visible = np.where(alpha > 0, alpha, np.inf)
    least = np.iinfo(pixels.dtype).min if pixels.dtype.kind != "f" else None
    for number in range(len(stored) - 1):
        colour = stored[number] * np.float64(white) / visible
        if pixels.dtype.kind != "f":
            colour = np.rint(colour).clip(least, white)
        divided[number] = colour
    return result, bool((stored[:-1] <= alpha).all())


def multiplied(pixels: NDArray[Any], bits: int | None, *, bounded: bool = True) -> NDArray[Any]:
    """Return RGBA, or grey and alpha, with colours multiplied by alpha.

    Parameters
    ----------
    pixels : array, (..., 2 or 4)
        Colours that are not multiplied by alpha, and alpha last.
    bits : int, optional
        Number of bits that integers use.
    bounded : bool
        Whether to limit colours to their alpha; integers are always limited.
    """
    kind = pixels.dtype
    share = pixels[..., -1] / np.float64(white_of(kind, bits))
    result = pixels.copy()
    for number in range(pixels.shape[-1] - 1):
        colour = pixels[..., number] * share
        if kind.kind != "f":
            colour = np.rint(colour)
        elif bounded:
            colour = np.minimum(colour, pixels[..., -1])
        result[..., number] = colour
    return result
