"""What an image file holds beside its pixels, and what becomes of it when it is enlarged."""

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
"""Length of the units that files use; ImageJ writes the micro sign as six letters."""

TagValue: TypeAlias = tuple[int, int, Any]
"""A tag's data type and count, and its value, as `tifffile.imwrite` takes them."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_NO_TAGS: Mapping[int, TagValue] = MappingProxyType({})


class FileError(ValueError):
    """An image file cannot be read, or cannot hold what is to be written."""


@dataclass(frozen=True)
class Density:
    """Pixels per unit of length."""

    x: float
    y: float
    unit: str
    """A key of `METRES`, or a word that only the file's makers know, or ""."""

    def times(self, scale: int) -> Density:
        """Return the density of an image `scale` times larger of the same things."""
        return replace(self, x=self.x * scale, y=self.y * scale)

    def per(self, unit: str) -> tuple[float, float] | None:
        """Return (x, y) in pixels per another unit, or None where ours has no known length."""
        ours = METRES.get(self.unit.lower())
        if ours is None:
            return None
        factor = METRES[unit] / ours
        return self.x * factor, self.y * factor


def white_of(dtype: DTypeLike, bits: int | None = None) -> float:
    """Return the value of white: of the bits or the type of integers, 1 for floats."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return 1.0
    return float(np.iinfo(kind).max) if bits is None else float(2**bits - 1)


@dataclass(frozen=True)
class Samples:
    """How a TIFF stores bands that are an axis of their own in `ImageFile.pixels`."""

    axis: str
    """The letter of that axis."""
    photometric: Literal["rgb", "minisblack"]
    """What the first samples are, in tifffile's words."""
    extra: tuple[int, ...]
    """What the other samples are, by the numbers of the tag ExtraSamples."""
    planar: bool
    """Whether each band is stored as a plane of its own, or all of them pixel by pixel."""


@dataclass(frozen=True)
class ImageFile:
    """The pixels of a file as they are shown, and what else it said.

    Black is at zero, colours are not multiplied by alpha, and pixels are upright, however the file
    stores them.
    """

    pixels: NDArray[Any]
    axes: str
    """One letter per axis of `pixels`; a last S of 3 or 4 is RGB or RGBA."""
    density: Density | None = None
    profile: bytes | None = None
    """The ICC profile, which says what the colours mean."""
    alpha: Literal["unassalpha", "assocalpha"] = "unassalpha"
    """How a TIFF stores alpha, in tifffile's words: with colours multiplied by it or not."""
    alpha_bounds: bool = True
    """Whether a TIFF of associated alpha has no colour above its alpha."""
    grey_alpha: bool = False
    """Whether the file held grey and alpha, which is RGBA here."""
    white_is_zero: bool = False
    """Whether a TIFF stores white as zero; `pixels` have black at zero all the same."""
    significant_bits: int | None = None
    """How many bits the values use, where that is fewer than their unsigned type has."""
    samples: Samples | None = None
    """How a TIFF stores bands; None where its samples are grey, RGB or alpha."""
    nodata: float | None = None
    """The value that a GeoTIFF of floats stores where nothing was measured, which is NaN here."""
    compression: str | None = None
    """Of a TIFF, in tifffile's words, where it loses nothing."""
    kind: Literal["plain", "imagej", "ome"] = "plain"
    """Whose metadata a TIFF carried."""
    details: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    """That metadata, under its makers' names."""
    extras: Extras = NO_EXTRAS
    """What a PNG or JPEG said beside pixels, density and profile."""
    tags: Mapping[int, TagValue] = field(default_factory=lambda: _NO_TAGS)
    """Further tags of a TIFF, by their numbers: date, artist, place on the ground."""
    software: str = "napari-sr"
    """What wrote it."""
    notes: tuple[str, ...] = ()
    """What the user should know about the reading."""

    @property
    def colour(self) -> bool:
        """Whether the last axis is RGB or RGBA."""
        return self.axes[-1:] in ("S", "C") and self.pixels.shape[-1] in (3, 4)

    @property
    def white(self) -> float:
        """The value of white, where the file or its type says it; 1 for floats."""
        return white_of(self.pixels.dtype, self.significant_bits)

    def default_range(self) -> tuple[float, float] | None:
        """Return (black, white) where the file says it, and None where only its type does."""
        return None if self.significant_bits is None else (0.0, self.white)

    def shown_range(self, stored: tuple[float, float]) -> tuple[float, float]:
        """Return (black, white) of `pixels` from the range (low, high) of the stored values."""
        low, high = stored
        if not self.white_is_zero:
            return low, high
        total = -1 if self.pixels.dtype.kind == "i" else self.white
        return total - high, total - low

    def enlarged(self, pixels: NDArray[Any], scale: int, software: str) -> ImageFile:
        """Return the file of an enlarged image: pixels are `scale` times denser, or smaller.

        Values above the white of the significant bits, which the file cannot mean, become white.
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
        """Return the pixels as they are shown: grey and alpha where that is what the file held."""
        if not (self.grey_alpha and self.colour):
            return self.pixels
        # the three are equal, but for the rounding of the way through luma
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
