"""The metadata of a written OME-Zarr image: axes, levels with their positions, channels."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.files.image import FileError
from napari_sr.files.lazy_image import Axis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_sr.engine.image.arrays import Layout

_RGB = (("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF"), ("alpha", "FFFFFF"))


def image_metadata(
    letters: str,
    levels: int,
    *,
    places: Mapping[str, Axis],
    channels: Sequence[Mapping[str, Any]],
    name: str,
    version: str,
) -> dict[str, Any]:
    """Return the attributes of the group of an image.

    Parameters
    ----------
    letters : str
        Axes in stored order.
    levels : int
        Number of levels; level k has pixels 2^k times larger along Y and X.
    places : mapping of str to Axis
        Pixel size, origin and unit of level 0 by axis letter; axes of unknown size are missing.
    channels : sequence of mapping
        Label, colour and display range of each channel, from `complete_channels`.
    name : str
        Name of the image.
    version : {"0.5", "0.4"}
        Version of OME-Zarr.

    Raises
    ------
    FileError
        If a pixel size is not above 0, or a channel's metadata are not valid.
    """
    import yaozarrs
    from pydantic import ValidationError

    models: Any = {"0.5": yaozarrs.v05, "0.4": yaozarrs.v04}[version]
    axes = [places.get(letter, Axis()) for letter in letters]
    _check_sizes(letters, axes)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # units that OME-Zarr does not know, such as pixels, are kept
            multiscale = models.Multiscale(
                name=name or None,
                axes=[_axis(models, *pair) for pair in zip(letters, axes, strict=True)],
                datasets=[_dataset(models, letters, axes, level) for level in range(levels)],
                type="mean",
            )
            omero = {"channels": [dict(channel) for channel in channels]} if channels else None
            image = models.Image(multiscales=[multiscale], omero=omero)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise FileError(
            f"OME-Zarr cannot hold {where} = {first['input']!r}: {first['msg']}"
        ) from error
    attributes: dict[str, Any] = image.model_dump(mode="json", exclude_none=True)
    return {"ome": attributes} if version == "0.5" else attributes


def _check_sizes(letters: str, axes: Sequence[Axis]) -> None:
    for letter, axis in zip(letters, axes, strict=True):
        if not (axis.size > 0 and np.isfinite([axis.size, axis.origin]).all()):
            raise FileError(
                f"OME-Zarr needs finite pixel sizes above 0, but axis {letter} has size "
                f"{axis.size:g} and origin {axis.origin:g}"
            )


def _axis(models: Any, letter: str, axis: Axis) -> Any:
    if letter == "C":
        return models.ChannelAxis(name="c")
    kind = models.TimeAxis if letter == "T" else models.SpaceAxis
    return kind(name=letter.lower(), unit=axis.unit or None)


def _dataset(models: Any, letters: str, axes: Sequence[Axis], level: int) -> Any:
    """Return a level's metadata; each pixel is centred on the pixels of level 0 that it covers."""
    factors = [2**level if letter in "YX" else 1 for letter in letters]
    pairs = list(zip(axes, factors, strict=True))
    scale = [axis.size * factor for axis, factor in pairs]
    shift = [axis.origin + axis.size * (factor - 1) / 2 for axis, factor in pairs]
    return models.Dataset(
        path=str(level),
        coordinateTransformations=[
            models.ScaleTransformation(scale=scale),
            models.TranslationTransformation(translation=shift),
        ],
    )


def complete_channels(
    layout: Layout, channels: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return `omero.channels` with all required entries; for RGB, one channel for each colour.

    Raises
    ------
    ValueError
        If there are channels, but not one for each entry of axis C.
    """
    window = _window(layout.dtype)
    if layout.samples:
        return [
            {"label": label, "color": color, "window": window, "active": True}
            for label, color in _RGB[: layout.channels]
        ]
    count = layout.shape[layout.axes.index("C")] if "C" in layout.axes else 1
    if channels and len(channels) != count:
        raise ValueError(f"{count} channels need {count} descriptions, got {len(channels)}")
    return [
        {
            **channel,
            "color": channel.get("color", "FFFFFF"),
            "window": {**window, **channel.get("window", {})},
        }
        for channel in channels
    ]


def _window(kind: np.dtype[Any]) -> dict[str, float]:
    low, high = (0.0, 1.0) if kind.kind == "f" else (np.iinfo(kind).min, np.iinfo(kind).max)
    return {"min": float(low), "max": float(high), "start": float(low), "end": float(high)}
