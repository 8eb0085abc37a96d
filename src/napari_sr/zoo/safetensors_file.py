"""Read safetensors files: a JSON header, and values. torch is imported only to read values."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from napari_sr.zoo.limits import MOST_STRUCTURE, MOST_TENSORS, RefusedError, size_of

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

LENGTH = 8
"""Number of bytes that store the header's length."""
_TYPES = {
    "F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL",
}  # fmt: skip
"""The supported types; the others are narrow floats that need separate scale factors."""


def read_safetensors(data: bytes) -> dict[str, Tensor]:
    """Return the tensors of a file by key.

    Raises
    ------
    RefusedError
        If the header is too long, or an element type is not supported.
    ValueError
        If it is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    header = header_of(data)
    tensors = {key: one for key, one in header.items() if key != "__metadata__"}
    if len(tensors) > MOST_TENSORS:
        raise RefusedError(f"is not a checkpoint: it contains more than {MOST_TENSORS:,} tensors")
    for key, one in tensors.items():
        kind = one.get("dtype") if isinstance(one, dict) else None
        if isinstance(kind, str) and kind not in _TYPES:
            raise RefusedError(f"is not a checkpoint: {key!r} has the unsupported type {kind[:12]}")
    try:
        return load(data)
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def header_of(data: bytes) -> dict[str, Any]:
    """Return a file's header from the file's first bytes.

    Raises
    ------
    RefusedError
        If the header is too long, or gives two tensors the same name.
    ValueError
        If it is damaged.
    """
    length = int.from_bytes(data[:LENGTH], "little")
    if length > MOST_STRUCTURE:
        raise RefusedError(
            f"is not a checkpoint: its header has {size_of(length)}, but at most "
            f"{size_of(MOST_STRUCTURE)} are allowed"
        )
    if len(data) < LENGTH + length:
        raise ValueError(
            f"its header needs {length} bytes, but only {max(len(data) - LENGTH, 0)} follow"
        )
    try:
        header = json.loads(data[LENGTH : LENGTH + length], object_pairs_hook=_once)
    except RecursionError as error:
        raise ValueError("its header is nested too deeply") from error
    if not isinstance(header, dict):
        raise ValueError(f"its header must be a table, got a {type(header).__name__}")
    return header


def values_in(path: Path) -> int | None:
    """Return the number of values in all tensors of a file, or None if it cannot be read.

    Only the header is read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(LENGTH)
            length = min(int.from_bytes(start, "little"), MOST_STRUCTURE)
            header = header_of(start + file.read(length))
        shapes = [one["shape"] for key, one in header.items() if key != "__metadata__"]
        return sum(math.prod(map(int, shape)) for shape in shapes)
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a dict from pairs; raise an error for repeated keys."""
    found = dict(pairs)
    if len(found) < len(pairs):
        (twice, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise RefusedError(f"is not a checkpoint: its header has the key {twice[:60]!r} twice")
    return found
