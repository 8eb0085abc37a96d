"""Read the metadata that ImageJ, OME or tifffile wrote into a TIFF, and its plain tags."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from napari_sr.files import tiff_limits, tiff_tags
from napari_sr.files.image import Density
from napari_sr.files.ome import details_of, left_out
from napari_sr.files.orientation import swaps_sides

if TYPE_CHECKING:
    from collections.abc import Iterator

    import tifffile

    from napari_sr.files.photometric import Shown
    from napari_sr.files.tiff_series import Chosen

_UNITS = {2: "inch", 3: "cm"}


def kind_of(file: tifffile.TiffFile) -> Literal["plain", "imagej", "ome"]:
    """Return the kind of a TIFF's metadata: "plain", "imagej" or "ome"."""
    return "ome" if file.is_ome else "imagej" if file.is_imagej else "plain"


def stored_details(chosen: Chosen) -> dict[str, Any]:
    """Return the metadata that ImageJ, OME or tifffile wrote, without tifffile's shape and axes."""
    file, series, kind = chosen.file, chosen.series, kind_of(chosen.file)
    if kind == "ome":
        return details_of(file.ome_metadata or "", series.axes, series.shape, chosen.kept)
    if kind == "imagej":
        found = {**(file.imagej_metadata or {})}
        page: Any = file.pages.first
        if page.photometric.name == "PALETTE":
            found["colormap"] = page.colormap
        return found
    try:
        shaped = (file.shaped_metadata or ({},))[0]
    except (ValueError, TypeError, OverflowError):
        return {}  # the text only resembles tifffile's description
    found = {key: shaped[key] for key in shaped if key not in ("shape", "axes", "truncated")}
    description = file.pages.first.description
    # if the file has a description by the user, tifffile's own description is the second one
    if description and not description.startswith(('{"shape":', "shape=(")):
        found["description"] = description
    return found


def density_of_tags(page: Any, details: dict[str, Any]) -> Density | None:
    """Return the density in a page's tags, in ImageJ's unit if `details` names one."""
    values = [page.tags[name].value for name in ("XResolution", "YResolution") if name in page.tags]
    if len(values) < 2 or 0 in chain(*values):
        return None
    x, y = (numerator / denominator for numerator, denominator in values)
    unit = _UNITS.get(int(page.tags.valueof("ResolutionUnit", 2)), "")
    unit = details.get("unit", unit) or unit
    # writers that do not know the density store 1 pixel per unit, without a unit
    return None if not unit and x == y == 1 else Density(x, y, unit)


def shown_details(details: dict[str, Any], shown: Shown, orientation: object) -> dict[str, Any]:
    """Convert the metadata of the stored pixels to those of the displayed pixels.

    Parameters
    ----------
    details : dict
        What `stored_details` returned.
    shown : Shown
        The displayed pixels, or a part of them.
    orientation : int
        The tag Orientation.
    """
    kept = dict(details)
    bits = shown.significant_bits or 8 * shown.pixels.dtype.itemsize
    if whole_number(details.get("SignificantBits")) != bits:
        kept.pop("SignificantBits", None)
    if swaps_sides(orientation):
        for ending in ("", "Unit"):
            names = [f"PhysicalSize{letter}{ending}" for letter in "XY"]
            values = [kept.pop(name, None) for name in reversed(names)]
            kept |= {name: one for name, one in zip(names, values, strict=True) if one is not None}
    return kept


def whole_number(value: Any) -> int | None:
    """Return the value if it is an integer, otherwise None."""
    return value if isinstance(value, int) else None


def lost(chosen: Chosen) -> Iterator[str]:
    """Yield notes on metadata that are not kept, and on empty strips or tiles."""
    yield from tiff_limits.empty(chosen.pages())
    yield from tiff_tags.left_out(chosen.series.keyframe)
    if chosen.file.is_ome:
        yield from left_out(chosen.file.ome_metadata or "")
