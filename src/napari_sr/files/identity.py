"""Recognise a source file when a run is resumed."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import DTypeLike

ENDS = 2**16
"""Number of bytes at the start and at the end of a file that are hashed."""


def identity_of(
    path: Path, shape: Sequence[int], dtype: DTypeLike, others: Iterable[Path] = ()
) -> dict[str, Any]:
    """Return path, size, date, hash, shape and data type of an image in a file, as JSON.

    Parameters
    ----------
    path : Path
        The file.
    shape : sequence of int
        Shape of the pixels that are read.
    dtype : data type
        Data type of the pixels that are read.
    others : iterable of Path
        Other files that hold parts of the same image.

    Raises
    ------
    OSError
        If a file cannot be read.
    """
    resolved = dict.fromkeys(other.resolve() for other in others)
    parts = [file_identity(one) for one in resolved if one != path.resolve()]
    found = {
        **file_identity(path),
        "shape": [int(size) for size in shape],
        "dtype": str(np.dtype(dtype)),
    }
    return found | ({"parts": parts} if parts else {})


def file_identity(path: Path) -> dict[str, Any]:
    """Return path, size, date, and a hash of both ends of a file, as JSON.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        digest = hashlib.sha256(file.read(ENDS))
        if status.st_size > ENDS:
            file.seek(max(ENDS, status.st_size - ENDS))
            digest.update(file.read(ENDS))
    return {
        "path": str(path.absolute()),
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "sha256_of_ends": digest.hexdigest(),
    }
