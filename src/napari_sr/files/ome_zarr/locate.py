"""Find the image in a Zarr folder; if there is none, say what the folder holds."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from napari_sr.files.image import FileError
from napari_sr.files.ome_zarr.documents import Node, inner_path, read_node

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SHOWN = 8
"""Largest number of names in a message."""


def is_zarr(path: Path) -> bool:
    """Return whether a path is a folder that Zarr or OME-Zarr wrote, by its content."""
    documents = ("zarr.json", ".zarray", ".zgroup", ".zattrs")
    return any((path / name).is_file() for name in documents)


def find_image(path: Path) -> Node:
    """Return the image of a folder: a group with levels, or an array.

    If a group is not an image but contains exactly one, that image is taken.

    Parameters
    ----------
    path : Path
        The folder.

    Raises
    ------
    FileError
        If there is no image, more than one, or something else, such as labels or a plate. The
        message says what the folder holds.
    """
    _check_folder(path)
    node = read_node(path)
    if node is None:
        raise FileError(
            f"{path} is not a Zarr image: it holds neither zarr.json nor .zarray nor .zgroup"
        )
    if node.kind == "array":
        return node
    if "multiscales" in node.ome:
        return _image(node)
    if "plate" in node.ome:
        raise FileError(_about_plate(node))
    if "well" in node.ome:
        return _only(
            node, [read_node(inner_path(path, field)) for field in _fields(node)], "fields"
        )
    if "labels" in node.ome:
        raise FileError(_about_labels(path))
    return _child(node)


def _check_folder(path: Path) -> None:
    if path.is_dir():
        return
    if path.exists():
        raise FileError(f"{path} is a file, but a Zarr image is a folder")
    if path.is_symlink():
        raise FileError(f"{path} is a link to {os.path.realpath(path)}, which does not exist")
    raise FileError(f"there is no folder {path}")


def _image(node: Node) -> Node:
    if "image-label" in node.ome:
        raise FileError(_about_labels(node.path))
    return node


def _about_labels(path: Path) -> str:
    return (
        f"{path} holds labels and no image: upscaling would blend the numbers of different labels"
    )


def _about_plate(node: Node) -> str:
    wells = node.ome["plate"].get("wells", []) if isinstance(node.ome["plate"], dict) else []
    paths = [well["path"] for well in wells if isinstance(well, dict) and "path" in well]
    if not paths:
        return f"{node.path} is a plate without wells"
    first = read_node(inner_path(node.path, str(paths[0])))
    fields = [] if first is None else _fields(first)
    example = node.path / paths[0] / (fields[0] if fields else "0")
    return (
        f"{node.path} is a plate of {len(paths)} wells ({_listed(paths)}), each with "
        f"{len(fields) or 'some'} fields ({_listed(fields)}): give the folder of one field, such "
        f"as {example}"
    )


def _fields(well: Node) -> list[str]:
    content = well.ome.get("well")
    images = content.get("images", []) if isinstance(content, dict) else []
    return [str(image["path"]) for image in images if isinstance(image, dict) and "path" in image]


def _listed(names: Sequence[str]) -> str:
    more = [f"{len(names) - SHOWN} more"] if len(names) > SHOWN else []
    return ", ".join([*names[:SHOWN], *more])


def _child(node: Node) -> Node:
    """Return the only image in a group, as bioformats2raw and similar programs write it."""
    folders = sorted(
        (child for child in node.path.iterdir() if child.is_dir()),
        key=lambda child: _number_or_text(child.name),
    )
    children = [child for child in map(read_node, folders) if child is not None]
    images = [child for child in children if "multiscales" in child.ome]
    if not images and any("labels" in child.ome for child in children):
        raise FileError(_about_labels(node.path))
    if images:
        return _only(node, images, "images")
    return _only(node, [child for child in children if child.kind == "array"], "arrays")


def _number_or_text(name: str) -> list[tuple[int, str]]:
    """Return a key for sorting that puts "10" after "9"."""
    parts = re.split(r"(\d+)", name)
    return [(int(part) if part.isdecimal() else -1, part) for part in parts]


def _only(node: Node, children: Sequence[Node | None], what: str) -> Node:
    there = [child for child in children if child is not None]
    if len(there) == 1:
        return _image(there[0]) if there[0].kind == "group" else there[0]
    if not there:
        raise FileError(f"{node.path} is a Zarr group without an image")
    names = [str(child.path.relative_to(node.path)) for child in there]
    raise FileError(
        f"{node.path} holds {len(names)} {what} ({_listed(names)}): give the folder of one, such "
        f"as {there[0].path}"
    )
