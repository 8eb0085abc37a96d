"""Read OME-Zarr's metadata of an image: levels, axes, pixel sizes and origins."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_sr.engine.image.axes import LOOP_LETTERS
from napari_sr.files.image import FileError
from napari_sr.files.lazy_image import Axis
from napari_sr.files.ome_zarr.documents import Node, inner_path, read_node
from napari_sr.files.units import unit_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


_OLD_AXES = ("t", "c", "z", "y", "x")
"""Axes of OME-Zarr 0.1 and 0.2, whose metadata do not name axes."""

_KINDS = {"time": "T", "channel": "C"}


@dataclass(frozen=True)
class Described:
    """The metadata of one level, axis by axis in stored order."""

    names: str
    """Names of the axes, for messages."""
    letters: str | None
    """One letter per axis: Y, X, T, C, Z, and others for axes with other names; None if Y or X is
    missing, or if the metadata name more or fewer axes than the array has."""
    places: tuple[Axis, ...] | None
    """Pixel size, origin and unit along each axis; None if the metadata name no sizes."""
    notes: tuple[str, ...]


def level_path(node: Node, level: int) -> Path:
    """Return the folder that holds the array of a level.

    Raises
    ------
    FileError
        If there is no such level, it is outside the image's folder, or the metadata are damaged.
    """
    paths = [dataset.get("path") for dataset in _datasets(node)]
    if not 0 <= level < len(paths):
        raise FileError(
            f"{node.path} has levels 0 (finest) to {len(paths) - 1}, but level {level} is wanted"
        )
    return inner_path(node.path, str(paths[level]))


def count_of_levels(node: Node) -> int:
    """Return the number of levels of an image.

    Raises
    ------
    FileError
        If the metadata are damaged.
    """
    return len(_datasets(node))


def level_names(node: Node) -> set[str]:
    """Return the folder names of an image's levels; nothing if the group is not an image."""
    if "multiscales" not in node.ome:
        return set()
    return {str(dataset["path"]).split("/")[0] for dataset in _datasets(node)}


def image_around(array: Node) -> tuple[Node, int] | None:
    """Return the image to which an array belongs as a level, and the level's number, or None."""
    try:
        node = read_node(array.path.parent)
        if node is None or "multiscales" not in node.ome:
            return None
        paths = [str(dataset.get("path")) for dataset in _datasets(node)]
    except FileError:
        return None
    return (node, paths.index(array.path.name)) if array.path.name in paths else None


def multiscale_name(node: Node) -> str:
    """Return the name of an image; "" if it has none."""
    name = _multiscale(node).get("name")
    return name if isinstance(name, str) and name.strip("/") else ""


def _multiscale(node: Node) -> Mapping[str, Any]:
    all_ = node.ome["multiscales"]
    first = all_[0] if isinstance(all_, list) and all_ else None
    if not isinstance(first, dict) or not isinstance(first.get("datasets"), list):
        raise FileError(
            f"{node.path} is damaged: 'multiscales' should hold an object with 'datasets', got "
            f"{all_!r:.80}"
        )
    return first


def _datasets(node: Node) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = [
        one for one in _multiscale(node)["datasets"] if isinstance(one, dict)
    ]
    if not found or not all("path" in one for one in found):
        raise FileError(f"{node.path} is damaged: its 'datasets' name no arrays")
    return found


def described(node: Node, level: int, dimensions: int) -> Described:
    """Return the metadata of one level of an image.

    Parameters
    ----------
    node : Node
        The group of the image.
    level : int
        Number of the level, 0 for the finest.
    dimensions : int
        Number of axes of the level's array.

    Raises
    ------
    FileError
        If a transformation is neither a scale nor a translation, or has another number of axes.
    """
    multiscale = _multiscale(node)
    axes = _axes(multiscale.get("axes"), dimensions)
    names = ", ".join(str(axis.get("name")) for axis in axes) or "none"
    letters = letters_of(axes) if len(axes) == dimensions else None
    axes = axes if len(axes) == dimensions else [{}] * dimensions
    transforms = [
        *_listed(_datasets(node)[level].get("coordinateTransformations")),
        *_listed(multiscale.get("coordinateTransformations")),
    ]
    if not any(transform.get("type") == "scale" for transform in transforms):
        note = f"{node.path} names no pixel size: 1 is assumed"
        return Described(names, letters, None, (note,))
    places, notes = _placed(axes, transforms, node.path)
    return Described(names, letters, places, notes)


def _listed(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _axes(stored: Any, dimensions: int) -> list[Mapping[str, Any]]:
    if stored is None and dimensions == len(_OLD_AXES):
        return [{"name": name} for name in _OLD_AXES]
    listed = stored if isinstance(stored, list) else []
    return [axis if isinstance(axis, dict) else {"name": axis} for axis in listed]


def letters_of(axes: Sequence[Mapping[str, Any]]) -> str | None:
    """Return one letter per axis, or None if Y or X is missing.

    Parameters
    ----------
    axes : sequence of mapping
        The axes, each with a name, and perhaps with a type: "space", "time", "channel" or another.
        An axis whose name is not a single letter gets T or C if it is of type time or channel, and
        otherwise an unused letter.
    """
    known: list[str] = []
    for axis in axes:
        letter = str(axis.get("name", "")).upper()
        if len(letter) != 1 or letter not in (*LOOP_LETTERS, "Y", "X"):
            letter = _KINDS.get(str(axis.get("type") or axis.get("name")), "")
        known.append("" if letter in known else letter)
    if not {"Y", "X"} <= set(known):
        return None
    free = [letter for letter in LOOP_LETTERS[3:] if letter not in known]
    return "".join(letter or free.pop(0) for letter in known)


def _placed(
    axes: Sequence[Mapping[str, Any]], transforms: Sequence[Mapping[str, Any]], path: Path
) -> tuple[tuple[Axis, ...], tuple[str, ...]]:
    """Apply transformations in their order; return pixel size, origin and unit of each axis."""
    sizes, origins = [1.0] * len(axes), [0.0] * len(axes)
    for transform in transforms:
        kind = transform.get("type")
        if kind == "identity":
            continue
        numbers = _numbers(transform, kind, len(axes), path)
        if kind == "scale":
            sizes = [size * number for size, number in zip(sizes, numbers, strict=True)]
            origins = [origin * number for origin, number in zip(origins, numbers, strict=True)]
        else:
            origins = [origin + number for origin, number in zip(origins, numbers, strict=True)]
    units = [str(axis.get("unit") or "") for axis in axes]
    notes: tuple[str, ...] = ()
    if not all(sizes):
        sizes = [size or 1.0 for size in sizes]
        notes = (f"{path} names a pixel size of 0: 1 is assumed",)
    places = zip(sizes, origins, [unit_of(unit) or unit for unit in units], strict=True)
    return tuple(Axis(*place) for place in places), notes


def _numbers(transform: Mapping[str, Any], kind: Any, count: int, path: Path) -> list[float]:
    values = transform.get(str(kind)) if kind in ("scale", "translation") else None
    numbers = values if isinstance(values, list) else []
    right = [one for one in numbers if isinstance(one, int | float) and math.isfinite(one)]
    if len(numbers) != count or len(right) != count:
        raise FileError(
            f"{path} needs transformations of type 'scale' or 'translation' with {count} finite "
            f"numbers, got {dict(transform)!r:.120}"
        )
    return [float(one) for one in right]
