"""The journal of an unfinished result: the task, and which blocks are done.

It is a folder inside the unfinished result. Each process appends to a separate file, so several
processes or machines can work on one result. A block is noted after its files are on the disk. A
line that a power failure cut off is ignored.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO

from napari_sr.atomic_write import atomic_write

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FOLDER = ".napari-sr"
"""Name of the journal's folder inside a result; a finished result has none."""
_TASK = "task.json"
_RUN = "run"
"""Key of a task's entry that is different for every run."""
_SUFFIX = ".done"


class JournalError(ValueError):
    """A result cannot be resumed."""


class Journal:
    """The journal of one result.

    Parameters
    ----------
    result : Path
        Folder of the result.
    """

    def __init__(self, result: Path) -> None:
        self._result = result
        self._folder = result / FOLDER
        self._file: BinaryIO | None = None

    @property
    def exists(self) -> bool:
        """Whether the result is unfinished."""
        return (self._folder / _TASK).is_file()

    def begin(self, task: Mapping[str, Any]) -> None:
        """Write the task, so that other processes and later runs can read it.

        Raises
        ------
        OSError
            If the task cannot be written.
        """
        self._folder.mkdir(exist_ok=True)
        content = {**task, _RUN: secrets.token_hex(8)}
        with atomic_write(self._folder / _TASK) as file:
            file.write(json.dumps(content, indent=1).encode())

    def task(self) -> dict[str, Any]:
        """Return the task that `begin` wrote.

        Raises
        ------
        JournalError
            If there is no journal, or it is damaged.
        """
        try:
            found = json.loads(self.text())
        except ValueError as error:
            raise JournalError(
                f"{self._folder / _TASK} is damaged: start again with --overwrite ({error})"
            ) from error
        if not isinstance(found, dict):
            raise JournalError(f"{self._folder / _TASK} is damaged: start again with --overwrite")
        found.pop(_RUN, None)
        return found

    def text(self) -> bytes:
        """Return the task's stored text, which is different for every run.

        Raises
        ------
        JournalError
            If there is no journal.
        """
        try:
            return (self._folder / _TASK).read_bytes()
        except FileNotFoundError as error:
            raise JournalError(
                f"{self._result} holds no unfinished result that could be resumed"
            ) from error

    def add(self, number: int, mark: str = "") -> None:
        """Note that a block is done; return when the note is on the disk.

        Parameters
        ----------
        number : int
            The block's number.
        mark : str
            A hash of the pixels that the block was computed from, without spaces; "" for none.

        Raises
        ------
        OSError
            If the note cannot be written.
        """
        if self._file is None:
            name = f"{os.getpid()}-{secrets.token_hex(8)}{_SUFFIX}"
            self._file = (self._folder / name).open("xb", buffering=0)
            sync_folder(self._folder)
        self._file.write(_line(number, mark))
        os.fsync(self._file.fileno())

    def done(self) -> set[int]:
        """Return the indices of all blocks that are done."""
        return set(self.marks())

    def marks(self) -> dict[int, str]:
        """Return the mark of each block that is done, by the block's number; see `add`."""
        found: dict[int, str] = {}
        for path in self._folder.glob(f"*{_SUFFIX}"):
            found.update(_marks(path.read_bytes()))
        return found

    def close(self) -> None:
        """Close this process's file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def remove(self) -> None:
        """Remove the journal, because the result is finished."""
        self.close()
        with suppress(FileNotFoundError):
            (self._folder / _TASK).unlink()  # first: without the task, the result is finished
            shutil.rmtree(self._folder)


def _line(number: int, mark: str) -> bytes:
    text = f"{number} {mark}" if mark else str(number)
    return f"{text} {zlib.crc32(text.encode()):08x}\n".encode()


def _marks(content: bytes) -> Iterator[tuple[int, str]]:
    """Yield number and mark of each complete line."""
    for line in content.splitlines(keepends=True):
        words = line.decode("ascii", "replace").split(" ")
        mark = words[1] if len(words) == 3 else ""
        if words[0].isdigit() and line == _line(int(words[0]), mark):
            yield int(words[0]), mark


def differences(before: Mapping[str, Any], now: Mapping[str, Any], at: str = "") -> list[str]:
    """Describe each entry in which two tasks differ."""
    told = []
    for key in sorted({*before, *now}):
        old, new = before.get(key), now.get(key)
        name = f"{at}{key}"
        if isinstance(old, dict) and isinstance(new, dict):
            told += differences(old, new, f"{name}.")
        elif old != new:
            told.append(f"{name} was {_short(old)} and is {_short(new)}")
    return told


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names of new files in a folder, if the system supports this."""
    if os.name == "nt":
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
