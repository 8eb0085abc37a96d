"""Limits on what a checkpoint file may hold, checked before memory is allocated.

The tensors that are read may take 16 times the file's size in float32, 256 MiB in any case, and
never more than 4 GiB. Expanded tensors and compressed files cannot exceed that either.
"""

from __future__ import annotations

import math
import pickle
import struct
import tokenize
import zipfile
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LEAST_BYTES = 256 << 20
"""What the tensors of any file may take in float32, however small the file."""
GROWTH = 16
"""How many times larger than the file its tensors may be in float32."""
MOST_BYTES = 4 << 30
"""What no file and no file's tensors may exceed."""
MOST_TENSORS = 10_000
"""The largest published networks have some 3,000."""
MOST_STRUCTURE = 2 << 20
"""Bytes of a pickle or of a JSON header, which take many times their size in memory."""
LONGEST_AXIS = (1 << 31) - 1
"""Of a tensor."""

BROKEN = (
    RuntimeError, EOFError, ValueError, KeyError, TypeError, IndexError, AttributeError, NameError,
    OSError, MemoryError, ArithmeticError, AssertionError, ImportError, SyntaxError, struct.error,
    tokenize.TokenError, pickle.UnpicklingError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What readers of damaged files raise; RecursionError and NotImplementedError are RuntimeErrors."""


class RefusedError(ValueError):
    """Why a file is not read: the sentence that follows the file's name."""


def bytes_allowed(file_bytes: int) -> int:
    """Return how many bytes the tensors of a file of this size may take in float32."""
    return min(MOST_BYTES, max(LEAST_BYTES, GROWTH * file_bytes))


def check_file(file_bytes: int) -> None:
    """Refuse a file that is too large to be read.

    Raises
    ------
    RefusedError
        With its size and the limit.
    """
    if file_bytes > MOST_BYTES:
        raise RefusedError(
            f"is {size_of(file_bytes)} large: checkpoints of up to {size_of(MOST_BYTES)} are read"
        )


def check_unpacked(unpacked_bytes: int, file_bytes: int) -> None:
    """Refuse a compressed file that unpacks to more than it may.

    Raises
    ------
    RefusedError
        With both sizes and the limit.
    """
    if unpacked_bytes > bytes_allowed(file_bytes):
        raise RefusedError(
            f"is no checkpoint: its {size_of(file_bytes)} unpack to {size_of(unpacked_bytes)}, "
            f"and no more than {size_of(bytes_allowed(file_bytes))} are read of such a file"
        )


def check_tensors(shapes: Iterable[tuple[str, tuple[int, ...]]], file_bytes: int) -> None:
    """Refuse tensors that are too many or take too much memory.

    Parameters
    ----------
    shapes : iterable of (str, tuple of int)
        Key and shape of each tensor.
    file_bytes : int
        Size of the file.

    Raises
    ------
    RefusedError
        With the first tensor at which a limit is exceeded.
    """
    allowed, total = bytes_allowed(file_bytes), 0
    for count, (key, shape) in enumerate(shapes, start=1):
        if count > MOST_TENSORS:
            raise RefusedError(f"is no checkpoint: it holds more than {MOST_TENSORS:,} tensors")
        # an axis of none makes a tensor empty, and yet the others are sizes of a network
        needed = 4 * math.prod(size or 1 for size in shape)
        total += needed
        if total > allowed or max(shape, default=0) > LONGEST_AXIS:
            raise RefusedError(
                f"is no checkpoint: its tensors, of which {key!r} is {_times(shape)}, take "
                f"{size_of(total)} in float32 or more, and no more than {size_of(allowed)} are "
                f"read of a file of {size_of(file_bytes)}"
            )


def size_of(count: int) -> str:
    """Return a number of bytes in words: "1.4 MiB"."""
    if count < 1024:
        return f"{count} bytes"
    power = min((count.bit_length() - 1) // 10, 3)
    value = count / 1024**power
    digits = f"{value:.1f}" if value < 1e6 else f"{value:.1e}"
    return f"{digits} {('', 'KiB', 'MiB', 'GiB')[power]}"


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its type's name."""
    lines = str(error).strip().splitlines()
    return lines[0][:120] if lines else type(error).__name__


def _times(shape: tuple[int, ...]) -> str:
    shown = [str(size) if size < 10**20 else f"{size:.1e}" for size in shape[:8]]
    return " x ".join(shown) or "a number"
