"""Places for results: refused before anything is computed where they cannot be written."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from napari_sr.files.image import FileError

if TYPE_CHECKING:
    from collections.abc import Sequence

MEBIBYTE = 2**20


def check_place(path: Path, suffixes: Sequence[str], *, overwrite: bool) -> None:
    """Refuse, before anything is computed, a place that cannot be written.

    A symbolic link to a file counts as that file: the link stays, and its target is replaced.

    Raises
    ------
    FileError
        If the name has none of the endings or is too long, its folder does not exist or cannot
        be written, it is a link to nothing, or it exists and is not a regular file or not to be
        overwritten.
    """
    if path.suffix.lower() not in suffixes:
        one = "one of " if len(suffixes) > 1 else ""
        raise FileError(f"{path} must end in {one}{', '.join(suffixes)}")
    try:
        exists, is_file = path.exists(), path.is_file()
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror}") from error
    if not path.parent.is_dir():
        raise FileError(f"there is no folder {path.parent} to write {path.name} into")
    if path.is_dir():
        raise FileError(f"{path} is a folder")
    if exists and not is_file:
        raise FileError(f"{path} is no regular file, but a pipe or a device")
    if not exists and path.is_symlink():
        raise FileError(
            f"{path} is a link to {os.path.realpath(path)}, which does not exist: give another name"
        )
    if exists and not overwrite:
        raise FileError(f"{path} exists: give another name, or --overwrite")
    _try(Path(os.path.realpath(path)).parent)


def check_folder(folder: Path) -> None:
    """Refuse, before anything is computed, a folder that cannot be made or written.

    Raises
    ------
    FileError
        If there is a file of its name, or in its place no file can be made.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise FileError(f"{there} is no folder, but a file: give another one than {folder}")
    _try(there)


def _try(folder: Path) -> None:
    """Refuse a folder in which no file can be made; only making one is sure to tell."""
    probe = folder / f".napari-sr-probe-{secrets.token_hex(8)}"
    try:
        with probe.open("xb"):
            pass
        probe.unlink()
    except OSError as error:
        raise FileError(f"the folder {folder} cannot be written: {error.strerror}") from error


def check_space(path: Path, needed: int) -> None:
    """Refuse a place whose disk has less room than the result needs.

    Parameters
    ----------
    path : Path
        The result's place, in a folder that exists.
    needed : int
        Bytes that it takes at least.

    Raises
    ------
    FileError
        If fewer bytes are free; a file that will be replaced does not count as free, because it
        stays until the new one is whole.
    """
    folder = Path(os.path.realpath(path)).parent
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise FileError(
            f"{path} needs {needed / MEBIBYTE:.0f} MiB, and the disk of {folder} has "
            f"{free / MEBIBYTE:.0f} MiB free"
        )
