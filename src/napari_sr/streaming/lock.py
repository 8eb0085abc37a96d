"""A lock on an unfinished result, so that two commands do not both write into it by accident."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from napari_sr.files.image import FileError
from napari_sr.streaming.journal import FOLDER

if TYPE_CHECKING:
    from pathlib import Path

_NAME = "lock"


class Lock:
    """A lock that is released when the process and all workers that inherit it have ended.

    Windows and some network file systems have no such locks; results on them are not protected.

    Parameters
    ----------
    shared : bool
        Whether several commands may hold the lock at once, as parts of a job array do.
    """

    def __init__(self, *, shared: bool = False) -> None:
        self._shared = shared
        self._handle: int | None = None

    @property
    def handles(self) -> tuple[int, ...]:
        """Handles of open files that a worker must inherit."""
        return () if self._handle is None else (self._handle,)

    def take(self, result: Path) -> None:
        """Take the lock of a result that has a journal; release the lock held before.

        Raises
        ------
        FileError
            If another process holds the lock.
        OSError
            If the journal is missing or cannot be written.
        """
        self.release()
        if os.name == "nt":
            return
        import fcntl

        handle = os.open(result / FOLDER / _NAME, os.O_RDWR | os.O_CREAT, 0o666)
        kind = fcntl.LOCK_SH if self._shared else fcntl.LOCK_EX
        try:
            with suppress(OSError):  # some network file systems have no locks
                try:
                    fcntl.flock(handle, kind | fcntl.LOCK_NB)
                except BlockingIOError as error:
                    raise FileError(
                        f"another process is writing {result}: wait until it has ended"
                    ) from error
        except FileError:
            os.close(handle)
            raise
        self._handle = handle

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
