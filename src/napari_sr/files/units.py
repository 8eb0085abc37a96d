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


PRINTED = ("inch", "centimeter", "meter")
"""Units of the resolution tags of TIFF, PNG and JPEG, which serve printing."""
SCREENS = (72.0, 96.0)
"""Pixels per inch of screens. Many programs write one of them if the true size is unknown."""
ROUNDED = 0.015
"""JPEG stores whole pixels per centimetre, which changes 72 per inch by 1.2 %."""


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

    It is unknown without a unit of length, if pixels are not square within 1 %, and if the size is
    that of a screen's pixels; see `of_screen`.

    Parameters
    ----------
    places : mapping of str to Axis
        Pixel size and unit by axis letter.
    """
    if "Y" not in places or "X" not in places:
        return None
    if any(of_screen(abs(places[one].size), places[one].unit) for one in "YX"):
        return None
    sides = [abs(places[one].size) * METRES.get(places[one].unit, math.nan) * 1e6 for one in "YX"]
    low, high = min(sides), max(sides)
    return high if 0 < low <= high <= 1.01 * low and high < math.inf else None


def of_screen(size: float, unit: str) -> bool:
    """Return whether a pixel's size is that of a screen: a program's default, not measured.

    Parameters
    ----------
    size : float
        Side of a pixel.
    unit : str
        Its unit, by OME-Zarr's name. Only units of resolution tags are about screens: a microscope
        writes micrometres or nanometres.
    """
    if unit not in PRINTED or not size > 0:
        return False
    per_inch = METRES["inch"] / (size * METRES[unit])
    return any(math.isclose(per_inch, one, rel_tol=ROUNDED) for one in SCREENS)
