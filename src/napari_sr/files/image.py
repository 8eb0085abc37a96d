"""The content of an image file besides its pixels, and that of its enlarged image."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from napari_sr.files.extras import NO_EXTRAS, Extras
from napari_sr.files.geotiff import enlarged_tags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import DTypeLike, NDArray

METRES = {
    "inch": 0.0254,
    "m": 1.0,
    "cm": 1e-2,
    "mm": 1e-3,
    "micron": 1e-6,
    "um": 1e-6,
    "\xb5m": 1e-6,
    "\u03bcm": 1e-6,
    "\\u00b5m": 1e-6,
    "nm": 1e-9,
}
"""Units of length in metres; ImageJ writes the micro sign as six letters."""

TagValue: TypeAlias = tuple[int, int, Any]
"""A tag's data type, count and value, as for `tifffile.imwrite`."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_NO_TAGS: Mapping[int, TagValue] = MappingProxyType({})


class FileError(ValueError):
    """An image file cannot be read, or cannot hold the image to write."""


@dataclass(frozen=True)
class Density:
    """Pixels per unit of length."""

    x: float
    y: float
    unit: str
    """A key of `METRES`, another word from the file, or ""."""

    def times(self, scale: int) -> Density:
        """Return the density of an image that is `scale` times larger."""
        return replace(self, x=self.x * scale, y=self.y * scale)

    def per(self, unit: str) -> tuple[float, float] | None:
        """Return (x, y) in pixels per another unit, or None if ours has no known length."""
        ours = METRES.get(self.unit.lower())
        if ours is None:
            return None
        factor = METRES[unit] / ours
        return self.x * factor, self.y * factor


def white_of(dtype: DTypeLike, bits: int | None = None) -> float:
    """Return the value of white: the largest of the bits or the integer type, 1 for floats."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return 1.0
    return float(np.iinfo(kind).max) if bits is None else float(2**bits - 1)


@dataclass(frozen=True)
class Samples:
    """The storage of bands in a TIFF; in `ImageFile.pixels` they are an axis."""

    axis: str
    """The letter of that axis."""
    photometric: Literal["rgb", "minisblack"]
    """Meaning of the first samples, as tifffile names it."""
    extra: tuple[int, ...]
    """Meaning of the other samples, as numbers of the tag ExtraSamples."""
    planar: bool
    """Whether each band is stored as a plane, rather than all bands pixel by pixel."""


@dataclass(frozen=True)
class ImageFile:
    """The pixels of a file as they are displayed, and its metadata.

    Black is zero, colours are not multiplied by alpha, and pixels are upright, however the file
    stores them.
    """

    pixels: NDArray[Any]
    axes: str
    """One letter per axis of `pixels`; a last S of 3 or 4 is RGB or RGBA."""
    density: Density | None = None
    profile: bytes | None = None
    """The ICC profile, which defines the colours."""
    alpha: Literal["unassalpha", "assocalpha"] = "unassalpha"
    """How a TIFF stores alpha, as tifffile names it: multiplied into the colours or not."""
    alpha_bounds: bool = True
    """Whether no colour of a TIFF with associated alpha exceeds its alpha."""
    grey_alpha: bool = False
    """Whether the file held grey and alpha, which is RGBA here."""
    white_is_zero: bool = False
    """Whether a TIFF stores white as zero; in `pixels` black is zero even so."""
    significant_bits: int | None = None
    """Number of used bits, if it is less than that of the unsigned type."""
    samples: Samples | None = None
    """How a TIFF stores bands; None if its samples are grey, RGB or alpha."""
    nodata: float | None = None
    """The no-data value of a GeoTIFF of floats; in `pixels` it is NaN."""
    compression: str | None = None
    """Compression of a TIFF, as tifffile names it, if it is lossless."""
    kind: Literal["plain", "imagej", "ome"] = "plain"
    """Whose metadata a TIFF has."""
    details: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    """These metadata, with their original names."""
    extras: Extras = NO_EXTRAS
    """Other metadata of a PNG or JPEG."""
    tags: Mapping[int, TagValue] = field(default_factory=lambda: _NO_TAGS)
    """Other tags of a TIFF, by number: date, artist, place on the ground."""
    software: str = "napari-sr"
    """The software that wrote the file."""
    notes: tuple[str, ...] = ()
    """Notes on reading the file, for the user."""

    @property
    def colour(self) -> bool:
        """Whether the last axis is RGB or RGBA."""
        return self.axes[-1:] in ("S", "C") and self.pixels.shape[-1] in (3, 4)

    @property
    def white(self) -> float:
        """The value of white that the file or its type defines; 1 for floats."""
        return white_of(self.pixels.dtype, self.significant_bits)

    def default_range(self) -> tuple[float, float] | None:
        """Return (black, white) if the file defines it, or None if only its type does."""
        return None if self.significant_bits is None else (0.0, self.white)

    def shown_range(self, stored: tuple[float, float]) -> tuple[float, float]:
        """Return (black, white) of `pixels` from the range (low, high) of stored values."""
        low, high = stored
        if not self.white_is_zero:
            return low, high
        total = -1 if self.pixels.dtype.kind == "i" else self.white
        return total - high, total - low

    def enlarged(self, pixels: NDArray[Any], scale: int, software: str) -> ImageFile:
        """Return the file of the enlarged image: its density is `scale` times higher.

        Values above the white of the significant bits are impossible, and become white.
        """
        density = None if self.density is None else self.density.times(scale)
        if self.significant_bits is not None and pixels.max() > self.white:
            pixels = np.minimum(pixels, np.array(self.white, pixels.dtype))
        return replace(
            self,
            pixels=pixels,
            density=density,
            details=_enlarged_details(self.details, scale),
            extras=self.extras.enlarged(scale),
            tags=enlarged_tags(self.tags, scale),
            software=software,
            notes=(),
        )

    def as_shown(self) -> NDArray[Any]:
        """Return the pixels, with grey and alpha instead of RGBA if the file had these."""
        if not (self.grey_alpha and self.colour):
            return self.pixels
        # the three colours are equal up to rounding in the conversion by luma
        grey = self.pixels[..., :3].mean(axis=-1, dtype=np.float64)
        if self.pixels.dtype.kind != "f":
            grey = np.rint(grey)
        return np.stack([grey.astype(self.pixels.dtype), self.pixels[..., 3]], axis=-1)


_SIZES = ("PhysicalSizeX", "PhysicalSizeY")
_ORIGINS = ("xorigin", "yorigin")
_REGIONS = ("ROI", "Overlays")


def _enlarged_details(details: Mapping[str, Any], scale: int) -> dict[str, Any]:
    changed = {key: value for key, value in details.items() if key not in _REGIONS}
    for key in _SIZES:
        if key in changed:
            changed[key] = changed[key] / scale
    for key in _ORIGINS:
        if key in changed:
            changed[key] = changed[key] * scale
    return changed
