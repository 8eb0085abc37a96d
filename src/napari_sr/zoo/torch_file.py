"""Read files of `torch.save`: a zip archive or, before PyTorch 1.6, pickles followed by values.

Both contain a pickle that lists the tensors; see `torch_pickle`. Values are read only when they are
used.
"""

from __future__ import annotations

import sys
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from napari_sr.zoo.limits import RefusedError
from napari_sr.zoo.stored_tensor import StoredTensor, Unusable
from napari_sr.zoo.torch_pickle import read_pickle
from napari_sr.zoo.torch_records import PickledTensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from napari_sr.zoo.zip_archive import ZipArchive

    _Block: TypeAlias = Callable[[str, int], Tensor]

PICKLE = "/data.pkl"
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_WORDS = {2: np.uint16, 4: np.uint32, 8: np.uint64}
"""Integer types by their width in bytes, for swapping the byte order."""


def pickles_in(names: list[str]) -> list[str]:
    """Return the names of the pickles in a zip archive; a checkpoint has one."""
    return [name for name in names if name.endswith(PICKLE) and name.count("/") == 1]


def read_torch_zip(archive: ZipArchive) -> Any:
    """Return the content of an archive of `torch.save`, with tensors as `StoredTensor`.

    Raises
    ------
    RefusedError
        If the file is a program, contains anything but tensors, or lacks a part.
    pickle.UnpicklingError, ValueError, and other errors of readers
        If it is damaged.
    """
    names = archive.names
    pickle, *more = pickles_in(names)
    folder = pickle.removesuffix(PICKLE)
    if f"{folder}/constants.pkl" in names:
        raise RefusedError(
            "is a TorchScript program, not a checkpoint: save its state_dict instead"
        )
    if more:
        raise RefusedError(
            f"is not a checkpoint: it contains two pickles, {pickle!r} and {more[0]!r}"
        )
    content, _ = read_pickle(archive.read(pickle))
    order = archive.read(f"{folder}/byteorder") if f"{folder}/byteorder" in names else b"little"
    if order not in (b"little", b"big"):
        raise ValueError(f"its byte order must be 'little' or 'big', got {order[:12]!r}")

    swapped = order.decode() != sys.byteorder

    @cache
    def block(key: str, width: int) -> Tensor:
        values = archive.read(f"{folder}/data/{key}")
        if swapped and width > 1:
            whole = values[: len(values) // width * width]
            values = np.frombuffer(whole, _WORDS[width]).byteswap().tobytes()
        return _as_bytes(values)

    return _with_values(content, block, lambda key: archive.size_of(f"{folder}/data/{key}"))


def read_torch_legacy(data: bytes) -> Any:
    """Return the content of a file of PyTorch before 1.6, with tensors as `StoredTensor`.

    Raises
    ------
    RefusedError
        If it contains anything but tensors.
    pickle.UnpicklingError, ValueError, and other errors of readers
        If it is damaged.
    """
    at, parts = 0, []
    for wanted in (_MAGIC, _PROTOCOL, None, None, None):  # the third pickle describes the machine
        part, at = read_pickle(data, at)
        if wanted not in (None, part):
            raise ValueError("it is a pickle that torch.save did not write")
        parts.append(part)
    content, keys = parts[3:]
    blocks: dict[str, memoryview] = {}
    widths = _widths(content)
    for key in map(str, keys):
        count = int.from_bytes(data[at : at + 8], "little", signed=True)
        start, at = at + 8, at + 8 + count * widths[key]
        if not start <= at <= len(data):
            raise EOFError(f"the values of block {key} are cut off")
        blocks[key] = memoryview(data)[start:at]

    @cache
    def block(key: str, width: int) -> Tensor:
        return _as_bytes(blocks[key])

    return _with_values(content, block, lambda key: len(blocks[key]))


def _widths(content: Any) -> dict[str, int]:
    """Return the number of bytes per element, by the key of a block of values."""
    found: dict[str, int] = {}
    pending = [content]
    seen: set[int] = set()
    while pending:
        value = pending.pop()
        if isinstance(value, PickledTensor):
            found[value.storage.key] = (value.storage.dtype or torch.uint8).itemsize
        elif isinstance(value, dict | list | tuple) and id(value) not in seen:
            seen.add(id(value))
            pending.extend(value.values() if isinstance(value, dict) else value)
    return found


def _with_values(content: Any, block: _Block, size_of: Callable[[str], int]) -> Any:
    """Return the content with a `StoredTensor` in place of each tensor, also in nested dicts."""
    done: dict[int, dict[Any, Any]] = {}

    def converted(value: Any) -> Any:
        if isinstance(value, PickledTensor):
            return _stored(value, block, size_of)
        if not isinstance(value, dict):
            return value
        if id(value) not in done:
            done[id(value)] = {}
            done[id(value)].update((key, converted(one)) for key, one in value.items())
        return done[id(value)]

    return converted(content)


def _stored(
    tensor: PickledTensor, block: _Block, size_of: Callable[[str], int]
) -> StoredTensor | Unusable:
    """Return a tensor after checking that it lies within its block.

    Raises
    ------
    ValueError
        If the tensor does not lie within its block.
    """
    storage = tensor.storage
    width = (storage.dtype or torch.uint8).itemsize
    first, last = storage.shift * width, (storage.shift + storage.size) * width
    reach = sum((size - 1) * step for size, step in zip(tensor.shape, tensor.stride, strict=True))
    end = first + (tensor.offset + reach + 1) * tensor.dtype.itemsize
    empty = 0 in tensor.shape
    if last > size_of(storage.key) or (end > last and not empty):
        raise ValueError(
            f"a tensor of {tensor.shape} needs {max(end, last)} bytes of block {storage.key}, "
            f"which has {size_of(storage.key)}"
        )
    return StoredTensor(tensor.shape, tensor.dtype, partial(_values, tensor, block, first, width))


def _values(tensor: PickledTensor, block: _Block, first: int, width: int) -> Tensor:
    if 0 in tensor.shape:
        return torch.empty(tensor.shape, dtype=tensor.dtype)
    count = tensor.storage.size * width // tensor.dtype.itemsize * tensor.dtype.itemsize
    raw = block(tensor.storage.key, tensor.dtype.itemsize)[first : first + count]
    # the storage may start after the first element of its block
    flat = raw.view(tensor.dtype)
    return flat.as_strided(tensor.shape, tensor.stride, flat.storage_offset() + tensor.offset)


def _as_bytes(values: bytes | memoryview) -> Tensor:
    return torch.frombuffer(bytearray(values), dtype=torch.uint8)
