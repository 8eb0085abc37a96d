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


def free_path(place: Path, name: str, *, resumes: bool = False) -> Path:
    """Return the path of a new OME-Zarr folder, without characters that file systems refuse.

    Parameters
    ----------
    place : Path
        The parent folder.
    name : str
        Name of the image.
    resumes : bool
        Whether a folder with an unfinished result may be returned, too.
    """
    letters = re.sub(r'[\x00-\x1f/\\:*?"<>|]', "_", name)[:LONGEST]
    stem = (
        letters.encode(errors="ignore")[:MOST_BYTES].decode(errors="ignore").strip(" .") or "result"
    )
    path, number = place / f"{stem}{SUFFIX}", 1
    while path.exists() and not (resumes and Journal(path).exists):
        number += 1
        path = place / f"{stem} ({number}){SUFFIX}"
    return path
