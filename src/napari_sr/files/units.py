"""Translate names of units of length and time, as in image files, to OME-Zarr's names."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_sr.files.lazy_image import Axis

LENGTHS = {
    "\xb5m": "micrometer", "\u03bcm": "micrometer", "\\u00b5m": "micrometer", "um": "micrometer",
    "micron": "micrometer", "microns": "micrometer", "nm": "nanometer", "mm": "millimeter",
    "cm": "centimeter", "dm": "decimeter", "m": "meter", "km": "kilometer", "pm": "picometer",
    "\xc5": "angstrom", "\u212b": "angstrom", "a": "angstrom", "in": "inch", "inch": "inch",
    "inches": "inch", "ft": "foot", "yd": "yard", "mi": "mile",
}  # fmt: skip
TIMES = {
    "s": "second", "sec": "second", "ms": "millisecond", "msec": "millisecond",
    "\xb5s": "microsecond", "us": "microsecond", "ns": "nanosecond", "min": "minute", "h": "hour",
    "d": "day",
}  # fmt: skip
METRES = {
    "picometer": 1e-12, "angstrom": 1e-10, "nanometer": 1e-9, "micrometer": 1e-6,
    "millimeter": 1e-3, "centimeter": 1e-2, "decimeter": 1e-1, "meter": 1.0, "kilometer": 1e3,
    "inch": 0.0254, "foot": 0.3048, "yard": 0.9144, "mile": 1609.344,
}  # fmt: skip
"""Lengths of units in metres, by OME-Zarr's names."""
SECONDS = {
    "nanosecond": 1e-9, "microsecond": 1e-6, "millisecond": 1e-3, "second": 1.0, "minute": 60.0,
    "hour": 3600.0, "day": 86400.0,
}  # fmt: skip
"""Durations of units in seconds, by OME-Zarr's names."""


def unit_of(name: object) -> str:
    """Return OME-Zarr's name of a unit, or "" if it is unknown.

    Parameters
    ----------
    name : object
        A unit's name in OME, ImageJ, TIFF, OME-Zarr or another format. Objects that are not strings
        count as unknown.
    """
    if not isinstance(name, str):
        return ""
    text = name.strip()
    for known in (LENGTHS, TIMES):
        if text.lower() in known or text in known:
            return known.get(text) or known[text.lower()]
    plural = text.lower().removesuffix("s").replace("metre", "meter")
    return plural if plural in METRES or plural in SECONDS else ""


def micrometres(places: Mapping[str, Axis]) -> float | None:
    """Return the side of an image's pixels in micrometres; None if it is unknown.

    It is unknown without a unit of length, and if pixels are not square within 1 %.

    Parameters
    ----------
    places : mapping of str to Axis
        Pixel size and unit by axis letter.
    """
    if "Y" not in places or "X" not in places:
        return None
    sides = [abs(places[one].size) * METRES.get(places[one].unit, math.nan) * 1e6 for one in "YX"]
    low, high = min(sides), max(sides)
    return high if 0 < low <= high <= 1.01 * low and high < math.inf else None
