"""Read windows of an array that is stored uncompressed, without mapping the file into memory.

Mapping has two disadvantages: if another program truncates the file, the process is killed; and
mapped pages count as memory in use.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from napari_sr.files.windows import Window, lengths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def read_block(
    file: BinaryIO, offset: int, shape: Sequence[int], window: Window, dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Read a window of an array in C order.

    Parameters
    ----------
    file : BinaryIO
        The file, open for reading.
    offset : int
        Position of the first value in the file, in bytes.
    shape : sequence of int
        Shape of the whole array.
    window : tuple of slice
        One slice for each axis, with start and stop within the array; not empty.
    dtype : data type
        Data type in the file, with its byte order.

    Raises
    ------
    EOFError
        If the file ends within the window.
    """
    block = np.empty(lengths(window), dtype)
    # the last axis along which the window is shorter than the array: values after it are contiguous
    cut = max((axis for axis, part in enumerate(window) if part.stop - part.start < shape[axis]),
              default=0)  # fmt: skip
    steps = [math.prod(shape[axis + 1 :]) * dtype.itemsize for axis in range(len(shape))]
    run = math.prod(block.shape[cut:]) * dtype.itemsize
    content: memoryview = block.reshape(-1).view(np.uint8).data
    first = offset + window[cut].start * steps[cut]
    outer = itertools.product(*(range(part.start, part.stop) for part in window[:cut]))
    for number, place in enumerate(outer):
        file.seek(first + sum(i * step for i, step in zip(place, steps, strict=False)))
        fill(file, content[number * run : (number + 1) * run])
    return block


def fill(file: BinaryIO, content: memoryview) -> None:
    """Read bytes until a buffer is full.

    Parameters
    ----------
    file : BinaryIO
        A file, open for reading. It may be unbuffered, so that one call reads only a part.
    content : memoryview
        The buffer.

    Raises
    ------
    EOFError
        If the file ends first.
    """
    done = 0
    while done < len(content):
        count = file.readinto(content[done:])  # type: ignore[attr-defined]
        if not count:
            raise EOFError(f"it is {len(content) - done} bytes too short for its pixels")
        done += count
