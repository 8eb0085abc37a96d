"""Write a TIFF of the source's kind: ImageJ's, OME's or plain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import numpy as np
import tifffile

from napari_sr.files.ome import AXES, sizes_of
from napari_sr.files.ome_record import annotation_of
from napari_sr.files.stored import as_stored
from napari_sr.files.xmp_record import TAG, with_record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_sr.files.image import ImageFile, Samples

CLASSIC_LIMIT = 2**32 - 2**26
"""Largest size of the pixels in a TIFF with 32-bit offsets, in bytes; the rest is for metadata."""
IMAGEJ_TYPES = (np.uint8, np.uint16, np.float32)
OME_TYPES = ("i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8")
OME_SUFFIXES = (".ome.tif", ".ome.tiff")

_UNIT_NUMBERS = {"": 1, "inch": 2, "cm": 3}


def kind_for(image: ImageFile, path: Path, scale: float) -> Literal["plain", "imagej", "ome"]:
    """Return the kind of TIFF that can hold an image enlarged `scale` times."""
    looped = image.axes.removesuffix("S" if image.colour else "")
    in_order = looped[-2:] == "YX" and set(looped[:-2]) <= set(AXES)
    bytes_ = image.pixels.nbytes * scale**2
    types = image.pixels.dtype
    if image.kind == "ome" or path.name.lower().endswith(OME_SUFFIXES):
        return "ome" if in_order and types in [np.dtype(t) for t in OME_TYPES] else "plain"
    if image.kind == "imagej" and bytes_ <= CLASSIC_LIMIT and types in IMAGEJ_TYPES:
        sorted_ = "".join(letter for letter in "TZC" if letter in looped) == looped[:-2]
        narrow = not image.colour or types == np.uint8
        return "imagej" if in_order and sorted_ and narrow else "plain"
    return "plain"


def losses(image: ImageFile, path: Path, scale: float) -> list[str]:
    """Describe the metadata that cannot be kept."""
    told = []
    if image.kind != "plain" and kind_for(image, path, scale) == "plain":
        name = {"ome": "OME", "imagej": "ImageJ"}[image.kind]
        told.append(
            f"{name} metadata cannot be written for {image.pixels.dtype} with axes {image.axes} of "
            "this size: only axes and resolution are kept"
        )
    if {"ROI", "Overlays"} & set(image.details):
        told.append(
            "ImageJ's regions and overlays are left out: their positions are in pixels of the "
            "source"
        )
    return told


def write_tiff(image: ImageFile, file: Path | BinaryIO, name: Path) -> None:
    """Write a TIFF, or a BigTIFF if it would not fit otherwise.

    Parameters
    ----------
    image : ImageFile
        The enlarged image.
    file : Path or BinaryIO
        The path to write to, or an empty file open for reading and writing.
    name : Path
        The file's final name, for messages.
    """
    kind = kind_for(image, name, 1)
    pixels, axes, samples = _laid_out(image, kind)
    options: dict[str, Any] = {
        "imagej": kind == "imagej",
        "ome": kind == "ome",
        "bigtiff": kind != "imagej" and image.pixels.nbytes > CLASSIC_LIMIT,
        "compression": image.compression,
        "software": image.software,
        "metadata": {"axes": axes, **_METADATA[kind](image)},
        "extratags": [*record_tags(image.record), *_tags(image)],
        **samples,
        **_resolution(image, kind),
    }
    if kind == "plain" and _packs(image):
        options |= {"bitspersample": image.significant_bits, "compression": None}
    description = image.details.get("description")
    if kind == "plain" and isinstance(description, str):
        options["description"] = description.encode("utf-8")
    if image.profile is not None:
        options["iccprofile"] = image.profile
    tifffile.imwrite(file, pixels, **options)


def _tags(image: ImageFile) -> Iterator[tuple[Any, ...]]:
    for tag, value in image.tags.items():
        yield (tag, *value, True)


def record_tags(record: Mapping[str, Any] | None) -> list[tuple[Any, ...]]:
    """Return the XMP tag with a record, in the form that tifffile takes; empty without a record."""
    if record is None:
        return []
    xmp = with_record(None, record)
    return [(TAG, 1, len(xmp), xmp, True)]


def _packs(image: ImageFile) -> bool:
    """Return whether 9 to 15 or 17 to 31 bits are stored without padding, to keep their white."""
    bits, bytes_ = image.significant_bits, image.pixels.dtype.itemsize
    return bits is not None and bytes_ in (2, 4) and 4 * bytes_ < bits < 8 * bytes_


def _laid_out(image: ImageFile, kind: str) -> tuple[NDArray[Any], str, dict[str, Any]]:
    """Return stored pixels, their axes, and tifffile's options for the samples of a pixel."""
    pixels = as_stored(image)
    axes = image.axes[:-1] + "S" if image.colour else image.axes
    grey = "miniswhite" if image.white_is_zero else "minisblack"
    colormap = image.details.get("colormap")
    if image.kind == "imagej" and colormap is not None and image.axes == "YX":
        return pixels, axes, {"photometric": "palette", "colormap": colormap}
    if kind != "imagej" and image.samples is not None and image.samples.axis in axes:
        return _with_bands(pixels, axes, image.samples, grey)
    if not image.colour:
        return pixels, axes, {"photometric": grey}
    alpha = {"extrasamples": [image.alpha]} if image.pixels.shape[-1] == 4 else {}
    photometric = grey if image.grey_alpha else "rgb"
    return pixels, axes, {"photometric": photometric, "planarconfig": "contig", **alpha}


