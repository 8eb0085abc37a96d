"""OME metadata for tifffile, from an image's pixel sizes, origins, channels and details."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_sr.files.ome import CHANNEL, IMAGE, PIXELS, PLANE, USUAL_UNIT
from napari_sr.files.ome_record import annotation_of
from napari_sr.files.units import METRES, SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_sr.files.lazy_image import Axis, LazyImage

_KEPT_UNITS = {
    "nanometer": "nm", "micrometer": USUAL_UNIT, "millimeter": "mm", "centimeter": "cm",
    "meter": "m",
}  # fmt: skip
"""Units that keep their OME name; other known lengths are converted to micrometres."""
UNKNOWN_UNIT = "reference frame"
"""OME's unit for lengths whose unit is unknown."""


def ome_metadata(image: LazyImage, places: Mapping[str, Axis], looped: str) -> dict[str, Any]:
    """Return OME metadata for `tifffile.TiffWriter.write`.

    Parameters
    ----------
    image : LazyImage
        The source image.
    places : mapping
        Pixel size, origin and unit of the written image, by axis letter.
    looped : str
        The axes of planes, in the order in which they are written.
    """
    kept = {key: value for key, value in image.details.items() if key in (*PIXELS, *IMAGE)}
    kept = {key: value for key, value in kept.items() if "Size" not in key and "Time" not in key}
    kept.pop("SignificantBits", None)
    told: dict[str, Any] = {"Name": image.name} if image.name else {}
    if image.significant_bits is not None:
        told["SignificantBits"] = image.significant_bits
    details: dict[str, Any] = {**told, **kept, **_sizes(places)}
    planes = _columns(image.details.get("Plane"), PLANE)
    if planes and looped == "".join(letter for letter in image.axes if letter in looped):
        details["Plane"] = planes
    grey = "C" not in image.axes and not image.axes.endswith("S")
    alone = grey and len(image.channels) == 1
    if ("C" in looped or alone) and (channels := _channels(image)):
        details["Channel"] = channels
    return {**details, **annotation_of(image.record)}


def _sizes(places: Mapping[str, Axis]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for letter in "XYZ":
        if letter in places and (places[letter].unit or places[letter].size != 1):
            size, unit = _length(places[letter])
            found |= {f"PhysicalSize{letter}": size, f"PhysicalSize{letter}Unit": unit}
    if "T" in places and places["T"].unit in SECONDS:
        step = abs(places["T"].size) * SECONDS[places["T"].unit]
        found |= {"TimeIncrement": step, "TimeIncrementUnit": "s"}
    return found


def _length(axis: Axis) -> tuple[float, str]:
    """Return a pixel's size and its unit; the size is positive, as OME requires."""
    if axis.unit in _KEPT_UNITS:
        return abs(axis.size), _KEPT_UNITS[axis.unit]
    if axis.unit in METRES:
        return abs(axis.size) * METRES[axis.unit] / METRES["micrometer"], USUAL_UNIT
    return abs(axis.size), UNKNOWN_UNIT


def _channels(image: LazyImage) -> dict[str, list[Any]]:
    """Return OME's details of the channels, with the names and colours in `image.channels`."""
    found = _columns(image.details.get("Channel"), CHANNEL)
    names = [channel.get("label") for channel in image.channels]
    colours = [channel.get("color") for channel in image.channels]
    if names and all(names):
        found["Name"] = names
    if colours and all(colours):
        found["Color"] = [_signed(int(str(colour), 16)) for colour in colours]
    return found


def _signed(colour: int) -> int:
    """Return an opaque colour as OME's signed 32-bit number: red, green, blue, alpha."""
    number = (colour << 8) | 255
    return number - 2**32 if number >= 2**31 else number


def _columns(found: Any, known: tuple[str, ...]) -> dict[str, list[Any]]:
    """Return the lists of a mapping whose keys are in `known`."""
    if not isinstance(found, dict):
        return {}
    return {key: list(value) for key, value in found.items() if key in known}
