"""Files for intermediate results that do not fit into memory.

The name of a file is removed as soon as the file is created. So the system always deletes the file
when the run ends, even if it crashes.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

from napari_sr.engine.planning.devices import OutOfMemoryError

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDER = "NAPARI_SR_SCRATCH"
"""Environment variable with the folder of the files; by default the system's temporary folder."""
LEFT_FREE = 2**30
"""Bytes of free disk space that are left to other programs."""
IN_MEMORY = ("tmpfs", "ramfs")
"""File systems whose files take memory: Fedora and Debian 13 use one for /tmp."""
ON_DISK = "/var/tmp"
"""Folder of Linux for temporary files on disk."""


def mapped_file(needed: int, what: str) -> NDArray[np.uint8]:
    """Return the bytes of a new file without a name, mapped into memory.

    Parameters
    ----------
    needed : int
        Size of the file in bytes.
    what : str
        Content of the file, in the plural, such as "features".

    Raises
    ------
    OutOfMemoryError
        If the disk has no room.
    """
    folder = check_scratch_folder()
    free = psutil.disk_usage(folder).free - LEFT_FREE
    if needed > free:
        raise OutOfMemoryError(_no_room(needed, what, folder, free))
    try:
        return _mapped(needed, folder)
    except OSError as error:  # another program used the space first, or there is a disk quota
        why = f"{_no_room(needed, what, folder, free)} ({error.strerror})"
        raise OutOfMemoryError(why) from error


def _mapped(needed: int, folder: str) -> NDArray[np.uint8]:
    with tempfile.TemporaryFile(dir=folder, prefix="napari-sr-") as file:
        if hasattr(os, "posix_fallocate"):
            # otherwise, writing to a hole in the file when the disk is full would kill the process
            os.posix_fallocate(file.fileno(), 0, needed)
        return np.memmap(file, dtype=np.uint8, mode="r+", shape=(needed,))


def _no_room(needed: int, what: str, folder: str, free: int) -> str:
    return (
        f"{needed / 2**20:.0f} MiB more of {what} fit neither into memory nor into {folder}, "
        f"where {max(free, 0) / 2**20:.0f} MiB may be used: set {FOLDER} to a folder on a larger "
        "disk, choose half precision, or upscale a part of the image"
    )


def check_scratch_folder() -> str:
    """Return the folder of the files, after creating a test file in it.

    Raises
    ------
    ValueError
        If there is no such folder, or no file can be created in it.
    """
    named = os.path.expanduser(os.environ.get(FOLDER, ""))
    try:
        folder = named or _usual_folder()
        with tempfile.TemporaryFile(dir=folder, prefix="napari-sr-"):
            return folder
    except OSError as error:
        where = f"{named!r}, which {FOLDER} is set to" if named else "the temporary folder"
        raise ValueError(
            f"cannot create files for intermediate results in {where} "
            f"({error.strerror or error}): set {FOLDER} to a writable folder"
        ) from error


def _usual_folder() -> str:
    """Return the temporary folder, or `ON_DISK` if files in the temporary folder take memory."""
    usual = tempfile.gettempdir()
    if sys.platform != "linux" or not _takes_memory(usual) or _takes_memory(ON_DISK):
        return usual
    return ON_DISK if os.access(ON_DISK, os.W_OK) else usual


def _takes_memory(folder: str) -> bool:
    mounted = {one.mountpoint: one.fstype for one in psutil.disk_partitions(all=True)}
    path = Path(folder).resolve()
    above = (mounted[str(one)] for one in (path, *path.parents) if str(one) in mounted)
    return next(above, "") in IN_MEMORY
