"""The metadata of a layer that an OME-Zarr folder keeps: axes, pixel sizes, units and colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.files.axis_labels import stored_axes
from napari_sr.files.units import METRES, SECONDS, unit_of
from napari_sr.widgets.upscale.output_chooser import MEMORY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari.layers import Image

    from napari_sr.files.lazy_image import Axis
    from napari_sr.streaming.layer_request import LayerRequest
    from napari_sr.widgets.upscale.queue import PendingRun


@dataclass(frozen=True)
class Stored:
    """The metadata that are stored with a layer's result."""

    axes: str
    """One letter per axis; a last S is colour."""
    places: Mapping[str, Axis]
    """Pixel size, origin and unit by axis letter."""
    channels: tuple[Mapping[str, Any], ...]
    """Names, colours and display ranges of the channels, as in OME-Zarr's `omero.channels`."""


def problem_of_layer(layer: Image) -> str | None:
    """Return the reason why OME-Zarr cannot store a layer's result, or None."""
    if stored_axes(layer.axis_labels, rgb=layer.rgb) is None:
        labels = ", ".join(layer.axis_labels[:-2])
        colours = " and colours, which need C" if layer.rgb else ""
        return (
            f"OME-Zarr has the axes T, C, Z, Y and X, but the layer {layer.name} has {labels} "
            f"before Y and X{colours}: choose {MEMORY} as Output, or change the layer's axis_labels"
        )
    if not (np.asarray(layer.scale) > 0).all():
        scale = ", ".join(f"{size:g}" for size in layer.scale)
        return (
            f"OME-Zarr needs pixel sizes above 0, but the layer {layer.name} has {scale}: choose "
            f"{MEMORY} as Output"
        )
    return None


def stored(layer: Image, arguments: Mapping[str, Any]) -> Stored:
    """Return the metadata to store with a layer's result; check `problem_of_layer` first.

    Parameters
    ----------
    layer : Image
        The source layer.
    arguments : mapping
        Keyword arguments of the result's layer, see `result_arguments`.
    """
    from napari_sr.files.lazy_image import Axis  # not while the form opens

    axes = stored_axes(layer.axis_labels, rgb=layer.rgb) or ""
    letters = axes.removesuffix("S")
    values = zip(letters, arguments["scale"], arguments["translate"], layer.units, strict=True)
    places = {
        letter: Axis(float(size), float(origin), _unit(letter, unit))
        for letter, size, origin, unit in values
    }
    data = layer.data[0] if layer.multiscale else layer.data
    count = int(data.shape[letters.index("C")]) if "C" in letters else 1
    return Stored(axes, places, () if layer.rgb else (_channel(layer),) * count)


def folder_request(pending: PendingRun, folder: Path, near: tuple[float, ...]) -> LayerRequest:
    """Return the request to upscale a layer into a folder.

    Parameters
    ----------
    pending : PendingRun
        The run.
    folder : Path
        The folder of the result.
    near : tuple of float
        Position in the source's pixels; blocks near it are computed first.
    """
    from napari_sr.streaming.layer_request import LayerRequest  # not while the form opens

    source: Any = pending.request.image
    keeps = stored(pending.layer, pending.arguments)
    return LayerRequest(
        source=source,
        folder=folder,
        model=pending.request.model,
        settings=pending.request.settings,
        axes=keeps.axes,
        places=keeps.places,
        channels=keeps.channels,
        name=pending.arguments["name"],
        region=pending.request.region,
        resume=pending.resume,
        near=near if source.plane is None else (*(0.0 for _ in source.plane), *near[-2:]),
    )


def _unit(letter: str, unit: object) -> str:
    name = unit_of(str(unit))
    return name if name in (SECONDS if letter == "T" else METRES) else ""


def _channel(layer: Image) -> dict[str, Any]:
    low, high = map(float, layer.contrast_limits)
    least, most = map(float, layer.contrast_limits_range)
    window = {"start": low, "end": high, "min": least, "max": most}
    return {"color": _colour(layer), "window": window, "active": True}


def _colour(layer: Image) -> str:
    """Return the colormap's last colour if it starts at black; otherwise white."""
    first, last = (np.asarray(layer.colormap.map(end)).ravel()[:3] for end in (0.0, 1.0))
    middle = np.asarray(layer.colormap.map(0.5)).ravel()[:3]
    if first.max() > 0.01 or np.abs(middle - last / 2).max() > 0.05:
        return "FFFFFF"
    return "".join(f"{round(255 * float(part)):02X}" for part in last)


def lost_in_folder(layer: Image) -> str:
    """Return a sentence on the transformations that a folder cannot store; "" if it stores all."""
    matrix = np.asarray(layer.affine.affine_matrix)
    found = {
        "rotation": not np.allclose(layer.rotate, np.eye(layer.ndim)),
        "shear": bool(np.any(layer.shear)),
        "affine": not np.allclose(matrix, np.eye(len(matrix))),
    }
    names = " and ".join(name for name, there in found.items() if there)
    return f"The folder cannot store the layer's {names}." if names else ""
