"""Zarr stores for two kinds of folders: to read from, and to write blocks into."""

from __future__ import annotations

import asyncio
import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from zarr.storage import LocalStore

from napari_sr.atomic_write import atomic_write

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from zarr.abc.store import ByteRequest
    from zarr.core.buffer import Buffer, BufferPrototype

METADATA = ("zarr.json", ".zarray", ".zattrs", ".zgroup")
"""Names of the files that hold metadata."""


class SourceStore(LocalStore):
    """A folder to read from: an empty file is an error, not a black shard."""

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Return the content of a file or a part of it; None if it is missing or must not be read.

        Raises
        ------
        OSError
            If the file cannot be read, or is empty.
        """
        if not self._reads(key):
            return None
        return _checked(key, await super().get(key, prototype, byte_range))

    def get_sync(
        self,
        key: str,
        *,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Do the same as `get`, in this thread."""
        if not self._reads(key):
            return None
        return _checked(key, super().get_sync(key, prototype=prototype, byte_range=byte_range))

    def _reads(self, key: str) -> bool:
        """Return whether a file may be read."""
        return True


def _checked(key: str, content: Buffer | None) -> Buffer | None:
    if content is not None and not len(content):
        raise OSError(errno.EIO, f"{key} is empty or ends early")
    return content


class BlockStore(SourceStore):
    """A folder that blocks are written into.

    A file gets its name only when its content is on the disk. Chunks are never read: otherwise,
    Zarr would read each shard before overwriting it, and fail if the shard is incomplete.
    """

    def _reads(self, key: str) -> bool:
        """Return whether a file may be read: metadata may, chunks may not."""
        return key.endswith(METADATA)

    async def set(self, key: str, value: Buffer) -> None:
        """Write a file, and wait until the disk has its content."""
        await asyncio.to_thread(self.set_sync, key, value)

    def set_sync(self, key: str, value: Buffer) -> None:
        """Do the same as `set`, in this thread."""
        self._check_writable()
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as file:
            file.write(value.as_buffer_like())


def sync_folders(files: Iterable[Path], root: Path, known: set[Path]) -> None:
    """Wait until the names of files, and of their folders below `root`, are on the disk.

    Windows cannot wait for folders; there, nothing is done.

    Parameters
    ----------
    files : iterable of Path
        Files that have just been written.
    root : Path
        The folder that contains all the files, at any depth.
    known : set of Path
        Folders whose names are already on the disk; the folders of `files` are added.
    """
    if os.name == "nt":
        return
    named = {file.parent for file in files}
    new = {
        folder
        for start in named
        for folder in (start, *start.parents)
        if root in folder.parents and folder not in known
    }
    for folder in sorted(named | {folder.parent for folder in new}):
        _sync_folder(folder)
    known |= new


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems cannot wait for folders
            os.fsync(handle)
    finally:
        os.close(handle)