def _with_bands(
    pixels: NDArray[Any], axes: str, samples: Samples, grey: str
) -> tuple[NDArray[Any], str, dict[str, Any]]:
    """Move the bands to the axis that they had in the source file."""
    at, rest = axes.index(samples.axis), axes.replace(samples.axis, "")
    front = min(rest.index("Y"), rest.index("X")) if samples.planar else len(rest)
    return (
        np.moveaxis(pixels, at, front),
        rest[:front] + "S" + rest[front:],
        {
            "photometric": "rgb" if samples.photometric == "rgb" else grey,
            "planarconfig": "separate" if samples.planar else "contig",
            "extrasamples": samples.extra,
        },
    )


def _resolution(image: ImageFile, kind: str) -> dict[str, Any]:
    density = image.density
    if density is None:
        return {}
    if kind == "imagej" or density.unit in _UNIT_NUMBERS:
        number = _UNIT_NUMBERS.get(density.unit, 1)
        return {"resolution": (density.x, density.y), "resolutionunit": number}
    per_cm = density.per("cm")
    return {} if per_cm is None else {"resolution": per_cm, "resolutionunit": 3}


def _plain(image: ImageFile) -> dict[str, Any]:
    if image.kind != "plain":
        return {}
    return {key: value for key, value in image.details.items() if key != "description"}


def _imagej(image: ImageFile) -> dict[str, Any]:
    computed = ("images", "channels", "slices", "frames", "hyperstack", "colormap", "axes")
    kept = {key: value for key, value in image.details.items() if key not in computed}
    return {key: value for key, value in kept.items() if not (key == "mode" and image.colour)}


def _ome(image: ImageFile) -> dict[str, Any]:
    return {**_ome_details(image), **annotation_of(image.record)}


def _ome_details(image: ImageFile) -> dict[str, Any]:
    if image.kind == "ome":
        return dict(image.details)
    sizes = sizes_of(image.density)
    if image.significant_bits is not None:
        sizes["SignificantBits"] = image.significant_bits
    spacing = image.details.get("spacing")
    if image.kind == "imagej" and sizes and spacing and image.density is not None:
        # ImageJ's distance between slices has the unit of the pixel size
        factor = sizes["PhysicalSizeX"] * image.density.x
        sizes |= {"PhysicalSizeZ": spacing * factor, "PhysicalSizeZUnit": "\xb5m"}
    if image.kind == "imagej" and image.details.get("finterval"):
        sizes |= {"TimeIncrement": image.details["finterval"], "TimeIncrementUnit": "s"}
    return sizes


_METADATA = {"plain": _plain, "imagej": _imagej, "ome": _ome}
