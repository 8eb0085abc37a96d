"""The content of an image file, before and after enlarging: pixels and metadata."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from napari_sr.files.extras import NO_EXTRAS, Extras
from napari_sr.files.geotiff import enlarged_tags
from napari_sr.files.xmp_record import with_record

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
"""Lengths of units in metres; ImageJ writes the micro sign as an escape of six characters."""

TagValue: TypeAlias = tuple[int, int, Any]
"""A tag's data type, count and value, as for `tifffile.imwrite`."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_NO_TAGS: Mapping[int, TagValue] = MappingProxyType({})


class FileError(ValueError):
    """An image file cannot be read, or cannot hold the image to write."""


@dataclass(frozen=True)
class Density:
    """The pixel density: pixels per unit of length."""

    x: float
    y: float
    unit: str
    """A key of `METRES`, another unit that the file names, or "" if it names none."""

    def times(self, scale: float) -> Density:
        """Return the density after enlarging: `scale` times more pixels per unit of length."""
        return replace(self, x=self.x * scale, y=self.y * scale)

    def per(self, unit: str) -> tuple[float, float] | None:
        """Return the density (x, y) in pixels per this unit; None if `self.unit` is unknown."""
        ours = METRES.get(self.unit.lower())
        if ours is None:
            return None
        factor = METRES[unit] / ours
        return self.x * factor, self.y * factor


