"""Metadata of a PNG or JPEG, except pixel density and colour profile. Both use the same class.

Chunks are stored as in PNG (https://www.w3.org/TR/png-3/), EXIF and XMP as bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from napari_sr.files import exif

if TYPE_CHECKING:
    from collections.abc import Iterable

NamedBytes: TypeAlias = tuple[bytes, bytes]
"""A chunk's name and its data."""

_STALE = (
    rb"(?:tiff:(?:Orientation|XResolution|YResolution|ImageWidth|ImageLength)"
    rb"|exif:Pixel[XY]Dimension)"
)
_STALE_XMP = re.compile(
    rb"\s" + _STALE + rb"\s*=\s*(?:\"[^\"]*\"|'[^']*')|<(" + _STALE + rb")>[^<]*</\1>"
)
"""Matches sizes and orientation in XMP, written as attributes or as elements."""


@dataclass(frozen=True)
class Extras:
    """Metadata that are written to the result if its format can hold them."""

    colour: tuple[NamedBytes, ...] = ()
    """Chunks of PNG that define colours, such as gAMA and cHRM."""
    texts: tuple[NamedBytes, ...] = ()
    """Text chunks as in PNG; a JPEG's comment becomes one."""
    exif: bytes | None = None
    """EXIF (date, camera, location and so on) of the upright image, without the prefix that it has
    in a JPEG."""
    xmp: bytes | None = None
    """XMP, which is XML."""

    def enlarged(self, scale: float) -> Extras:
        """Return the metadata of an image that is `scale` times larger."""
        if self.exif is None:
            return self
        return replace(self, exif=exif.changed(self.exif, scale=scale))

    def names(self) -> list[str]:
        """Return the names of the metadata that are present."""
        chunks = [name.decode() for name, _ in self.colour]
        keywords = [f"text {keyword!r}" for keyword in keywords_of(self.texts)]
        others = {"EXIF": self.exif, "XMP": self.xmp}
        return [*chunks, *keywords, *(name for name, value in others.items() if value is not None)]


def keywords_of(texts: Iterable[NamedBytes]) -> list[str]:
    """Return the keywords of text chunks."""
    return [data.partition(b"\0")[0].decode("latin-1") for _, data in texts]


def lasting(xmp: bytes) -> bytes:
    """Return XMP without orientation, size and resolution, which differ in the result."""
    return _STALE_XMP.sub(b"", xmp)


NO_EXTRAS = Extras()
