"""Read OME metadata from XML, and return them under the names that tifffile uses.

The specification is at https://docs.openmicroscopy.org/ome-model/.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree
from xml.etree.ElementTree import ParseError

import tifffile

from napari_sr.files.image import METRES, Density
from napari_sr.files.ome_record import is_ours

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PIXELS = (
    "SignificantBits", "PhysicalSizeX", "PhysicalSizeXUnit", "PhysicalSizeY", "PhysicalSizeYUnit",
    "PhysicalSizeZ", "PhysicalSizeZUnit", "TimeIncrement", "TimeIncrementUnit",
)  # fmt: skip
CHANNEL = (
    "Name", "AcquisitionMode", "Color", "ContrastMethod", "EmissionWavelength",
    "EmissionWavelengthUnit", "ExcitationWavelength", "ExcitationWavelengthUnit", "Fluor",
    "IlluminationType", "NDFilter", "PinholeSize", "PinholeSizeUnit", "PockelCellSetting",
)  # fmt: skip
PLANE = (
    "DeltaT", "DeltaTUnit", "ExposureTime", "ExposureTimeUnit", "PositionX", "PositionXUnit",
    "PositionY", "PositionYUnit", "PositionZ", "PositionZUnit",
)  # fmt: skip
IMAGE = ("Name", "Description", "AcquisitionDate")
_TOLD = ("BinaryOnly",)
_REWRITTEN = (
    "Image",
    "Pixels",
    "Description",
    "AcquisitionDate",
    "Dataset",
    "Project",
    "BinaryOnly",
)
USUAL_UNIT = "\xb5m"
"""Default unit of a PhysicalSize."""
AXES = "TZC"
"""The axes of OME besides Y and X."""


def details_of(
    xml: str,
    axes: str,
    shape: tuple[int, ...],
    kept: Mapping[str, Sequence[int]] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return sizes, channels and planes of the first image, as `tifffile.imwrite` expects them.

    Parameters
    ----------
    xml : str
        The file's OME-XML.
    axes, shape : str, tuple of int
        Axes and shape of the pixels. Metadata of planes are returned in the order of these axes.
    kept : dict, optional
        The indices that were read, for each axis of which only a part was read.
    """
    try:
        image = _list(tifffile.xml2dict(xml)["OME"]["Image"])[0]
        pixels = image["Pixels"]
    except (KeyError, IndexError, TypeError, ParseError):
        return {}
    details = {key: pixels[key] for key in PIXELS if key in pixels}
    details |= {key: image[key] for key in IMAGE if key in image}
    looped = [letter for letter in axes if letter in AXES]
    planes = sorted(
        (
            plane
            for plane in _list(pixels.get("Plane", []))
            if all(plane.get(f"The{letter}") in indices for letter, indices in kept.items())
        ),
        key=lambda plane: [plane[f"The{letter}"] for letter in looped],
    )
    count = math.prod(size for letter, size in zip(axes, shape, strict=False) if letter in AXES)
    if len(planes) == count and (told := _columns(planes, PLANE)):
        details["Plane"] = told
    channels = _list(pixels.get("Channel", []))
    if "C" in kept:
        channels = [channels[index] for index in kept["C"] if index < len(channels)]
    if told := _columns(channels, CHANNEL):
        details["Channel"] = told
    return details


def density_of(details: dict[str, Any]) -> Density | None:
    """Return the density from OME's pixel sizes, or None if there are none."""
    x, y = details.get("PhysicalSizeX"), details.get("PhysicalSizeY")
    unit = details.get("PhysicalSizeXUnit", USUAL_UNIT)
    if not x or not y or unit != details.get("PhysicalSizeYUnit", USUAL_UNIT):
        return None
    return Density(1 / x, 1 / y, unit)


def sizes_of(density: Density | None) -> dict[str, Any]:
    """Return OME's pixel sizes in micrometres; {} if the density has an unknown unit."""
    per_metre = None if density is None else density.per("m")
    if per_metre is None or not min(per_metre) > 0:
        return {}
    x, y = (METRES["m"] / METRES[USUAL_UNIT] / pixels for pixels in per_metre)
    return {
        "PhysicalSizeX": x,
        "PhysicalSizeXUnit": USUAL_UNIT,
        "PhysicalSizeY": y,
        "PhysicalSizeYUnit": USUAL_UNIT,
    }


def _columns(records: list[dict[str, Any]], keys: Iterable[str]) -> dict[str, list[Any]]:
    """Turn a list of dicts into a dict of lists, with the keys that all of the dicts have."""
    return {
        key: [record[key] for record in records]
        for key in keys
        if records and all(key in record for record in records)
    }


def _list(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found]


def left_out(xml: str) -> list[str]:
    """Describe the parts of the file's OME-XML that are not written to the result.

    Parameters
    ----------
    xml : str
        The file's OME-XML.
    """
    try:
        root = ElementTree.fromstring(xml)
    except ParseError:
        return []
    images = [one for one in root if _tag(one) == "Image"][:1]
    pixels = [one for image in images for one in image if _tag(one) == "Pixels"]
    channels = [one for part in pixels for one in part if _tag(one) == "Channel"]
    said = (child for parent in (root, *images, *channels) for child in parent if _says(child))
    names = dict.fromkeys(map(_tag, said))
    lost = [name for name in names if name not in _REWRITTEN + _TOLD and not name.endswith("Ref")]
    return [f"its OME metadata {', '.join(lost)} are left out"] if lost else []


def _says(element: ElementTree.Element) -> bool:
    """Return whether an element has any content besides our record."""
    if len(element) and all(map(is_ours, element)):
        return False
    return bool(len(element) or element.attrib or (element.text or "").strip())


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
