"""Readers for napari: OME-Zarr with all pyramid levels, and OME-TIFF.

If napari-sr wrote the file, the layer gets the record of the run.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from napari_sr.files.image import FileError
from napari_sr.files.lazy_image import Axis
from napari_sr.files.ome_zarr.locate import find_image, is_zarr
from napari_sr.files.stored_record import stored_record
from napari_sr.runs.record import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from napari_sr.files.lazy_image import LazyImage

LayerData: TypeAlias = tuple[Any, dict[str, Any], str]
"""A layer for napari: pixels or pyramid levels, keyword arguments, layer type."""

COLOURS = {
    "FFFFFF": "gray", "FF0000": "red", "00FF00": "green", "0000FF": "blue", "00FFFF": "cyan",
    "FF00FF": "magenta", "FFFF00": "yellow",
}  # fmt: skip
"""napari's names for colours that are common in OME-Zarr."""


OME_TIFF = (".ome.tif", ".ome.tiff")
IN_MEMORY = 2**28
"""Largest size of a TIFF that is read whole, in bytes."""


def get_reader(path: str | Sequence[str]) -> Callable[[str], list[LayerData]] | None:
    """Return the function that reads a path, or None if it is neither OME-Zarr nor OME-TIFF.

    Parameters
    ----------
    path : str or sequence of str
        The path or paths to open. For several paths, which would form a stack, the result is None.
    """
    if not isinstance(path, str):
        return None
    folder = Path(path)
    if path.lower().endswith(OME_TIFF) and folder.is_file():
        return read_tiff
    if not folder.is_dir() or not is_zarr(folder):
        return None
    try:
        find_image(folder)
    except FileError:  # a plate, labels or several images: another reader may read them
        return None
    return read


def read(path: str) -> list[LayerData]:
    """Return the layers of an OME-Zarr image: one, or one for each channel.

    Parameters
    ----------
    path : str
        The folder.

    Raises
    ------
    FileError
        If the image cannot be read, or a package is missing.
    """
    from napari_sr.files.ome_zarr.pyramid import open_pyramid

    pyramid = open_pyramid(Path(path))
    return _layers(pyramid.levels, pyramid.image, stored_record(Path(path)))


def read_tiff(path: str) -> list[LayerData]:
    """Return the layers of an OME-TIFF: one, or one for each channel.

    Parameters
    ----------
    path : str
        The file. If it is large, only its visible parts are read.

    Raises
    ------
    FileError
        If the file cannot be read.
    """
    from napari_sr.files.lazy_tiff import open_tiff
    from napari_sr.files.ome_zarr.pyramid import as_dask

    image = open_tiff(Path(path))
    size = math.prod(image.pixels.shape) * image.pixels.dtype.itemsize
    small = size <= IN_MEMORY
    level = image.pixels[:] if small else as_dask(image.pixels, image.chunks)
    return _layers([level], image, stored_record(Path(path)))


def _layers(
    levels: Sequence[Any], image: LazyImage, record: Mapping[str, Any] | None
) -> list[LayerData]:
    """Return an image's layers, with the record of the run that computed it."""
    rgb = image.axes.endswith("S")
    letters = image.axes.removesuffix("S")
    if "C" not in letters:
        return [_layer(levels, image, letters, 0, _metadata(record), rgb=rgb)]
    axis, names = letters.index("C"), letters.replace("C", "")
    count = image.pixels.shape[axis]
    before = (slice(None),) * axis
    return [
        _layer(
            [level[(*before, channel)] for level in levels],
            image,
            names,
            channel,
            _metadata(record, channel),
        )
        for channel in range(count)
    ]


def _metadata(record: Mapping[str, Any] | None, channel: int = 0) -> dict[str, Any]:
    """Return a layer's metadata: the channel's record if it has one, otherwise the image's."""
    if record is None or "model" not in record:
        return {}
    records = record.get("channels")
    own = records[channel] if isinstance(records, list) and channel < len(records) else record
    return {KEY: own}


def _layer(
    levels: Sequence[Any],
    image: LazyImage,
    letters: str,
    channel: int,
    metadata: Mapping[str, Any],
    *,
    rgb: bool = False,
) -> LayerData:
    """Return one layer, placed by the image's pixel sizes and origins."""
    places = [image.places.get(letter, Axis()) for letter in letters]
    shown = image.channels[channel] if image.channels and not rgb else {}
    arguments: dict[str, Any] = {
        "name": _name(image, shown, channel),
        "rgb": rgb,
        "multiscale": len(levels) > 1,
        "scale": [place.size for place in places],
        "translate": [place.origin for place in places],
        "units": [_unit(place.unit) for place in places],
        "axis_labels": [letter.lower() for letter in letters],
        "metadata": dict(metadata),
        **({} if rgb else _appearance(shown)),
    }
    if "C" in image.axes:
        arguments["blending"] = "additive" if channel else "translucent_no_depth"
    return (list(levels) if len(levels) > 1 else levels[0], arguments, "image")


def _name(image: LazyImage, shown: Mapping[str, Any], channel: int) -> str:
    if "C" not in image.axes:
        return image.name
    return f"{image.name} {shown.get('label') or f'channel {channel}'}"


def _unit(name: str) -> str:
    """Return a unit if it is one of length or time that napari knows; otherwise "pixel"."""
    from napari_sr.files.units import METRES, SECONDS

    return name if name in METRES or name in SECONDS else "pixel"


def _appearance(shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return colour and contrast limits of a channel, if they are known."""
    found: dict[str, Any] = {}
    colour = str(shown.get("color", "")).lstrip("#").upper()
    if len(colour) == 6 and set(colour) <= set("0123456789ABCDEF"):
        found["colormap"] = COLOURS.get(colour, f"#{colour}")
    window = shown.get("window")
    if isinstance(window, dict):
        low, high = window.get("start"), window.get("end")
        if isinstance(low, int | float) and isinstance(high, int | float) and low < high:
            found["contrast_limits"] = float(low), float(high)
    if isinstance(shown.get("active"), bool):
        found["visible"] = shown["active"]
    return found
