"""Compare a TIFF's claimed size with its bytes and with free memory, before reading it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from napari_sr.files import room

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import tifffile

EXPANSION = {1: 1, 32773: 64, 5: 1_400, 8: 1_033, 32946: 1_033}
"""Largest number of bytes to which one stored byte can expand, by compression number."""


def check_stored(series: tifffile.TiffPageSeries, pages: Sequence[Any]) -> None:
    """Check that all pixels of an image are in the file.

    Parameters
    ----------
    series : tifffile.TiffPageSeries
        The image.
    pages : sequence of tifffile.TiffPage or tifffile.TiffFrame
        Its pages, perhaps in several files.

    Raises
    ------
    ValueError
        If pixels would be beyond the end of a file, or the file is too small for them.
    """
    key = series.keyframe
    needed = math.prod(series.shape) * series.dtype.itemsize
    if key.is_contiguous and not all(page.dataoffsets[0] for page in pages):
        raise ValueError(f"it must hold {needed} bytes of pixels, but stores none")
    for page in pages:
        _check_end(key, page)
    if not key.is_contiguous:
        _check_segments(key, pages)
        _check_expansion(key, pages)


def check_memory(series: tifffile.TiffPageSeries) -> None:
    """Check that the pixels of an image fit into memory.

    Raises
    ------
    MemoryError
        If they do not fit; the message names the needed and the free memory.
    """
    if lack := room.lacking(math.prod(series.shape) * series.dtype.itemsize):
        raise MemoryError(f"its pixels of shape {series.shape} need {lack}")


def empty(pages: Sequence[Any]) -> Iterator[str]:
    """Yield a note on empty strips or tiles; all their pixels are read as the same value.

    Parameters
    ----------
    pages : sequence of tifffile.TiffPage or tifffile.TiffFrame
        The pages of an image.
    """
    counts = [count for page in pages for count in page.databytecounts]
    if missing := counts.count(0):
        yield (
            f"{missing} of its {len(counts)} strips or tiles are empty: they are read as "
            f"{pages[0].keyframe.nodata}"
        )


def _check_end(key: Any, page: Any) -> None:
    size = page.parent.filehandle.size
    segments = zip(page.dataoffsets, page.databytecounts, strict=False)
    end = max((start + count for start, count in segments), default=0)
    if key.is_contiguous:
        end = max(end, page.dataoffsets[0] + key.nbytes)
    if end > size:
        raise ValueError(
            f"its pixels should end at byte {end}, but the file ends at byte {size}: it is cut off"
        )


def _check_segments(key: Any, pages: Sequence[Any]) -> None:
    """Refuse pages with missing strips or tiles, which tifffile would fill with zeros."""
    needed, least = math.prod(key.chunked), min(len(page.dataoffsets) for page in pages)
    if least < needed:
        raise ValueError(
            f"its page of shape {key.shape} needs {needed} strips or tiles, but has only {least}"
        )


def _check_expansion(key: Any, pages: Sequence[Any]) -> None:
    limit, bits = EXPANSION.get(int(key.compression)), key.bitspersample
    if limit is None or not isinstance(bits, int):
        return
    claimed = math.prod(key.shape) * bits // 8
    for page in pages:
        counts = page.databytecounts
        if 0 not in counts and claimed > limit * sum(counts) + 8 * len(counts):
            raise ValueError(
                f"its page of shape {key.shape} needs {claimed} bytes, but stores only "
                f"{sum(counts)}"
            )
