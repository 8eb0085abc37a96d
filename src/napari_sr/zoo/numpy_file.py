"""Read NumPy's .npz, a zip archive of arrays. Each header is checked before values are read."""

from __future__ import annotations

import io
import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_sr.zoo.limits import BROKEN, RefusedError, first_line
from napari_sr.zoo.stored_tensor import StoredTensor

if TYPE_CHECKING:
    from torch import Tensor

    from napari_sr.zoo.zip_archive import ZipArchive

SUFFIX = ".npy"
LONGEST_HEADER = 10_000
"""Largest header in characters; Python's expression parser is not safe for longer texts from
unknown sources."""
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npz(archive: ZipArchive) -> dict[str, StoredTensor]:
    """Return the arrays of an archive by name.

    Raises
    ------
    RefusedError
        If an entry is not an array of numbers, or its header does not fit its size.
    """
    return {
        name.removesuffix(SUFFIX): _entry(archive, name)
        for name in archive.names
        if name.endswith(SUFFIX)
    }


def _entry(archive: ZipArchive, name: str) -> StoredTensor:
    try:
        return _stored(archive, name)
    except RefusedError:
        raise
    except BROKEN as error:
        raise RefusedError(
            f"is not a checkpoint: its entry {name.removesuffix(SUFFIX)!r} cannot be read as "
            f"numbers ({first_line(error)})"
        ) from error


def _stored(archive: ZipArchive, name: str) -> StoredTensor:
    file = io.BytesIO(archive.read(name))
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"its format must be one of {list(_HEADERS)}, got {version}")
    read_header: Any = _HEADERS[version]
    shape, by_columns, dtype = read_header(file, max_header_size=LONGEST_HEADER)
    start = file.tell()
    needed = math.prod(shape) * dtype.itemsize
    held = archive.size_of(name) - start
    if dtype.hasobject or dtype.kind not in "biufc":
        raise ValueError(f"its values must be numbers, got {dtype}")
    if min(shape, default=0) < 0 or needed != held:
        raise ValueError(f"its header requires {needed} bytes, but {held} follow")
    like = torch.from_numpy(np.empty(0, dtype.newbyteorder("=")))  # raises for unsupported types
    read = partial(_values, archive, name, start, (shape, by_columns, dtype))
    return StoredTensor(tuple(shape), like.dtype, read)


def _values(archive: ZipArchive, name: str, start: int, header: tuple[Any, bool, Any]) -> Tensor:
    shape, by_columns, dtype = header
    flat = np.frombuffer(archive.read(name), dtype, offset=start)
    array = flat.reshape(shape, order="F" if by_columns else "C")
    return torch.from_numpy(np.array(array, dtype.newbyteorder("="), order="C"))
