"""The journal of a folder of results: how each was computed, to compute no result twice.

It is a file of JSON lines with checksums. One line is written before a result is begun, and another
one after the result is finished. A line that a power failure cut off is ignored.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from napari_sr.files.image import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FOLDER = ".napari-sr"
"""Name of the journal's folder inside the folder of results."""
_FILE = "results.jsonl"
_LOCK = "lock"

Stamp = tuple[int, int, int] | None
"""Size, date and inode number of a file or folder; None if it does not exist."""


@dataclass(frozen=True)
class Entry:
    """The journal's information on one result."""

    begun: Mapping[str, Any]
    """Key (source, model and settings) of the last run that began the result."""
    before: Stamp
    """Stamp of the result's file before that run."""
    done: Mapping[str, Any] | None
    """Key of the last run that finished the result, or None."""
    open: bool
    """Whether the last run began the result, but did not note that it is finished."""

    def made(self, now: Stamp) -> Mapping[str, Any] | None:
        """Return the key of the run that wrote the current file of the result.

        A result's file appears only when it is complete. So if the file changed during a run that
        was killed later, that run had finished this result.

        Parameters
        ----------
        now : Stamp
            Stamp of the current file.
        """
        return self.begun if self.open and now != self.before else self.done


class FolderJournal:
    """The journal of a folder of results, while one run has it open.

    Parameters
    ----------
    out : Path
        Folder of the results.
    file : file
        The journal's file, open for reading and appending.
    """

    def __init__(self, out: Path, file: BinaryIO) -> None:
        self._out = out
        self._file = file
        self._runs: dict[str, Mapping[str, Any]] = {}
        self._entries: dict[str, Entry] = {}
        file.seek(0)
        torn = False
        for line in file:
            torn = not line.endswith(b"\n")
            self._take(_content(line))
        if torn:
            file.write(b"\n")

    def entry(self, name: str) -> Entry | None:
        """Return the entry of a result, or None if no run began it.

        Parameters
        ----------
        name : str
            Path of the result below the folder, with slashes.
        """
        return self._entries.get(name)

    def begin(self, name: str, source: Mapping[str, Any], run: Mapping[str, Any]) -> None:
        """Note that a run begins a result; return when the note is on the disk.

        Parameters
        ----------
        name : str
            Path of the result below the folder, with slashes.
        source : mapping
            Identity of the source, as JSON.
        run : mapping
            Model and settings, which all results of a run share, as JSON.

        Raises
        ------
        OSError
            If the journal cannot be written.
        """
        number = hashlib.sha256(json.dumps(run, sort_keys=True).encode()).hexdigest()[:16]
        if number not in self._runs:
            self._add({"run": number, "is": run})
        before = stamp_of(self._out / name)
        self._add({"begun": name, "source": source, "run": number, "before": before})

    def done(self, name: str) -> None:
        """Note that a result is finished.

        Raises
        ------
        OSError
            If the journal cannot be written.
        """
        self._add({"done": name})

    def _add(self, content: Mapping[str, Any]) -> None:
        self._file.write(_line(content))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._take(content)

    def _take(self, content: Mapping[str, Any]) -> None:
        """Update the entries with a line of the journal."""
        if "is" in content:
            self._runs[content["run"]] = content["is"]
        elif "begun" in content and content["run"] in self._runs:
            name, run = content["begun"], self._runs[content["run"]]
            old, stamp = self._entries.get(name), content["before"]
            before = None if stamp is None else (stamp[0], stamp[1], stamp[2])
            key = {"source": content["source"], **run}
            done = None if old is None or before is None else old.made(before)
            self._entries[name] = Entry(key, before, done, open=True)
        elif "done" in content and content["done"] in self._entries:
            last = self._entries[content["done"]]
            self._entries[content["done"]] = Entry(last.begun, last.before, last.begun, open=False)


@contextmanager
def journal_of(out: Path) -> Iterator[FolderJournal]:
    """Open the journal of a folder of results, and lock it against other runs.

    Parameters
    ----------
    out : Path
        The folder, which exists.

    Raises
    ------
    FileError
        If another run writes into the folder.
    OSError
        If the journal cannot be written.
    """
    from filelock import FileLock, Timeout

    folder = out / FOLDER
    folder.mkdir(exist_ok=True)
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise FileError(
            f"another run writes into {out}: wait until it has ended, or give another folder (if "
            f"no other run exists, remove {folder / _LOCK})"
        ) from error
    try:
        with (folder / _FILE).open("a+b") as file:
            yield FolderJournal(out, file)
    finally:
        lock.release()


def stamp_of(path: Path) -> Stamp:
    """Return a stamp that changes when the file or OME-Zarr at a path is replaced."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def _line(content: Mapping[str, Any]) -> bytes:
    text = json.dumps(content, sort_keys=True).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _content(line: bytes) -> Mapping[str, Any]:
    """Return the content of a line; {} if the line is incomplete."""
    text = line[9:].rstrip(b"\n")
    if line[:9] != b"%08x " % zlib.crc32(text):
        return {}
    found: Mapping[str, Any] = json.loads(text)
    return found
