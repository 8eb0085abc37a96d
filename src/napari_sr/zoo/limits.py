"""Limits on the content of a checkpoint file, which are checked before memory is allocated.

Tensors may take 16 times the file's size in float32, or 256 MiB if that is more, but never more
than 4 GiB. The limits also apply to expanded tensors and compressed files.
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
"""Tensors may always take this number of bytes in float32, even from a small file."""
GROWTH = 16
"""Largest size of the tensors in float32, relative to the file."""
MOST_BYTES = 4 << 30
"""Largest size of a file and of its tensors, in bytes."""
MOST_TENSORS = 10_000
"""Largest number of tensors; the largest published networks have about 3,000."""
MOST_STRUCTURE = 2 << 20
"""Largest pickle or JSON header in bytes; in memory it takes many times its size."""
LONGEST_AXIS = (1 << 31) - 1
"""Largest length of a tensor's axis."""

BROKEN = (
    RuntimeError, EOFError, ValueError, KeyError, TypeError, IndexError, AttributeError, NameError,
    OSError, MemoryError, ArithmeticError, AssertionError, ImportError, SyntaxError, struct.error,
    tokenize.TokenError, pickle.UnpicklingError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""The errors of damaged files; RecursionError and NotImplementedError are RuntimeErrors."""


class RefusedError(ValueError):
    """A file is refused. The message continues a sentence that begins with the file's name."""


def bytes_allowed(file_bytes: int) -> int:
    """Return the largest allowed size of a file's tensors in float32, in bytes."""
    return min(MOST_BYTES, max(LEAST_BYTES, GROWTH * file_bytes))


def check_file(file_bytes: int) -> None:
    """Check the size of a file.

    Raises
    ------
    RefusedError
        If the file is too large; the message names its size and the limit.
    """
    if file_bytes > MOST_BYTES:
        raise RefusedError(
            f"has {size_of(file_bytes)}: a checkpoint may have at most {size_of(MOST_BYTES)}"
        )


def check_unpacked(unpacked_bytes: int, file_bytes: int) -> None:
    """Check the unpacked size of a compressed file.

    Raises
    ------
    RefusedError
        If its content is too large; the message names both sizes and the limit.
    """
    if unpacked_bytes > bytes_allowed(file_bytes):
        raise RefusedError(
            f"is not a checkpoint: its {size_of(file_bytes)} unpack to {size_of(unpacked_bytes)}, "
            f"but only {size_of(bytes_allowed(file_bytes))} are allowed for a file of this size"
        )


def check_tensors(shapes: Iterable[tuple[str, tuple[int, ...]]], file_bytes: int) -> None:
    """Check the number and the total size of tensors.

    Parameters
    ----------
    shapes : iterable of (str, tuple of int)
        Key and shape of each tensor.
    file_bytes : int
        Size of the file.

    Raises
    ------
    RefusedError
        If a limit is exceeded; the message names the first tensor beyond it.
    """
    allowed, total = bytes_allowed(file_bytes), 0
    for count, (key, shape) in enumerate(shapes, start=1):
        if count > MOST_TENSORS:
            raise RefusedError(
                f"is not a checkpoint: it contains more than {MOST_TENSORS:,} tensors"
            )
        # a tensor with an axis of length 0 is empty, but its other axes may still determine the
        # size of a network
        needed = 4 * math.prod(size or 1 for size in shape)
        total += needed
        if total > allowed or max(shape, default=0) > LONGEST_AXIS:
            raise RefusedError(
                f"is not a checkpoint: its tensors take {size_of(total)} or more in float32 "
                f"({key!r} is {_times(shape)}), but only {size_of(allowed)} are allowed for a file "
                f"of {size_of(file_bytes)}"
            )


def size_of(count: int) -> str:
    """Return a number of bytes as text: "1.4 MiB"."""
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
