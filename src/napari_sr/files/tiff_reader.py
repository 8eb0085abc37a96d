"""TIFF: planes and stacks of any type, with the metadata of ImageJ, OME and plain files.

tifffile tells of a file that is cut off only in its log, and returns the pages that are left;
here that is an error.
"""

from __future__ import annotations

import logging
import re
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import tifffile

from napari_sr.files.image import Density, FileError, ImageFile
from napari_sr.files.ome import density_of, details_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

LOSSLESS = {8: "zlib", 32946: "zlib", 5: "lzw", 32773: "packbits", 50000: "zstd"}
"""Compressions, by their TIFF number, that the result is written with, too."""
SPARE_LETTERS = "QIZTCABDEFGHJKLMNOPRUVW"
"""For axes that tifffile calls by a letter that is taken."""

_ALPHA: dict[int, Literal["unassalpha", "assocalpha", "unspecified"]]
_ALPHA = {0: "unspecified", 1: "assocalpha", 2: "unassalpha"}
_UNITS = {2: "inch", 3: "cm"}
_GREY, _COLOUR = ("MINISBLACK", "MINISWHITE"), ("RGB", "YCBCR")
# of all that tifffile logs, what means that pixels, description or resolution are missing
_MISSING = re.compile("TiffPages|series|corrupted|missing|TiffTag (270|282|283) ")


def read_tiff(path: Path, axes: str | None = None) -> ImageFile:
    """Read a TIFF's first image, whole.

    Parameters
    ----------
    path : Path
        The file.
    axes : str, optional
        Names for the axes as they are stored, which then stay in that order. By default they
        are what the file says, and colour is brought to the end.

    Raises
    ------
    FileError
        If the file is damaged or cut off, or has colours of another kind than RGB.
    """
    complaints: list[str] = []
    try:
        with _overheard(complaints), tifffile.TiffFile(path) as file:
            series = file.series[0]
            pixels = series.asarray()
            _check_whole(series, file.filehandle.size)
            image = _image_file(file, series, pixels, axes)
    except (OSError, ValueError, RuntimeError, KeyError, IndexError, TypeError, ArithmeticError,
            AttributeError, EOFError, MemoryError, struct.error) as error:  # fmt: skip
        raise FileError(f"{path} cannot be read as TIFF: {_words(error)}") from error
    missing = [text for text in complaints if _MISSING.search(text)]
    if missing:
        raise FileError(f"{path} is damaged or cut off: {_words(missing[0])}")
    return image


def _check_whole(series: Any, size: int) -> None:
    for page in filter(None, series.pages):
        segments = zip(page.dataoffsets, page.databytecounts, strict=False)
        if max((start + count for start, count in segments), default=0) > size:
            raise ValueError(f"its pixels go on after its end at byte {size}: it is cut off")


class _Listener(logging.Handler):
    def __init__(self, complaints: list[str]) -> None:
        super().__init__(logging.ERROR)
        self.complaints = complaints

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the record's text."""
        self.complaints.append(record.getMessage())


@contextmanager
def _overheard(complaints: list[str]) -> Iterator[None]:
    """Collect what tifffile logs as errors, instead of showing it."""
    logger, listener = logging.getLogger("tifffile"), _Listener(complaints)
    propagated, logger.propagate = logger.propagate, False
    logger.addHandler(listener)
    try:
        yield
    finally:
        logger.removeHandler(listener)
        logger.propagate = propagated


@dataclass(frozen=True)
class _Look:
    """Pixels whose last axis S, if there is one, is RGB or RGBA, and whose letters differ."""

    pixels: NDArray[Any]
    axes: str
    grey_alpha: bool = False
    notes: tuple[str, ...] = ()


