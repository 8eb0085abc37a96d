"""EXIF of PNG and JPEG: read orientation and pixel density; adapt EXIF to an enlarged image.

The specification is CIPA DC-008; Pillow reads and writes EXIF.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from napari_sr.files.orientation import TAG as ORIENTATION
from napari_sr.files.orientation import UPRIGHT
from napari_sr.graph.factor import boundary, exact_factor

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from PIL import Image

PREFIX = b"Exif\0\0"
DIRECTORY = 0x8769
"""The tag that points to the EXIF directory."""
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
MALFORMED = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, OSError,
    SyntaxError, struct.error,
)  # fmt: skip
"""The exceptions that Pillow raises for broken EXIF."""

_UNITS = {2: "inch", 3: "cm"}
_SIDES = ((0x0100, 0x0101), (X_RESOLUTION, Y_RESOLUTION))
_SIDES_INSIDE = ((0xA002, 0xA003), (0xA20E, 0xA20F))
"""Pairs of tags for x and y: sizes in pixels, and pixels per unit of length."""
_SIZES = (0x0100, 0x0101, 0xA002, 0xA003)
"""Tags of sizes in whole pixels."""
_PLACES = (0x9214, 0xA214)
"""Tags of the area in focus. They are removed, because they hold pixels of the stored image."""


def load(content: bytes) -> Image.Exif:
    """Parse EXIF.

    Raises
    ------
    MALFORMED
        If the bytes are not EXIF.
    """
    from PIL import Image

    exif = Image.Exif()
    exif.load(PREFIX + content.removeprefix(PREFIX))
    return exif


def orientation_of(exif: Image.Exif) -> int:
    """Return the orientation, 1 to 8; 1 if the tag is missing or invalid."""
    found = exif.get(ORIENTATION)
    return found if isinstance(found, int) and found in range(1, 9) else UPRIGHT


def density_of(exif: Image.Exif) -> tuple[float, float, str] | None:
    """Return pixels per unit in x and y as stored, and the unit of length; None if unknown."""
    x, y = exif.get(X_RESOLUTION), exif.get(Y_RESOLUTION)
    unit = _UNITS.get(exif.get(RESOLUTION_UNIT, 2))
    if x is None or y is None or unit is None or not min(x, y) > 0:
        return None
    return float(x), float(y), unit


def changed(content: bytes, *, swapped: bool = False, scale: float = 1) -> bytes:
    """Return the EXIF of the image after it was turned upright and enlarged `scale` times.

    Parameters
    ----------
    content : bytes
        EXIF, with or without the prefix that it has in a JPEG.
    swapped : bool
        Whether turning the image upright exchanges x and y.
    scale : float
        Factor for sizes in pixels, and for pixels per unit of length.

    Returns
    -------
    bytes
        EXIF without the prefix and without a thumbnail.
    """
    exif = load(content)
    if ORIENTATION in exif:
        exif[ORIENTATION] = UPRIGHT
    _change(exif, _SIDES, swapped, scale)
    inside = exif.get_ifd(DIRECTORY)
    _change(inside, _SIDES_INSIDE, swapped, scale)
    for tag in _PLACES:
        inside.pop(tag, None)
    return exif.tobytes().removeprefix(PREFIX)


def _times(tag: int, value: Any, scale: float) -> Any:
    """Return a size in pixels, or a number of pixels per unit, of the enlarged image."""
    whole = tag in _SIZES and isinstance(value, int)
    return boundary(value, exact_factor(scale)) if whole else value * scale


def _change(
    tags: MutableMapping[int, Any], pairs: tuple[tuple[int, int], ...], swapped: bool, scale: float
) -> None:
    for x, y in pairs:
        found = {tag: _times(tag, tags[tag], scale) for tag in (x, y) if tag in tags}
        if swapped:
            found = {x + y - tag: value for tag, value in found.items()}
            for tag in (x, y):
                tags.pop(tag, None)
        tags.update(found)
