"""The metadata documents of Zarr 2 and 3, read without opening an array."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, Literal

from napari_sr.files.image import FileError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Node:
    """A folder that holds a Zarr group or array."""

    path: Path
    kind: Literal["group", "array"]
    zarr_format: Literal[2, 3]
    attributes: Mapping[str, Any]
    """The attributes, among them OME-Zarr's metadata."""
    document: bytes
    """The metadata documents as they are stored."""

    @property
    def ome(self) -> Mapping[str, Any]:
        """OME-Zarr's metadata; empty if there are none."""
        inner = self.attributes.get("ome")
        return inner if isinstance(inner, dict) else self.attributes


def read_node(path: Path) -> Node | None:
    """Return the Zarr group or array in a folder, or None if the folder holds neither.

    Raises
    ------
    FileError
        If a document cannot be read, or is not a JSON object.
    """
    newer = _bytes(path / "zarr.json")
    if newer is not None:
        content = _parsed(newer, path / "zarr.json")
        kind: Literal["group", "array"] = (
            "array" if content.get("node_type") == "array" else "group"
        )
        return Node(path, kind, 3, _object(content.get("attributes")), newer)
    array, group = _bytes(path / ".zarray"), _bytes(path / ".zgroup")
    attributes = _bytes(path / ".zattrs")
    if array is None and group is None and attributes is None:
        return None
    document = array or group or b""
    parsed = {} if attributes is None else _parsed(attributes, path / ".zattrs")
    return Node(path, "group" if array is None else "array", 2, parsed, document)


def inner_path(folder: Path, name: str) -> Path:
    """Return the path of a node, from its name in a folder's metadata.

    Parameters
    ----------
    folder : Path
        The folder.
    name : str
        Path of the node below the folder, with slashes.

    Raises
    ------
    FileError
        If the node is not below the folder.
    """
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or PureWindowsPath(name).drive or ".." in parts.parts:
        raise FileError(
            f"{folder} names {name!r} as one of its parts, but this path is outside the folder"
        )
    return folder / name


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from error


def _parsed(document: bytes, path: Path) -> dict[str, Any]:
    try:
        content = json.loads(document)
    except ValueError as error:
        raise FileError(f"{path} is damaged: {error}") from error
    if not isinstance(content, dict):
        raise FileError(f"{path} is damaged: it should hold a JSON object, got {content!r:.60}")
    return content


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
