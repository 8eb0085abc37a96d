"""Create the folder of an OME-Zarr image, remove it, and open it to write blocks."""

from __future__ import annotations

import os
import secrets
import shutil
from typing import TYPE_CHECKING, Any

from napari_sr.files.image import FileError
from napari_sr.files.ome_zarr.documents import read_node
from napari_sr.files.ome_zarr.multiscale import level_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import zarr

    from napari_sr.files.ome_zarr.arrangement import Arrangement
    from napari_sr.files.ome_zarr.documents import Node
    from napari_sr.files.ome_zarr.shards import Level

FORMATS: Mapping[str, Any] = {"0.5": 3, "0.4": 2}
"""Version of Zarr by version of OME-Zarr."""
_REMOVED = ".napari-sr-removed-"
"""Start of a folder's name while it is being removed."""
_WORTHLESS = {"zarr.json", ".zgroup", ".zattrs", ".zarray", ".zmetadata", ".DS_Store", "Thumbs.db"}
"""Names that may be removed with an image: its metadata, and files of file managers."""
_SHOWN = 8
"""Largest number of names in a message."""


def make_room(path: Path, *, overwrite: bool) -> None:
    """Check that an image can be created at a path, and remove the Zarr image there, if any.

    Raises
    ------
    FileError
        If the parent folder does not exist, or if the path is a file, or a folder that must not be
        removed, for instance because it holds more than one image.
    OSError
        If the folder cannot be removed.
    """
    if not path.parent.is_dir():
        raise FileError(f"{path.name} cannot be written: there is no folder {path.parent}")
    if not os.path.lexists(path):
        return
    if not path.is_dir():
        raise FileError(f"{path} is a file, but OME-Zarr is a folder: give another name")
    if not any(path.iterdir()):
        return
    if not overwrite:
        raise FileError(f"{path} exists: give another name, or --overwrite")
    _check_only_image(path)
    discard(path)


def _check_only_image(path: Path) -> None:
    """Check that a folder holds one Zarr image and nothing else of value.

    Raises
    ------
    FileError
        If there is no image, or more: other images, labels, or files of other programs.
    """
    node = read_node(path)
    if node is None:
        raise FileError(f"{path} is not a Zarr image and is not overwritten: give another name")
    if node.kind == "array" and read_node(path.parent) is not None:
        raise FileError(
            f"{path} is a part of {path.parent} and is not overwritten: give another name"
        )
    others = [each.name for each in path.iterdir() if not _is_of_image(each.name, node)]
    if others:
        raise FileError(
            f"{path} also holds {', '.join(sorted(others)[:_SHOWN])} and is not overwritten: give "
            "another name, or remove it yourself"
        )


def _is_of_image(name: str, node: Node) -> bool:
    """Return whether an entry in an image's folder belongs to the image or is worthless."""
    if name in _WORTHLESS or name.startswith(".napari-sr"):
        return True
    if node.kind == "array":
        return name == "c" or not name.strip("0123456789.")
    return name in level_names(node)


def discard(path: Path) -> None:
    """Remove a folder; rename it first, so that its name is free even after an interruption.

    Raises
    ------
    OSError
        If the folder cannot be removed.
    """
    doomed = path.parent / f"{_REMOVED}{secrets.token_hex(8)}"
    os.rename(path, doomed)
    shutil.rmtree(doomed)
    for left in path.parent.glob(f"{_REMOVED}*"):  # a process was killed before it removed them
        shutil.rmtree(left, ignore_errors=True)


def create_folder(
    path: Path,
    attributes: dict[str, Any],
    levels: Sequence[Level],
    arrangement: Arrangement,
    version: str,
) -> None:
    """Create the group and the arrays of an image, without pixels.

    Parameters
    ----------
    path : Path
        The folder; it is created.
    attributes : dict
        Attributes of the group, as JSON.
    levels : sequence of Level
        Levels of the pyramid, finest first.
    arrangement : Arrangement
        Axes, shape and data type.
    version : {"0.5", "0.4"}
        Version of OME-Zarr.
    """
    import zarr

    from napari_sr.files.ome_zarr.store import BlockStore, sync_folders

    store = BlockStore(path)
    form = FORMATS[version]
    zarr.create_group(store, attributes=attributes, zarr_format=form)
    for number, level in enumerate(levels):
        zarr.create_array(
            store,
            name=str(number),
            shape=(*arrangement.shape[:-2], level.height, level.width),
            dtype=arrangement.layout.dtype.newbyteorder("<"),
            fill_value=0,
            zarr_format=form,
            **_parts(arrangement, level, version),
        )
    sync_folders([file for file in path.rglob("*") if file.is_file()], path.parent, set())


def _parts(arrangement: Arrangement, level: Level, version: str) -> dict[str, Any]:
    """Return Zarr's options for chunks, shards, compression and names of axes."""
    looped = arrangement.letters[:-2]
    chunks = (1,) * len(looped) + level.chunk
    if version == "0.4":
        import numcodecs

        # the default compression of Zarr 2: some readers of 0.4 support no other
        blosc = numcodecs.Blosc(cname="lz4", clevel=5, shuffle=numcodecs.Blosc.SHUFFLE)
        key = {"name": "v2", "separator": "/"}
        return {"chunks": chunks, "compressors": blosc, "chunk_key_encoding": key}
    names = {"dimension_names": tuple(arrangement.letters.lower())}
    if level.shard is None:
        return {"chunks": chunks, **names}
    colours = arrangement.layout.channels  # a shard holds all colours of its pixels
    whole = tuple(colours if letter == "C" else 1 for letter in looped)
    return {"chunks": chunks, "shards": whole + level.shard, **names}


def mark(path: Path, name: str, changes: Mapping[str, Any]) -> None:
    """Change entries of an image's attribute: on the disk, all of them change at once.

    Parameters
    ----------
    path : Path
        The folder.
    name : str
        Name of the attribute, a mapping.
    changes : mapping
        The entries to change, as JSON.
    """
    import zarr

    from napari_sr.files.ome_zarr.store import BlockStore, sync_folders

    group = zarr.open_group(BlockStore(path), mode="r+")
    stored: Any = group.attrs.asdict().get(name, {})
    group.update_attributes({name: {**stored, **changes}})
    sync_folders([path / "zarr.json"], path, set())


def open_levels(path: Path, count: int) -> tuple[list[zarr.Array[Any]], list[zarr.Array[Any]]]:
    """Open the levels of an image twice, finest first: for reading, and for writing.

    Parameters
    ----------
    path : Path
        The folder.
    count : int
        Number of levels.

    Raises
    ------
    FileError
        If a level is missing or cannot be opened.
    """
    import zarr

    from napari_sr.files.ome_zarr.store import BlockStore, SourceStore

    source, target = SourceStore(path, read_only=True), BlockStore(path)
    try:
        readable = [zarr.open_array(source, path=str(each), mode="r") for each in range(count)]
        targets = [zarr.open_array(target, path=str(each), mode="r+") for each in range(count)]
    except (OSError, ValueError) as error:
        raise FileError(f"{path} was not created completely, or is damaged: {error}") from error
    # black blocks need files too: a block without files counts as missing
    return readable, [each.with_config({"write_empty_chunks": True}) for each in targets]
