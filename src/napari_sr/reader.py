"""A reader for napari: OME-Zarr folders become multiscale layers; only visible parts are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from napari_sr.files.image import FileError
from napari_sr.files.lazy_image import Axis
from napari_sr.files.ome_zarr.locate import find_image, is_zarr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from napari_sr.files.lazy_image import LazyImage

LayerData: TypeAlias = tuple[Any, dict[str, Any], str]
"""A layer for napari: levels, keyword arguments, kind of layer."""

COLOURS = {
    "FFFFFF": "gray", "FF0000": "red", "00FF00": "green", "0000FF": "blue", "00FFFF": "cyan",
    "FF00FF": "magenta", "FFFF00": "yellow",
}  # fmt: skip
"""napari's names for colours that are common in OME-Zarr."""


def get_reader(path: str | Sequence[str]) -> Callable[[str], list[LayerData]] | None:
    """Return the function that reads a path, or None if it is not a Zarr folder with an image.

    Parameters
    ----------
    path : str or sequence of str
        The path or paths to open. For several paths, which would form a stack, the result is None.
    """
    if not isinstance(path, str):
        return None
    folder = Path(path)
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
    image = pyramid.image
    rgb = image.axes.endswith("S")
    letters = image.axes.removesuffix("S")
    if "C" not in letters:
        return [_layer(pyramid.levels, image, letters, 0, rgb=rgb)]
    axis, names = letters.index("C"), letters.replace("C", "")
    count = image.pixels.shape[axis]
    before = (slice(None),) * axis
    return [
        _layer([level[(*before, channel)] for level in pyramid.levels], image, names, channel)
        for channel in range(count)
    ]


def _layer(
    levels: Sequence[Any], image: LazyImage, letters: str, channel: int, *, rgb: bool = False
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
    """Return a unit if napari's library of units knows it; otherwise the pixel."""
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
