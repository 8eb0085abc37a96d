"""Names and places of folders for results."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from napari_sr.streaming.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path

SUFFIX = ".ome.zarr"
LONGEST = 80
"""Largest number of letters of a layer's name in the proposed name of a folder."""
MOST_BYTES = 200
"""Largest number of bytes of that name; file systems refuse names of more than 255 bytes."""


def place_problem(folder: Path) -> str | None:
    """Return the reason why an absolute path cannot be that of the result, or None."""
    if folder.exists() and not Journal(folder).exists:
        return f"{folder} exists: choose another name"
    if not folder.parent.is_dir():
        return f"There is no folder {folder.parent}: choose another one for the result"
    return None


def name_of(folder: Path) -> str:
    """Return a folder's name without its number and suffix."""
    return re.sub(r"( \(\d+\))?(\.ome)?\.zarr$", "", folder.name)


def next_path(folder: Path) -> Path:
    """Return the path with the next number: "name (2)" after "name", "name (3)" after "name (2)".

    Parameters
    ----------
    folder : Path
        A folder's path.
    """
    found = re.search(r" \((\d+)\)(\.ome)?\.zarr$", folder.name)
    number = int(found[1]) if found else 1
    return folder.with_name(f"{name_of(folder)} ({number + 1}){SUFFIX}")


def folder_name(name: str) -> str:
    """Return the name of an OME-Zarr folder, without characters that file systems refuse.

    Parameters
    ----------
    name : str
        Name of the image.
    """
    letters = re.sub(r'[\x00-\x1f/\\:*?"<>|]', "_", name)[:LONGEST]
    stem = letters.encode(errors="ignore")[:MOST_BYTES].decode(errors="ignore").strip(" .")
    return f"{stem or 'result'}{SUFFIX}"
