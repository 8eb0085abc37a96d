"""Recognise a Zarr array when a run is resumed, and notice if the array was rewritten."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

FOLDERS = 2000
"""Largest number of folders whose entries are counted: the first ones in sorted order."""
FILES = 2000
"""Largest number of files, evenly spread, whose dates are read. 2,000 folders of 20 files took
0.13 s on a local disk, and one folder of 100,000 files 0.4 s."""


def identity_of(
    path: Path, document: bytes, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> dict[str, Any]:
    """Return JSON that differs between sources, and changes when a source is rewritten.

    Chunks are not read. Zarr renames files when it writes them, which changes their folder's date.
    For programs that change chunks in place, the dates of some files are compared, too.

    Parameters
    ----------
    path : Path
        The folder of the array.
    document : bytes
        Its metadata document.
    shape : tuple of int
        Its shape.
    dtype : numpy.dtype
        Its data type.
    """
    entries, newest = _entries(Path(os.path.realpath(path)))
    return {
        "path": os.path.realpath(path),
        "shape": list(shape),
        "dtype": dtype.name,
        "metadata": hashlib.sha256(document).hexdigest(),
        "entries": entries,
        "modified": newest,
    }


def _entries(path: Path) -> tuple[int, int]:
    """Return the number of entries below a folder, and the newest date in nanoseconds."""
    count, newest = 0, 0
    files: list[str] = []
    for number, folder in enumerate(_folders(path)):
        if number == FOLDERS:
            break
        with os.scandir(folder) as entries:
            names = sorted(entry.path for entry in entries)
        count += len(names)
        newest = max(newest, os.stat(folder).st_mtime_ns)
        files += names
    step = -(-len(files) // FILES) or 1
    dates = [os.stat(file).st_mtime_ns for file in files[::step]]
    return count, max([newest, *dates])


def _folders(path: Path) -> Iterator[str]:
    for folder, inner, _ in os.walk(path):
        inner.sort()
        yield folder
