"""An image that is read window by window, and the position of its pixels in the world.

Symbols: Y and X are the image axes; a last S is RGB or RGBA; the other axes count planes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from napari_sr.files.image import StoredValues

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_sr.engine.image.arrays import ArrayLike

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Axis:
    """Pixel size, origin and unit along one axis."""

    size: float = 1.0
    """Distance between the centres of neighbouring pixels, in `unit`."""
    origin: float = 0.0
    """Position of the centre of the first pixel, in `unit`."""
    unit: str = ""
    """Unit as OME-Zarr names it, such as "micrometer" or "second"; "" if it is unknown."""

    def enlarged(self, scale: float) -> Axis:
        """Return the axis after enlarging `scale` times; the image's outer edges do not move."""
        size = self.size / scale
        return replace(self, size=size, origin=self.origin + (size - self.size) / 2)


def without_windows(channels: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Return descriptions of channels without display ranges, for pixels in other values."""
    return tuple({key: one[key] for key in one if key != "window"} for one in channels)


@dataclass(frozen=True)
class LazyImage(StoredValues):
    """Pixels in a file, read only where they are sliced, and their metadata."""

    pixels: ArrayLike
    """Slicing this array reads a window and returns a NumPy array; little stays in memory."""
    axes: str
    """One letter per axis of `pixels`; a last axis S, of length 3 or 4, is RGB or RGBA."""
    identity: Mapping[str, Any]
    """Path, size, date, shape and data type, as JSON. A resumed run compares them, to recognise its
    source."""
    places: Mapping[str, Axis] = field(default_factory=lambda: _NOTHING)
    """Pixel size, origin and unit by axis letter; axes of unknown size are missing."""
    channels: tuple[Mapping[str, Any], ...] = ()
    """One mapping per channel of axis C, as in OME-Zarr's `omero.channels`: label, color, window,
    active; empty if nothing is known."""
    name: str = ""
    """Name of the image, for display."""
    significant_bits: int | None = None
    """Number of bits in use, if the unsigned type has more; otherwise None."""
    white_is_zero: bool = False
    """Whether the file stores white as zero. In `pixels`, black is always zero."""
    associated: bool = False
    """Whether the file stores colours multiplied by alpha. In `pixels`, they are not multiplied."""
    chunks: tuple[int, ...] | None = None
    """Shape of the stored chunks, one length per axis; each can only be decoded as a whole. None if
    pixels can be read without decoding others."""
    details: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    """Other metadata, under their original names."""
    notes: tuple[str, ...] = ()
    """Notes on reading the file, for the user."""
    record: Mapping[str, Any] | None = None
    """Record of the run that computed the pixels, to be written with them; None if they are from
    no run."""

    def places_of(self, spans: Sequence[tuple[int, int]] | None) -> dict[str, Axis]:
        """Return `places` of a part of the image.

        Parameters
        ----------
        spans : sequence of (start, stop), optional
            First index of the part, and index after its last, for each axis; by default, the whole
            image.
        """
        if spans is None:
            return dict(self.places)
        starts = {letter: start for letter, (start, _) in zip(self.axes, spans, strict=True)}
        return {
            letter: replace(axis, origin=axis.origin + starts[letter] * axis.size)
            for letter, axis in self.places.items()
        }

    def enlarged_places(self, scale: float, axial: float = 1) -> dict[str, Axis]:
        """Return `places` after enlarging `scale` times along Y and X, `axial` times along Z."""
        factors = {"Y": scale, "X": scale, "Z": axial}
        return {
            letter: axis.enlarged(factors.get(letter, 1)) for letter, axis in self.places.items()
        }
