"""JPEG: 8 bits, grey or RGB, with density, colour profile, EXIF, XMP and comment."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from napari_sr.files import exif, room
from napari_sr.files.extras import Extras, NamedBytes, keywords_of, lasting
from napari_sr.files.image import Density, FileError, ImageFile
from napari_sr.files.orientation import UPRIGHT, swaps_sides, upright, upright_density
from napari_sr.files.png import check_plane

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIGNATURE = b"\xff\xd8\xff"
END = b"\xff\xd9"
LIMIT = 65_500
"""Largest side in pixels that libjpeg reads and writes."""
LARGEST = 65_535
"""Largest 16-bit number: limit of dots per inch or centimetre, and of the bytes in a segment,
length field included."""
QUALITY = 95

_UNITS = {0: "", 1: "inch", 2: "cm"}
_JFIF = 20
"""Number of bytes up to the end of the first segment. Further segments may follow."""
_DENSITY = slice(13, 18)
"""Positions of the unit, x and y of the density among the first `_JFIF` bytes."""
_APP1, _COMMENT = b"\xff\xe1", b"\xff\xfe"
_IPTC = 0x0404
"""Number of the Photoshop resource that holds captions and keywords."""
_XMP = b"http://ns.adobe.com/xap/1.0/\0"


def read_jpeg(path: Path) -> ImageFile:
    """Read a JPEG and turn it upright, as its EXIF orientation says.

    Raises
    ------
    FileError
        If the file is damaged, neither grey nor RGB, or too large for memory.
    """
    try:
        # unlike Image.open, this accepts images of any size: the user chose the file
        with JpegImageFile(path) as opened:
            _check(path, opened)
            pixels = np.asarray(opened)
    except (OSError, ValueError, SyntaxError, struct.error) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{path} {_reason(path, error)}") from error
    found = _found(opened)
    pixels = np.ascontiguousarray(upright(pixels, found.orientation))
    return ImageFile(
        pixels,
        "YX" if pixels.ndim == 2 else "YXS",
        density=upright_density(found.density, found.orientation),
        profile=opened.info.get("icc_profile"),
        extras=found.extras,
        notes=found.notes,
    )


def _check(path: Path, opened: JpegImageFile) -> None:
    """Check size and colours before memory is allocated."""
    if opened.mode not in ("L", "RGB"):
        raise FileError(f"{path} stores its colours as {opened.mode}: convert it to RGB first")
    width, height = opened.size
    # twice the bytes: Pillow and NumPy each hold the pixels
    if lack := room.lacking(width * height * 2 * len(opened.mode)):
        raise FileError(f"{path} is {width} x {height} px: it needs {lack}")


def _reason(path: Path, error: Exception) -> str:
    words = " ".join(str(error).split())[:120] or type(error).__name__
    if "-bit layers" in words:
        return "has samples that are not 8 bits wide, and cannot be read: convert it to PNG"
    if not path.read_bytes().rstrip(b"\0").endswith(END):
        words = f"its end is missing ({words})"
    return f"is damaged or cut off: {words}"


@dataclass(frozen=True)
class _Found:
    """The metadata of a file, except the profile."""

    extras: Extras
    density: Density | None
    """Density of the stored pixels."""
    orientation: int = UPRIGHT
    notes: tuple[str, ...] = ()


def _found(opened: JpegImageFile) -> _Found:
    segments = [content for name, content in opened.applist if name == "APP1"]
    packets = [one.removeprefix(_XMP) for one in segments if one.startswith(_XMP)]
    comment = opened.info.get("comment")
    texts = () if comment is None else ((b"tEXt", b"Comment\0" + comment),)
    extras = Extras(texts=texts, xmp=lasting(packets[0]) if packets else None)
    notes = []
    if "mp" in opened.info:
        notes.append("it holds several pictures; only the first is read")
    if _IPTC in opened.info.get("photoshop", ()):
        notes.append("its IPTC data cannot be kept")
    found = _Found(extras, _jfif_density(opened.info), notes=tuple(notes))
    content = opened.info.get("exif")
    return found if content is None else _with_exif(found, content)


def _with_exif(found: _Found, content: bytes) -> _Found:
    try:
        loaded = exif.load(content)
        orientation = exif.orientation_of(loaded)
        upright = exif.changed(content, swapped=swaps_sides(orientation))
        told = exif.density_of(loaded)
    except exif.MALFORMED:
        return replace(found, notes=(*found.notes, "its damaged EXIF is left out"))
    density = found.density
    if told is not None and (density is None or not density.unit):
        density = Density(*told)
    extras = replace(found.extras, exif=upright)
    return replace(found, extras=extras, orientation=orientation, density=density)


def _jfif_density(info: dict[Any, Any]) -> Density | None:
    x, y = info.get("jfif_density", (0, 0))
    unit = _UNITS.get(info.get("jfif_unit", 0), "")
    if not min(x, y) or (not unit and x == y):  # square pixels of unknown size
        return None
    return Density(float(x), float(y), unit)


def xmp_of(path: Path) -> bytes | None:
    """Return the XMP of a JPEG, or None if it has none.

    Raises
    ------
    FileError
        If the file is damaged.
    """
    try:
        with JpegImageFile(path) as opened:
            return _found(opened).extras.xmp
    except (OSError, ValueError, SyntaxError, struct.error) as error:
        raise FileError(f"{path} {_reason(path, error)}") from error


def check_jpeg(image: ImageFile, path: Path, scale: float) -> None:
    """Check that a JPEG can hold an image enlarged `scale` times.

    Raises
    ------
    FileError
        If the image does not have 8 bits, has alpha or several planes, or is too large.
    """
    check_plane(image, path, "JPEG")
    if image.pixels.dtype != np.uint8:
        raise FileError(
            f"{path.name}: JPEG holds 8 bits, not {image.pixels.dtype}: write a TIFF or PNG"
        )
    if image.colour and image.pixels.shape[-1] == 4:
        raise FileError(f"{path.name}: JPEG cannot hold the image's alpha: write a PNG")
    longest = max(image.pixels.shape[:2]) * scale
    if longest > LIMIT:
        raise FileError(f"{path.name}: a JPEG has at most {LIMIT} px a side, not {longest}")


def losses(image: ImageFile, scale: float) -> list[str]:
    """Describe the metadata that a JPEG of the enlarged image cannot hold."""
    extras, density = image.extras, image.density
    others = [text for text in extras.texts if not _is_comment(text)]
    lost = Extras(
        extras.colour,
        tuple(others),
        None if _fits(extras.exif) else extras.exif,
        None if _fits(extras.xmp) else extras.xmp,
    ).names()
    if density is not None and _density_fields(density.times(scale)) is None:
        lost.append(f"a resolution of {density.x * scale:g} per {density.unit}")
    return lost


def _is_comment(text: NamedBytes) -> bool:
    return text[0] == b"tEXt" and keywords_of([text]) == ["Comment"]


def _fits(content: bytes | None) -> bool:
    return content is None or len(content) + len(_XMP) + 2 <= LARGEST


def _density_fields(density: Density) -> tuple[int, int, int] | None:
    """Return unit, x and y as a JPEG stores them, or None if a JPEG cannot hold this density."""
    if not density.unit and min(density.x, density.y) > 0:
        largest = max(density.x, density.y)
        x, y = (side * min(1.0, LARGEST / largest) for side in (density.x, density.y))
        return (0, max(round(x), 1), max(round(y), 1))
    for number, unit in ((1, "inch"), (2, "cm")):
        dots = density.per(unit)
        if dots is not None and min(dots) >= 1 and max(dots) <= LARGEST:
            return (number, round(dots[0]), round(dots[1]))
    return None


def write_jpeg(image: ImageFile, file: BinaryIO) -> None:
    """Write a JPEG of high quality, with metadata, and with colour at full resolution."""
    options: dict[str, Any] = {"quality": QUALITY, "subsampling": 0}
    if image.profile is not None:
        options["icc_profile"] = image.profile
    buffer = io.BytesIO()
    Image.fromarray(image.as_shown()).save(buffer, format="JPEG", **options)
    head = bytearray(buffer.getbuffer()[:_JFIF])
    fields = None if image.density is None else _density_fields(image.density)
    if fields is not None:
        head[_DENSITY] = struct.pack(">BHH", *fields)
    # if XMP and record together do not fit into a segment, the record is left out
    extras = replace(image.extras, xmp=image.xmp) if _fits(image.xmp) else image.extras
    file.write(head + b"".join(_segments(extras)))
    file.write(buffer.getbuffer()[_JFIF:])


def _segments(extras: Extras) -> Iterator[bytes]:
    """Yield the EXIF, XMP and comment segments that a JPEG can hold."""
    if extras.exif is not None and _fits(extras.exif):
        yield _segment(_APP1, exif.PREFIX + extras.exif)
    if extras.xmp is not None and _fits(extras.xmp):
        yield _segment(_APP1, _XMP + extras.xmp)
    for text in extras.texts:
        comment = text[1].partition(b"\0")[2]
        if _is_comment(text) and _fits(comment):
            yield _segment(_COMMENT, comment)


def _segment(marker: bytes, content: bytes) -> bytes:
    return marker + struct.pack(">H", len(content) + 2) + content
