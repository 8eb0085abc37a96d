"""Check that a result can be written at its path, before anything is computed."""

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
    """Check that a file can be written.

    Writing to a symbolic link replaces the file that it points to, and keeps the link.

    Raises
    ------
    FileError
        If the name has none of the suffixes or is too long, its folder does not exist or cannot
        be written, it is a broken link, it exists but is not a regular file, or it exists and must
        not be overwritten.
    """
    if path.suffix.lower() not in suffixes:
        one = "one of " if len(suffixes) > 1 else ""
        raise FileError(f"{path} must end in {one}{', '.join(suffixes)}")
    try:
        exists, is_file = path.exists(), path.is_file()
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror}") from error
    if not path.parent.is_dir():
        raise FileError(f"{path.name} cannot be written: there is no folder {path.parent}")
    if path.is_dir():
        raise FileError(f"{path} is a folder: give the name of a file")
    if exists and not is_file:
        raise FileError(f"{path} is a pipe or a device, not a regular file")
    if not exists and path.is_symlink():
        raise FileError(
            f"{path} is a link to {os.path.realpath(path)}, which does not exist: give another name"
        )
    if exists and not overwrite:
        raise FileError(f"{path} exists: give another name, or --overwrite")
    _try(Path(os.path.realpath(path)).parent)


def check_apart(
    path: Path, source: Path, *, other: str = "the image to upscale", what: str = "the result"
) -> None:
    """Check that a result neither replaces its source nor is in it; links are followed.

    Parameters
    ----------
    path, source : Path
        Path of the result, and of the file or folder to protect.
    other, what : str
        Names of the protected file and of the result in messages.

    Raises
    ------
    FileError
        If the result would replace the source, contain it, or be in it.
    """
    result, image = Path(os.path.realpath(path)), Path(os.path.realpath(source))
    if same_file(path, source):
        raise FileError(f"{path} is {other}: give {what} another name")
    if any(_same(result, one) for one in image.parents):
        raise FileError(f"{path} contains {other}: give {what} another name")
    if any(_same(image, one) for one in result.parents):
        raise FileError(f"{path} is in {other}: give {what} another folder")


def same_file(first: Path, second: Path) -> bool:
    """Return whether two paths name one file or folder; links are followed."""
    return _same(Path(os.path.realpath(first)), Path(os.path.realpath(second)))


def _same(first: Path, second: Path) -> bool:
    """Return whether two paths without links name one file, even on a disk that ignores case."""
    try:
        return first == second or first.samefile(second)
    except OSError:
        return False


def check_folder(folder: Path) -> None:
    """Check that a folder exists or can be created, and that files can be written in it.

    Raises
    ------
    FileError
        If the path is a file, or files cannot be created in it.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise FileError(
            f"a folder is needed, but {there} is a file: give another folder than {folder}"
        )
    _try(there)


def _try(folder: Path) -> None:
    """Check that files can be created in a folder by creating one; other checks are unreliable."""
    probe = folder / f".napari-sr-probe-{secrets.token_hex(8)}"
    try:
        with probe.open("xb"):
            pass
        probe.unlink()
    except OSError as error:
        raise FileError(f"the folder {folder} cannot be written: {error.strerror}") from error


def check_space(path: Path, needed: int) -> None:
    """Check that the disk has room for a result.

    Parameters
    ----------
    path : Path
        The result's path, in a folder that exists.
    needed : int
        Smallest size of the file in bytes.

    Raises
    ------
    FileError
        If fewer bytes are free. The space of a file to be replaced does not count as free, because
        the file stays until the new one is complete.
    """
    folder = Path(os.path.realpath(path)).parent
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise FileError(
            f"{path} needs {needed / MEBIBYTE:.0f} MiB, but the disk of {folder} has only "
            f"{free / MEBIBYTE:.0f} MiB free"
        )