def _image_file(
    file: tifffile.TiffFile, series: Any, pixels: NDArray[Any], axes: str | None
) -> ImageFile:
    page = series.keyframe
    photometric = page.photometric.name
    if not {"Y", "X"} <= set(series.axes) or pixels.size == 0:
        raise ValueError(f"it holds no image, but axes {series.axes} of shape {pixels.shape}")
    if photometric not in (*_GREY, *_COLOUR, "PALETTE"):
        raise ValueError(f"its colours are of the kind {photometric}: convert it to RGB first")
    notes: tuple[str, ...] = ()
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * 255
        notes = ("its 1-bit pixels were converted to 8 bits",)
    if axes is None:
        look = _look(pixels, _distinct(series.axes), page, is_imagej=file.is_imagej)
    else:
        look = _Look(pixels, axes)
    kind: Literal["plain", "imagej", "ome"] = (
        "ome" if file.is_ome else "imagej" if file.is_imagej else "plain"
    )
    details = _details(file, kind, look)
    extra = [int(sample) for sample in page.extrasamples]
    return ImageFile(
        look.pixels.astype(look.pixels.dtype.newbyteorder("="), copy=False),
        look.axes,
        density=density_of(details) or _density(page, details),
        profile=page.tags["InterColorProfile"].value if "InterColorProfile" in page.tags else None,
        alpha=_ALPHA.get(extra[0], "unspecified") if extra else "unassalpha",
        grey_alpha=look.grey_alpha,
        white_is_zero=page.photometric.name == "MINISWHITE",
        compression=LOSSLESS.get(int(page.compression)),
        kind=kind,
        details=details,
        notes=(*notes, *look.notes, *_left_out(file)),
    )


def _left_out(file: tifffile.TiffFile) -> Iterator[str]:
    """Tell of images in the file that are not read."""
    if len(file.series) > 1:
        yield f"it holds {len(file.series)} images of different shapes; the first is read"
    if len(file.series[0].levels) > 1:
        yield "it holds smaller copies of the image, which are left out"


def _look(pixels: NDArray[Any], axes: str, page: Any, *, is_imagej: bool) -> _Look:
    """Bring samples of colour to the end, and those of anything else to the front as C."""
    photometric = page.photometric.name
    if photometric == "PALETTE" and not is_imagej:  # ImageJ's are intensities, shown in colour
        return _Look(
            _coloured(pixels, page.colormap),
            axes + "S",
            notes=("its palette was converted to RGB",),
        )
    if "S" not in axes:
        return _Look(pixels, axes)
    at = axes.index("S")
    rest = axes.replace("S", "")
    if photometric in _COLOUR and pixels.shape[at] in (3, 4):
        return _Look(np.moveaxis(pixels, at, -1), rest + "S")
    if photometric in _GREY and pixels.shape[at] == 2 and int(page.extrasamples[0]) in (1, 2):
        grey, alpha = np.moveaxis(pixels, at, 0)
        return _Look(np.stack([grey, grey, grey, alpha], axis=-1), rest + "S", grey_alpha=True)
    letter = next(letter for letter in "C" + SPARE_LETTERS if letter not in rest)
    front = rest.index("Y")
    return _Look(np.moveaxis(pixels, at, front), rest[:front] + letter + rest[front:])


def _distinct(axes: str) -> str:
    """Return the letters with repeated ones replaced by others."""
    result = ""
    for letter in axes:
        free = (spare for spare in SPARE_LETTERS if spare not in result + axes)
        result += letter if letter not in result else next(free)
    return result


def _coloured(indices: NDArray[Any], table: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Look indices up in a palette of 16 bits per colour; some writers fill only 8 of them."""
    shift = 8 if table.max() > 255 else 0
    return np.moveaxis((table >> shift).astype(np.uint8)[:, indices], 0, -1)


def _density(page: Any, details: dict[str, Any]) -> Density | None:
    values = [page.tags[name].value for name in ("XResolution", "YResolution") if name in page.tags]
    if len(values) < 2 or 0 in chain(*values):
        return None
    x, y = (numerator / denominator for numerator, denominator in values)
    unit = _UNITS.get(int(page.tags.valueof("ResolutionUnit", 2)), "")
    unit = details.get("unit", unit) or unit
    # one pixel per nothing is what writers put who know nothing
    return None if not unit and x == y == 1 else Density(x, y, unit)


def _details(file: tifffile.TiffFile, kind: str, look: _Look) -> dict[str, Any]:
    """Return the metadata that the file's makers wrote, but what the pixels tell themselves."""
    if kind == "ome":
        return details_of(file.ome_metadata or "", look.axes, look.pixels.shape)
    if kind == "imagej":
        found = {**(file.imagej_metadata or {})}
        page: Any = file.pages.first
        if page.photometric.name == "PALETTE":
            found["colormap"] = page.colormap
        return found
    shaped = (file.shaped_metadata or ({},))[0]
    found = {key: value for key, value in shaped.items() if key not in ("shape", "axes")}
    description = file.pages.first.description
    if description and not file.is_shaped:
        found["description"] = description
    return found


def _words(error: object) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
