"""PNG: 8 and 16 bits, grey or colour, with or without alpha; fewer bits and palettes are read.

imagecodecs decodes and encodes pixels, because Pillow reduces 16-bit colour to 8 bits. It gets only
the chunks that define pixels, so that a large text or a faulty profile cannot make it fail.
"""

from __future__ import annotations

import logging
import threading
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from napari_sr.files import png_chunks, png_extras, room
from napari_sr.files.image import FileError, ImageFile
from napari_sr.files.orientation import upright, upright_density
from napari_sr.files.png_chunks import CRITICAL, SIGNATURE, Chunk, Header, framed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

LIMIT = 1_000_000
"""Largest side in pixels that libpng reads and writes."""
DEFLATION = 1032
"""Largest number of bytes to which the format deflate can expand one compressed byte."""

_HEADER = len(SIGNATURE) + 8 + 13 + 4
"""Number of bytes up to the end of the first chunk. Further chunks may follow."""


def read_png(path: Path) -> ImageFile:
    """Read a PNG of any depth, and turn it upright, as its EXIF says.

    Pixels of fewer than 8 bits and palettes are converted to 8-bit grey, RGB or RGBA.

    Raises
    ------
    FileError
        If the file is damaged, an animation, or too large for memory.
    """
    content = path.read_bytes()
    chunks = png_chunks.split(content)
    try:
        header = png_chunks.header_of(chunks)
        _check(path, header, chunks)
        pixels = _decoded(chunks)
    except (ValueError, RuntimeError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{path} is damaged or cut off: {_words(error)}") from error
    found = png_extras.read(chunks, header)
    pixels = upright(pixels, found.orientation)
    grey_alpha = pixels.ndim == 3 and pixels.shape[-1] == 2
    if grey_alpha:
        pixels = np.concatenate([np.repeat(pixels[..., :1], 3, axis=-1), pixels[..., 1:]], axis=-1)
    return ImageFile(
        np.ascontiguousarray(pixels),
        "YX" if pixels.ndim == 2 else "YXS",
        density=upright_density(found.density, found.orientation),
        profile=found.profile,
        grey_alpha=grey_alpha,
        extras=found.extras,
        notes=found.notes,
    )


def _check(path: Path, header: Header, chunks: list[Chunk]) -> None:
    """Check chunks and size before memory is allocated."""
    names = [chunk.name for chunk in chunks]
    frames = [chunk.data[:4] for chunk in chunks if chunk.name == b"acTL"]
    if frames and (count := int.from_bytes(frames[0], "big")) > 1:
        raise FileError(f"{path} is an animation of {count} frames, not one image")
    unknown = [name for name in names if name[:1].isupper() and name not in CRITICAL]
    if unknown:
        raise FileError(
            f"{path} needs support for {unknown[0].decode()} chunks, which PNG does not define"
        )
    size = f"{header.width} x {header.height} px"
    if max(header.width, header.height) > LIMIT:
        raise FileError(
            f"{path} is {size}, but PNGs are read only up to {LIMIT} px a side: use TIFF"
        )
    compressed = sum(len(chunk.data) for chunk in chunks if chunk.name == b"IDAT")
    if header.stored > DEFLATION * (compressed + 1):
        raise ValueError(f"its {compressed} bytes of pixels are too few for {size}")
    if lack := room.lacking(header.decoded):
        raise FileError(f"{path} is {size}: it needs {lack}")


def _decoded(chunks: list[Chunk]) -> NDArray[Any]:
    import imagecodecs

    needed = (chunk for chunk in chunks if chunk.name in (*CRITICAL, b"tRNS"))
    with _quiet():
        pixels: NDArray[Any] = imagecodecs.png_decode(png_chunks.joined(needed))
    return pixels


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide the warnings of libpng in imagecodecs, such as one for every interlaced PNG."""
    logger, thread = logging.getLogger("imagecodecs"), threading.get_ident()

    def elsewhere(record: logging.LogRecord) -> bool:
        return record.thread != thread

    logger.addFilter(elsewhere)
    try:
        yield
    finally:
        logger.removeFilter(elsewhere)


def check_png(image: ImageFile, path: Path, scale: float) -> None:
    """Check that a PNG can hold an image enlarged `scale` times.

    Raises
    ------
    FileError
        If the image does not have 8 or 16 bits, has several planes, or is too large.
    """
    check_plane(image, path, "PNG")
    if image.pixels.dtype not in (np.uint8, np.uint16):
        raise FileError(
            f"{path.name}: PNG holds 8 or 16 bits, not {image.pixels.dtype}: write a TIFF"
        )
    longest = max(image.pixels.shape[:2]) * scale
    if longest > LIMIT:
        raise FileError(f"{path.name}: a PNG has at most {LIMIT} px a side, not {longest}")


def check_plane(image: ImageFile, path: Path, kind: str) -> None:
    """Check that an image is one plane of grey or colour.

    Raises
    ------
    FileError
        If it is not; the message names its axes and shape.
    """
    if image.axes[:2] != "YX" or (image.axes != "YX" and not image.colour):
        raise FileError(
            f"{path.name}: {kind} holds one plane of grey or colour, not axes {image.axes} of "
            f"shape {image.pixels.shape}: write a TIFF"
        )


def losses(image: ImageFile, scale: float) -> list[str]:
    """Describe the metadata that a PNG of the enlarged image cannot hold."""
    density = None if image.density is None else image.density.times(scale)
    if density is None or png_extras.density_chunk(density) is not None:
        return []
    return [f"a resolution of {density.x:g} per {density.unit}"]


def write_png(image: ImageFile, file: BinaryIO) -> None:
    """Write a PNG of 8 or 16 bits, with its density, colour profile, text chunks and EXIF."""
    import imagecodecs

    encoded = imagecodecs.png_encode(np.ascontiguousarray(image.as_shown()))
    chunks = [framed(b"tEXt", b"Software\0" + image.software.encode("latin-1", "replace"))]
    chunks += [framed(*chunk) for chunk in image.extras.colour]
    density = png_extras.density_chunk(image.density)
    if density is not None:
        chunks.append(framed(b"pHYs", density))
    if image.profile is not None:
        chunks.append(framed(b"iCCP", b"ICC profile\0\0" + zlib.compress(image.profile)))
    chunks += [framed(*chunk) for chunk in image.extras.texts]
    xmp = image.xmp
    if xmp is not None:
        chunks.append(framed(b"iTXt", png_extras.XMP + b"\0\0\0\0\0" + xmp))
    if image.extras.exif is not None:
        chunks.append(framed(b"eXIf", image.extras.exif))
    file.write(encoded[:_HEADER] + b"".join(chunks))
    file.write(memoryview(encoded)[_HEADER:])


def xmp_of(path: Path) -> bytes | None:
    """Return the XMP of a PNG, or None if it has none.

    Raises
    ------
    FileError
        If the file is damaged.
    """
    chunks = png_chunks.split(path.read_bytes())
    try:
        return png_extras.read(chunks, png_chunks.header_of(chunks)).extras.xmp
    except ValueError as error:
        raise FileError(f"{path} is damaged or cut off: {_words(error)}") from error


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
