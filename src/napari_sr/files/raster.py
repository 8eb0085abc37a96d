"""PNG and JPEG: 8 bits, and 16 for PNG; grey or colour, with or without alpha.

PNG is decoded and encoded by imagecodecs, because Pillow cuts 16-bit colour down to 8 bits.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image, ImageOps

from napari_sr.files.image import Density, FileError, ImageFile

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"
JPEG_LIMIT = 65_535
"""Pixels along a side, and dots per inch, that a JPEG can tell of."""
QUALITY = 95

_HEADER = len(PNG) + 8 + 13 + 4
"""Bytes of a PNG up to the end of its first chunk, after which others may follow."""


def read_png(path: Path) -> ImageFile:
    """Read a PNG of any depth; fewer than 8 bits and palettes become 8-bit grey, RGB or RGBA.

    Raises
    ------
    FileError
        If the file is damaged or an animation.
    """
    import imagecodecs

    content = path.read_bytes()
    try:
        with _opened(path) as header:
            frames, info = getattr(header, "n_frames", 1), dict(header.info)
        pixels = imagecodecs.png_decode(content)
    except (OSError, ValueError, RuntimeError, SyntaxError, struct.error) as error:
        raise FileError(f"{path} is damaged or cut off: {_words(error)}") from error
    if frames > 1:
        raise FileError(f"{path} is an animation of {frames} frames, not one image")
    depth, kind = content[24], content[25]
    notes: tuple[str, ...] = ()
    if kind == 3:
        notes = ("its palette was converted to RGB",)
    elif depth < 8:
        notes = (f"its {depth}-bit grey was converted to 8 bits",)
    return _image_file(pixels, info, notes)


def read_jpeg(path: Path) -> ImageFile:
    """Read a JPEG upright, as its EXIF orientation says.

    Raises
    ------
    FileError
        If the file is damaged or neither grey nor RGB.
    """
    try:
        with _opened(path) as opened:
            mode = opened.mode
            info = dict(opened.info)
            pixels = np.asarray(ImageOps.exif_transpose(opened)) if mode in ("L", "RGB") else None
    except (OSError, ValueError, SyntaxError, struct.error) as error:
        raise FileError(f"{path} is damaged or cut off: {_words(error)}") from error
    if pixels is None:
        raise FileError(f"{path} has colours of the kind {mode}: convert it to RGB first")
    return _image_file(pixels, info)


def _opened(path: Path) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the user named it
        try:
            return Image.open(path)
        except Image.DecompressionBombError as error:
            raise FileError(f"{path} is too large for a PNG or JPEG: use TIFF ({error})") from error


def _image_file(
    pixels: NDArray[Any], info: dict[Any, Any], notes: tuple[str, ...] = ()
) -> ImageFile:
    dots = info.get("dpi")
    density = Density(float(dots[0]), float(dots[1]), "inch") if dots and min(dots) > 0 else None
    grey_alpha = pixels.ndim == 3 and pixels.shape[-1] == 2
    if grey_alpha:
        pixels = np.concatenate([np.repeat(pixels[..., :1], 3, axis=-1), pixels[..., 1:]], axis=-1)
    return ImageFile(
        pixels,
        "YX" if pixels.ndim == 2 else "YXS",
        density=density,
        profile=info.get("icc_profile"),
        grey_alpha=grey_alpha,
        notes=notes,
    )


def check_png(image: ImageFile, path: Path) -> None:
    """Refuse what a PNG cannot hold.

    Raises
    ------
    FileError
        If the image is not 8 or 16 bits, or more than one plane.
    """
    _check_plane(image, path, "PNG")
    if image.pixels.dtype not in (np.uint8, np.uint16):
        raise FileError(
            f"{path.name}: PNG holds 8 or 16 bits, not {image.pixels.dtype}: write a TIFF"
        )


def check_jpeg(image: ImageFile, path: Path, scale: int) -> None:
    """Refuse what a JPEG cannot hold once it is `scale` times larger.

    Raises
    ------
    FileError
        If the image is not 8 bits, more than one plane, has alpha or is too large.
    """
    _check_plane(image, path, "JPEG")
    if image.pixels.dtype != np.uint8:
        raise FileError(
            f"{path.name}: JPEG holds 8 bits, not {image.pixels.dtype}: write a TIFF or PNG"
        )
    if image.colour and image.pixels.shape[-1] == 4:
        raise FileError(f"{path.name}: JPEG holds no alpha, and the image has it: write a PNG")
    longest = max(image.pixels.shape[:2]) * scale
    if longest > JPEG_LIMIT:
        raise FileError(f"{path.name}: a JPEG has at most {JPEG_LIMIT} px a side, not {longest}")


def _check_plane(image: ImageFile, path: Path, kind: str) -> None:
    if image.axes[:2] != "YX" or (image.axes != "YX" and not image.colour):
        raise FileError(
            f"{path.name}: {kind} holds one plane of grey or colour, not axes {image.axes} of "
            f"shape {image.pixels.shape}: write a TIFF"
        )


def write_png(image: ImageFile, file: BinaryIO) -> None:
    """Write a PNG of 8 or 16 bits, with its density and colour profile."""
    import imagecodecs

    encoded = imagecodecs.png_encode(np.ascontiguousarray(image.as_shown()))
    chunks = [_chunk(b"tEXt", b"Software\0" + image.software.encode("latin-1", "replace"))]
    density = None if image.density is None else image.density.per("m")
    if density is not None and min(density) > 0 and max(density) < 2**31:
        chunks.append(_chunk(b"pHYs", struct.pack(">IIB", *map(round, density), 1)))
    if image.profile is not None:
        chunks.append(_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(image.profile)))
    file.write(encoded[:_HEADER] + b"".join(chunks) + encoded[_HEADER:])


def _chunk(name: bytes, content: bytes) -> bytes:
    """Return a chunk as PNG frames it: length, name, content, checksum of the last two."""
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def write_jpeg(image: ImageFile, file: BinaryIO) -> None:
    """Write a JPEG of high quality, colour at full resolution, with density and profile."""
    options: dict[str, Any] = {"quality": QUALITY, "subsampling": 0}
    density = None if image.density is None else image.density.per("inch")
    if density is not None and min(density) >= 1 and max(density) <= JPEG_LIMIT:
        options["dpi"] = tuple(map(round, density))
    if image.profile is not None:
        options["icc_profile"] = image.profile
    buffer = io.BytesIO()
    Image.fromarray(image.as_shown()).save(buffer, format="JPEG", **options)
    file.write(buffer.getvalue())


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
