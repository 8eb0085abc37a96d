"""Writers for napari: save image layers as OME-TIFF or OME-Zarr, with channels and record.

napari's own writer saves only the pixels. Several layers with the same shape and position become
the channels of one image.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from napari_sr import __version__
from napari_sr.files.axis_labels import stored_axes
from napari_sr.files.image import FileError
from napari_sr.files.lazy_image import Axis, LazyImage
from napari_sr.files.save import save
from napari_sr.files.units import METRES, SECONDS, unit_of
from napari_sr.runs.record import KEY, for_file

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

FullLayerData: TypeAlias = tuple[Any, dict[str, Any], str]
"""A layer as napari passes it to writers: pixels or pyramid levels, attributes, layer type."""


class LostPlaceWarning(UserWarning):
    """A file cannot hold a part of a layer's transformation."""


def write_ome_tiff(path: str, layers: Sequence[FullLayerData]) -> list[str]:
    """Write image layers into an OME-TIFF.

    Parameters
    ----------
    path : str
        The file; .ome.tif is added if it has no suffix.
    layers : sequence of layer data
        One image layer, or several that become channels.

    Returns
    -------
    list of str
        The path that was written.

    Raises
    ------
    FileError
        If the format cannot hold the layers, or the file cannot be written.
    """
    return _write(Path(path), ".ome.tif", layers)


def write_ome_zarr(path: str, layers: Sequence[FullLayerData]) -> list[str]:
    """Write image layers into an OME-Zarr folder; see `write_ome_tiff`.

    Raises
    ------
    FileError
        As `write_ome_tiff` does, or if the folder exists.
    """
    return _write(Path(path), ".ome.zarr", layers)


def _write(path: Path, suffix: str, layers: Sequence[FullLayerData]) -> list[str]:
    path = path if path.suffix else path.with_name(path.name + suffix)
    for _ in write_steps(path, layers, overwrite=True):
        pass
    return [str(path)]


def write_steps(
    path: Path, layers: Sequence[FullLayerData], *, overwrite: bool
) -> Generator[tuple[int, int], None, None]:
    """Write an OME-TIFF or OME-Zarr, as the path's suffix says.

    Yield the number of parts written so far, and of all parts.

    Parameters
    ----------
    path, layers
        As for `write_ome_tiff`.
    overwrite : bool
        Whether to replace an existing file. Folders are never replaced.

    Raises
    ------
    FileError
        As `write_ome_tiff` does.
    """
    found = [_described(data, attributes) for data, attributes, _ in layers]
    whole = found[0] if len(found) == 1 else _channels(found, path.name.partition(".")[0])
    software = f"napari-sr {__version__}"
    yield from save(path, whole.image, whole.levels, software=software, overwrite=overwrite)


@dataclass(frozen=True)
class _Described:
    """A layer that is ready to be written into a file."""

    image: LazyImage
    levels: tuple[Any, ...] = ()
    """Coarser levels of the pixels."""


def _described(data: Any, attributes: dict[str, Any]) -> _Described:
    """Convert a layer to the form in which `save` takes it.

    Raises
    ------
    FileError
        If neither OME-TIFF nor OME-Zarr has the layer's axes, or an axis is mirrored.
    """
    finest, *coarser = list(data) if attributes.get("multiscale") else [data]
    rgb, name = bool(attributes.get("rgb")), str(attributes.get("name", "image"))
    count = finest.ndim - rgb
    labels = tuple(attributes.get("axis_labels") or map(str, range(-count, 0)))
    axes = stored_axes(labels, rgb=rgb)
    if axes is None:
        raise FileError(
            f"OME has the axes T, C, Z, Y and X, but the layer {name} has "
            f"{', '.join(labels[:-2])} before Y and X: choose other axis_labels"
        )
    _tell_lost(name, attributes)
    record = dict(attributes.get("metadata") or {}).get(KEY)
    channels = [_channel(name, attributes)]
    if "C" in axes:
        channels = []  # the layer has only one name for all channels
    image = LazyImage(
        finest,
        axes,
        {},
        _places(name, axes.removesuffix("S"), attributes),
        () if rgb else tuple(channels),
        name,
        record=for_file(record) if isinstance(record, dict) else None,
    )
    return _Described(image, tuple(coarser))


