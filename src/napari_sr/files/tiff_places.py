"""Read pixel sizes, origins and channels of a TIFF, in OME-Zarr's terms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.files.lazy_image import Axis
from napari_sr.files.ome import USUAL_UNIT
from napari_sr.files.units import unit_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_sr.files.image import Density

_ORIGINS = {"X": "xorigin", "Y": "yorigin", "Z": "zorigin"}


def places_of(kind: str, details: Mapping[str, Any], density: Density | None) -> dict[str, Axis]:
    """Return pixel size, origin and unit of the axes X, Y, Z and T, as far as a TIFF has them.

    Parameters
    ----------
    kind : {"plain", "imagej", "ome"}
        The kind of the file's metadata.
    details : mapping
        The metadata of the upright pixels.
    density : Density, optional
        The density of the upright pixels.
    """
    places = {}
    if density is not None:
        unit = unit_of(density.unit)
        places = {"Y": Axis(1 / density.y, unit=unit), "X": Axis(1 / density.x, unit=unit)}
    if kind == "ome":
        return places | _of_ome(details)
    return _of_imagej(places, details) if kind == "imagej" else places


def _of_ome(details: Mapping[str, Any]) -> dict[str, Axis]:
    places = {}
    for letter in "ZYX":
        size = _positive(details.get(f"PhysicalSize{letter}"))
        if size is not None:
            unit = unit_of(details.get(f"PhysicalSize{letter}Unit", USUAL_UNIT))
            places[letter] = Axis(size, unit=unit)
    step = _positive(details.get("TimeIncrement"))
    if step is not None:
        places["T"] = Axis(step, unit=unit_of(details.get("TimeIncrementUnit", "s")))
    return places


def _of_imagej(places: dict[str, Axis], details: Mapping[str, Any]) -> dict[str, Axis]:
    """Add ImageJ's distance between slices, frame interval, and origin (stored in pixels)."""
    unit = unit_of(details.get("unit"))
    spacing = _positive(details.get("spacing"))
    if spacing is not None:
        places["Z"] = Axis(spacing, unit=unit)
    interval = _positive(details.get("finterval"))
    if interval is not None:
        places["T"] = Axis(interval, unit=unit_of(details.get("tunit", "s")))
    for letter, name in _ORIGINS.items():
        origin = details.get(name)
        if isinstance(origin, int | float) and origin:
            size = places[letter].size if letter in places else 1.0
            places[letter] = Axis(size, -origin * size, unit)
    return places


def _positive(value: Any) -> float | None:
    usable = isinstance(value, int | float) and math.isfinite(value) and value > 0
    return float(value) if usable else None


def channels_of(kind: str, details: Mapping[str, Any], count: int) -> tuple[Mapping[str, Any], ...]:
    """Return labels, colours and display ranges of channels, in the form of `omero.channels`.

    Parameters
    ----------
    kind : {"plain", "imagej", "ome"}
        The kind of the file's metadata.
    details : mapping
        The metadata.
    count : int
        Number of channels.

    Returns
    -------
    tuple of mapping
        One for each channel; empty if nothing is known of them.
    """
    if kind == "plain":
        return ()
    of_one = _ome_channel if kind == "ome" else _imagej_channel
    channels = tuple(of_one(details, number) for number in range(count))
    return channels if any(channels) else ()


def _ome_channel(details: Mapping[str, Any], number: int) -> dict[str, Any]:
    columns = details.get("Channel", {})
    channel: dict[str, Any] = {}
    if number < len(columns.get("Name", ())):
        channel["label"] = str(columns["Name"][number])
    if number < len(columns.get("Color", ())):
        # a signed number of 32 bits: red, green, blue, alpha
        channel["color"] = f"{(int(columns['Color'][number]) & 0xFFFFFFFF) >> 8:06X}"
    return channel


def _imagej_channel(details: Mapping[str, Any], number: int) -> dict[str, Any]:
    channel: dict[str, Any] = {}
    tables, ranges = details.get("LUTs", ()), details.get("Ranges", ())
    if number < len(tables):
        brightest = np.asarray(tables[number])[:, -1]
        channel["color"] = "".join(f"{int(value):02X}" for value in brightest)
    if 2 * number + 1 < len(ranges):
        low, high = map(float, ranges[2 * number : 2 * number + 2])
        channel["window"] = {"start": low, "end": high}
    return channel
