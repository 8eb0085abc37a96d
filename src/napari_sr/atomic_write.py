"""Write a file completely or not at all: it has a random name until it is complete.

The unfinished file is in the same folder. Its random name and exclusive creation keep other
programs from putting a link in its place. If a process is killed, its unfinished files and folders
are removed when the same user, on the same machine, next writes into that folder.
"""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import re
import secrets
import shutil
import stat
import uuid
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE, FOLDER = "part", "new"
"""Suffixes of unfinished files and folders."""
_NAME = re.compile(
    r"\.napari-sr-(?P<machine>[0-9a-f]{16})-(?P<process>\d+)-[0-9a-f]{16}\.(?P<kind>part|new)"
)
_NO_SYNC = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)
"""Errors raised by file systems that cannot wait for the disk."""


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a new file for reading and writing; move it to its path at the end.

    The file gets the permissions of the file that it replaces, or the usual ones of a new file. If
    the path is a symbolic link, the link stays and its target is replaced. After an exception,
    nothing has changed, and no unfinished file is left.

    Parameters
    ----------
    path : Path
        The path of the file, in a folder that exists.

    Raises
    ------
    OSError
        If the file cannot be created, written or moved; its `filename` is the path.
    """
    target = Path(os.path.realpath(path))
    remove_leftovers(target.parent)
    unfinished = target.parent / private_name(FILE)
    try:
        with unfinished.open("x+b") as file, _removed_in_the_end(unfinished):
            _keep_mode(file, target)
            yield file
            _sync(file)
            if not os.path.samestat(os.fstat(file.fileno()), os.lstat(unfinished)):
                raise OSError(errno.ESTALE, "another program replaced the unfinished file")
            file.close()  # closed before it is moved, as Windows requires
            os.replace(unfinished, target)
    except OSError as error:
        if error.filename in (None, str(unfinished)):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


@contextmanager
def _removed_in_the_end(path: Path) -> Iterator[None]:
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove our unfinished files and folders whose process has ended.

    A file or folder is removed if it belongs to this user, and its name has the number of a process
    on this machine that has ended. Files of other machines, which may share the folder, stay.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = _NAME.fullmatch(entry.name)
            if found and found["machine"] == _machine():
                with suppress(OSError):
                    _remove_left(entry, int(found["process"]), found["kind"])


def _remove_left(entry: os.DirEntry[str], process: int, kind: str) -> None:
    """Remove an unfinished file or folder if its process has ended; do not follow links."""
    import psutil

    status = entry.stat(follow_symlinks=False)
    ours = not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
    if not ours or psutil.pid_exists(process):
        return
    if kind == FILE and stat.S_ISREG(status.st_mode):
        os.unlink(entry.path)
    if kind == FOLDER and stat.S_ISDIR(status.st_mode):
        shutil.rmtree(entry.path, ignore_errors=True)


def private_name(kind: str, process: int | None = None) -> str:
    """Return a random name for an unfinished file or folder.

    Parameters
    ----------
    kind : str
        `FILE` or `FOLDER`.
    process : int, optional
        Number of the process that writes the file or folder; by default, of this process.
    """
    number = os.getpid() if process is None else process
    return f".napari-sr-{_machine()}-{number}-{secrets.token_hex(8)}.{kind}"


@lru_cache(maxsize=1)
def _machine() -> str:
    """Return a string that differs between machines, and between containers on one machine."""
    try:
        processes = os.readlink("/proc/self/ns/pid")
    except OSError:
        processes = ""
    known = f"{platform.node()} {uuid.getnode()} {processes}"
    return hashlib.sha256(known.encode()).hexdigest()[:16]


def _keep_mode(file: BinaryIO, target: Path) -> None:
    """Give the new file the permissions of the file that it will replace, if there is one."""
    if hasattr(os, "fchmod"):
        with suppress(OSError):
            os.fchmod(file.fileno(), stat.S_IMODE(os.stat(target).st_mode))


def _sync(file: BinaryIO) -> None:
    """Wait until the file is on the disk; a power failure leaves either the old or the new one."""
    file.flush()
    try:
        os.fsync(file.fileno())
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