def white_of(dtype: DTypeLike, bits: int | None = None) -> float:
    """Return the value of white: the largest integer of the type or of `bits`; 1 for floats."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return 1.0
    return float(np.iinfo(kind).max) if bits is None else float(2**bits - 1)


@dataclass(frozen=True)
class Samples:
    """How a TIFF stores bands (samples besides colour and alpha), an axis of `ImageFile.pixels`."""

    axis: str
    """Letter of the axis of bands."""
    photometric: Literal["rgb", "minisblack"]
    """Meaning of the first samples, as tifffile names it."""
    extra: tuple[int, ...]
    """Meaning of the other samples: the numbers in the tag ExtraSamples."""
    planar: bool
    """Whether each band is stored as a separate plane (True) or the bands are interleaved
    (False)."""


class StoredValues:
    """Base class: black and white of an image, as its file defines them."""

    pixels: Any
    significant_bits: int | None
    white_is_zero: bool

    @property
    def white(self) -> float:
        """The value of white that the file or its type defines; 1 for floats."""
        return white_of(self.pixels.dtype, self.significant_bits)

    def default_range(self) -> tuple[float, float] | None:
        """Return (black, white) if the file defines them, or None if only the data type does."""
        return None if self.significant_bits is None else (0.0, self.white)

    def shown_range(self, stored: tuple[float, float]) -> tuple[float, float]:
        """Convert a range (low, high) of stored values to (black, white) of `pixels`."""
        low, high = stored
        if not self.white_is_zero:
            return low, high
        total = -1 if self.pixels.dtype.kind == "i" else self.white
        return total - high, total - low


@dataclass(frozen=True)
class ImageFile(StoredValues):
    """The pixels of a file as they are displayed, and its metadata.

    Black is zero, colours are not multiplied by alpha, and pixels are upright, even if the file
    stores them in another way.
    """

    pixels: NDArray[Any]
    axes: str
    """One letter per axis of `pixels`; a last axis S, of length 3 or 4, is RGB or RGBA."""
    density: Density | None = None
    profile: bytes | None = None
    """The ICC profile, which defines the colours."""
    alpha: Literal["unassalpha", "assocalpha"] = "unassalpha"
    """Whether a TIFF stores colours multiplied by alpha ("assocalpha") or not, in tifffile's
    terms."""
    alpha_bounds: bool = True
    """Whether each colour of a TIFF with associated alpha is at most its alpha."""
    grey_alpha: bool = False
    """Whether the file holds grey and alpha, which become RGBA in `pixels`."""
    white_is_zero: bool = False
    """Whether a TIFF stores white as zero. In `pixels`, black is always zero."""
    significant_bits: int | None = None
    """Number of bits in use, if the unsigned type has more; otherwise None."""
    samples: Samples | None = None
    """How a TIFF stores bands; None if it has no bands (only grey, RGB or alpha)."""
    nodata: float | None = None
    """The no-data value of a GeoTIFF of floats, which is NaN in `pixels`."""
    compression: str | None = None
    """Compression of a TIFF, as tifffile names it, if it is lossless."""
    kind: Literal["plain", "imagej", "ome"] = "plain"
    """Kind of a TIFF's metadata: plain, ImageJ's or OME's."""
    details: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    """The metadata of ImageJ or OME, under their original names."""
    extras: Extras = NO_EXTRAS
    """Other metadata of a PNG or JPEG."""
    tags: Mapping[int, TagValue] = field(default_factory=lambda: _NO_TAGS)
    """Other tags of a TIFF, by number, such as date, artist and georeference."""
    software: str = "napari-sr"
    """The software that wrote the file."""
    notes: tuple[str, ...] = ()
    """Notes on reading the file, for the user."""
    record: Mapping[str, Any] | None = None
    """Record of the run that computed the pixels, to be written with them; None if they are from
    no run."""

    @property
    def xmp(self) -> bytes | None:
        """The XMP to write: the source's, with the record added."""
        return self.extras.xmp if self.record is None else with_record(self.extras.xmp, self.record)

    @property
    def colour(self) -> bool:
        """Whether the last axis is RGB or RGBA."""
        return self.axes[-1:] in ("S", "C") and self.pixels.shape[-1] in (3, 4)

    def enlarged(
        self,
        pixels: NDArray[Any],
        scale: float,
        software: str,
        record: Mapping[str, Any] | None = None,
    ) -> ImageFile:
        """Return the image file of the enlarged pixels, with a density `scale` times higher.

        Values above white, the largest value of the significant bits, become white.

        Parameters
        ----------
        pixels : array
            The enlarged pixels.
        scale : float
            Enlargement along Y and X.
        software : str
            The software that computed them.
        record : mapping, optional
            Record of the run, in the form that files hold.
        """
        density = None if self.density is None else self.density.times(scale)
        bits = self.significant_bits if pixels.dtype.kind in "iu" else None
        if bits is not None and pixels.max() > self.white:
            pixels = np.minimum(pixels, np.array(self.white, pixels.dtype))
        return replace(
            self,
            pixels=pixels,
            significant_bits=bits,
            density=density,
            details=_enlarged_details(self.details, scale),
            extras=self.extras.enlarged(scale),
            tags=enlarged_tags(self.tags, scale),
            software=software,
            notes=(),
            record=record,
        )

    def as_shown(self) -> NDArray[Any]:
        """Return the pixels; RGBA becomes grey and alpha again if the file stores these."""
        if not (self.grey_alpha and self.colour):
            return self.pixels
        # the three colours may differ by rounding, because luma networks convert them
        grey = self.pixels[..., :3].mean(axis=-1, dtype=np.float64)
        if self.pixels.dtype.kind != "f":
            grey = np.rint(grey)
        return np.stack([grey.astype(self.pixels.dtype), self.pixels[..., 3]], axis=-1)


_SIZES = ("PhysicalSizeX", "PhysicalSizeY")
_ORIGINS = ("xorigin", "yorigin")
_REGIONS = ("ROI", "Overlays")


def _enlarged_details(details: Mapping[str, Any], scale: float) -> dict[str, Any]:
    changed = {key: value for key, value in details.items() if key not in _REGIONS}
    for key in _SIZES:
        if key in changed:
            changed[key] = changed[key] / scale
    for key in _ORIGINS:
        if key in changed:
            changed[key] = changed[key] * scale
    return changed
