"""What an image file holds beside its pixels, and what becomes of it when it is enlarged."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_sr.files.extras import NO_EXTRAS, Extras

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

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

_NOTHING: Mapping[str, Any] = MappingProxyType({})


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


@dataclass(frozen=True)
class ImageFile:
    """The pixels of a file, and what else it said."""

    pixels: NDArray[Any]
    axes: str
    """One letter per axis of `pixels`; a last S of 3 or 4 is RGB or RGBA."""
    density: Density | None = None
    profile: bytes | None = None
    """The ICC profile, which says what the colours mean."""
    alpha: Literal["unassalpha", "assocalpha", "unspecified"] = "unassalpha"
    """What a fourth sample is, in tifffile's words: associated means multiplied in."""
    grey_alpha: bool = False
    """Whether the file held grey and alpha, which is RGBA here."""
    white_is_zero: bool = False
    """Whether the values of `pixels` mean darkness, as those of some scanners do."""
    compression: str | None = None
    """Of a TIFF, in tifffile's words, where it loses nothing."""
    kind: Literal["plain", "imagej", "ome"] = "plain"
    """Whose metadata a TIFF carried."""
    details: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    """That metadata, under its makers' names."""
    extras: Extras = NO_EXTRAS
    """What a PNG or JPEG said beside pixels, density and profile."""
    software: str = "napari-sr"
    """What wrote it."""
    notes: tuple[str, ...] = ()
    """What the user should know about the reading."""

    @property
    def colour(self) -> bool:
        """Whether the last axis is RGB or RGBA."""
        return self.axes[-1:] in ("S", "C") and self.pixels.shape[-1] in (3, 4)

    def enlarged(self, pixels: NDArray[Any], scale: int, software: str) -> ImageFile:
        """Return the file of an enlarged image: pixels are `scale` times denser, or smaller."""
        density = None if self.density is None else self.density.times(scale)
        return replace(
            self,
            pixels=pixels,
            density=density,
            details=_enlarged_details(self.details, scale),
            extras=self.extras.enlarged(scale),
            software=software,
            notes=(),
        )

    def as_stored(self) -> NDArray[Any]:
        """Return the pixels as their file holds them: grey and alpha where that is what it held."""
        if not (self.grey_alpha and self.colour):
            return self.pixels
        # the three are equal, but for the rounding of the way through luma
        grey = self.pixels[..., :3].mean(axis=-1, dtype=np.float64)
        if self.pixels.dtype.kind != "f":
            grey = np.rint(grey)
        return np.stack([grey.astype(self.pixels.dtype), self.pixels[..., 3]], axis=-1)

    def as_shown(self) -> NDArray[Any]:
        """Return the pixels as stored, but always with black at zero."""
        stored = self.as_stored()
        return np.invert(stored) if self.white_is_zero else stored


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