def _places(name: str, letters: str, attributes: dict[str, Any]) -> dict[str, Axis]:
    scale = attributes.get("scale", [1.0] * len(letters))
    translate = attributes.get("translate", [0.0] * len(letters))
    units = attributes.get("units") or ["pixel"] * len(letters)
    if not (np.asarray(scale, float) > 0).all():
        raise FileError(
            f"OME needs pixel sizes above 0, but the layer {name} has "
            f"{', '.join(f'{float(size):g}' for size in scale)}: save it with napari's writer"
        )
    return {
        letter: Axis(float(size), float(origin), _unit(letter, unit))
        for letter, size, origin, unit in zip(letters, scale, translate, units, strict=True)
        if letter != "C"
    }


def _unit(letter: str, unit: object) -> str:
    name = unit_of(str(unit))
    return name if name in (SECONDS if letter == "T" else METRES) else ""


def _tell_lost(name: str, attributes: dict[str, Any]) -> None:
    """Warn of transformations that the file cannot hold."""
    turned = {
        "rotation": _differs(attributes.get("rotate")),
        "shear": bool(np.any(attributes.get("shear", 0))),
        "affine": _differs(attributes.get("affine")),
    }
    lost = " and ".join(what for what, is_lost in turned.items() if is_lost)
    if lost:
        told = f"the file cannot keep the {lost} of the layer {name}"
        warnings.warn(told, LostPlaceWarning, stacklevel=6)


def _differs(matrix: Any) -> bool:
    """Return whether a matrix differs from the identity."""
    found = np.asarray(np.eye(1) if matrix is None else matrix, float)
    return found.ndim == 2 and not np.allclose(found, np.eye(len(found)))


def _channel(name: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """Return a layer's name and display settings, as in OME-Zarr's `omero.channels`."""
    channel: dict[str, Any] = {"label": name, "active": bool(attributes.get("visible", True))}
    colours = np.asarray(dict(attributes.get("colormap") or {}).get("colors", []), float)
    if len(colours):
        channel["color"] = _colour(colours)
    limits = attributes.get("contrast_limits")
    if limits is not None:
        channel["window"] = {"start": float(limits[0]), "end": float(limits[1])}
    return channel


def _colour(colours: Any) -> str:
    """Return the last colour of a colormap that is a ramp from black to it; otherwise white."""
    rgb = colours[:, :3]
    straight = np.linspace(0, 1, len(rgb))[:, None] * rgb[-1]
    if np.abs(rgb - straight).max() > 0.05:
        return "FFFFFF"
    return "".join(f"{round(255 * float(part)):02X}" for part in rgb[-1])


def _channels(found: Sequence[_Described], name: str) -> _Described:
    """Join several layers as the channels of one image of this name.

    Raises
    ------
    FileError
        If the layers differ in shape, type or position, or have channels or colours.
    """
    first = found[0].image
    for one in found:
        image = one.image
        same = (image.pixels.shape, image.pixels.dtype, image.axes, image.places) == (
            first.pixels.shape, first.pixels.dtype, first.axes, first.places,
        )  # fmt: skip
        if not same or "C" in image.axes or image.axes.endswith("S"):
            raise FileError(
                "layers that become channels must be grey, without a channel axis, and have the "
                f"same shape, type and position, but {image.name} is {image.pixels.dtype} "
                f"{tuple(image.pixels.shape)}, and {first.name} is {first.pixels.dtype} "
                f"{tuple(first.pixels.shape)}: save each layer separately"
            )
    at = 1 if first.axes.startswith("T") else 0
    records = [one.image.record for one in found]
    record = None
    if first.record is not None and None not in records:
        record = {**first.record, "channels": records}
    return _Described(
        replace(
            first,
            pixels=_stacked([one.image.pixels for one in found], at),
            axes=f"{first.axes[:at]}C{first.axes[at:]}",
            channels=tuple(channel for one in found for channel in one.image.channels),
            name=name,
            record=record,
        )
    )


def _stacked(arrays: Sequence[Any], axis: int) -> Any:
    """Stack arrays along a new axis, without reading them if one of them is lazy."""
    if all(isinstance(one, np.ndarray) for one in arrays):
        return np.stack(arrays, axis)
    dask_array: Any = import_module("dask.array")
    return dask_array.stack([dask_array.asarray(one) for one in arrays], axis)
