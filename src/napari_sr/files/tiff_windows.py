"""Read the stored pixels of a TIFF, window by window: only strips or tiles that a window touches.

Files are opened again for each window, so that several threads can read, and changed files are
noticed. Uncompressed pixels are read directly, compressed pixels with tifffile's decoder.

Symbols, as in tifffile's `TiffPage.shaped`: S samples stored as separate planes, D depth, H x W
pixels, C samples stored side by side.
"""

from __future__ import annotations

import itertools
import math
import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from napari_sr.files.decoded_pieces import DecodedPieces
from napari_sr.files.image import FileError
from napari_sr.files.raw_block import fill, read_block
from napari_sr.files.windows import Window, lengths
from napari_sr.files.ycbcr import JPEG

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_sr.files.tiff_series import Chosen


@dataclass(frozen=True)
class _Page:
    path: Path
    offsets: tuple[int, ...]
    counts: tuple[int, ...]
    tables: bytes | None


class StoredPixels:
    """The pixels of a TIFF's image, as they are stored.

    Parameters
    ----------
    chosen : Chosen
        The image; its file may be closed afterwards.

    Raises
    ------
    FileError
        If the image can only be read whole.
    """

    def __init__(self, chosen: Chosen) -> None:
        series, pages, key = chosen.series, chosen.pages(), chosen.series.keyframe
        self.shape = tuple(int(size) for size in series.shape)
        self.dtype = series.dtype.newbyteorder("=")
        self._stored = series.dtype.newbyteorder(key.parent.byteorder)
        self._shaped = tuple(int(size) for size in key.shaped)
        self._pages = [_page(page, key) for page in pages]
        self._stamps = {page.path: _stamp(os.stat(page.path)) for page in self._pages}
        self._offset = None if series.is_multifile else series.dataoffset
        self._raw = key.is_final
        self._decode = key.decode
        self._nodata: Any = key.nodata
        self._piece = _piece(key)
        self._decoded = DecodedPieces()
        found = _axes_of_pages(self.shape, self._shaped, len(pages))
        if (found is None and self._offset is None) or key.jpegheader is not None:
            raise FileError(
                f"{chosen.file.filename} is a TIFF of a kind that can only be read whole"
            )
        self._loops, self._five = found or ((), ())
        self.numbered = found is not None
        self._numbers = np.arange(len(pages)).reshape([self.shape[axis] for axis in self._loops])

    @property
    def paths(self) -> list[Path]:
        """The files that hold the pixels."""
        return list(self._stamps)

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """Shape of chunks that are decoded as a whole; None if all windows are equally fast."""
        if self._offset is not None or self._raw:
            return None
        sizes = dict(zip(self._five, (1, *self._piece, self._shaped[4]), strict=True))
        return tuple(sizes.get(axis, 1) for axis in range(len(self.shape)))

    def pages_of(self, window: Window) -> list[int]:
        """Return the indices of the pages that a window touches."""
        return [int(i) for i in self._numbers[tuple(window[axis] for axis in self._loops)].flat]

    def read(self, window: Window) -> NDArray[Any]:
        """Read a window.

        Parameters
        ----------
        window : tuple of slice
            One slice for each axis, with start and stop within the array.

        Raises
        ------
        FileError
            If the file has changed since it was opened.
        ValueError, OSError and others
            If the file is damaged or cannot be read; see `tiff_series.UNREADABLE`.
        """
        with ExitStack() as stack:
            files: dict[Path, BinaryIO] = {}
            if self._offset is not None:
                file = self._open(self._pages[0].path, files, stack)
                pixels = read_block(file, self._offset, self.shape, window, self._stored)
                return pixels.astype(self.dtype, copy=False)
            result = np.empty(lengths(window), self.dtype)
            five = tuple(slice(0, 1) if axis is None else window[axis] for axis in self._five)
            planes = result.reshape(-1, *lengths(five))
            for plane, number in zip(planes, self.pages_of(window), strict=True):
                self._read_page(number, plane, five, files, stack)
        return result

    def _open(self, path: Path, files: dict[Path, BinaryIO], stack: ExitStack) -> BinaryIO:
        if path not in files:
            files[path] = stack.enter_context(path.open("rb", buffering=0))
            if _stamp(os.fstat(files[path].fileno())) != self._stamps[path]:
                raise FileError(f"{path} has changed since it was opened")
        return files[path]

    def _read_page(
        self,
        number: int,
        plane: NDArray[Any],
        five: Window,
        files: dict[Path, BinaryIO],
        stack: ExitStack,
    ) -> None:
        page = self._pages[number]
        file = self._open(page.path, files, stack)
        if self._raw:
            plane[...] = read_block(file, page.offsets[0], self._shaped, five, self._stored)
            return
        for index, origin in self._touched(five):
            _copy(self._segment(number, index, file), origin, self._piece, plane, five)

    def _touched(self, five: Window) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Yield the number and the first pixel (S, D, H, W) of each strip or tile in a window."""
        counts = [-(-n // size) for n, size in zip(self._shaped[1:4], self._piece, strict=True)]
        ranges = [
            range(part.start // size, (part.stop - 1) // size + 1)
            for part, size in zip(five[1:4], self._piece, strict=True)
        ]
        for sample, *place in itertools.product(range(five[0].start, five[0].stop), *ranges):
            index = sample
            for position, count in zip(place, counts, strict=True):
                index = index * count + position
            yield index, (sample, *(i * n for i, n in zip(place, self._piece, strict=True)))

    def _segment(self, number: int, index: int, file: BinaryIO) -> Any:
        """Return a decoded strip or tile (D, H, W, C), or the value of an empty one."""
        page = self._pages[number]
        if not page.counts[index] or not page.offsets[index]:
            return self._nodata
        kept = self._decoded.get((number, index))
        if kept is not None:
            return kept
        content = bytearray(page.counts[index])
        file.seek(page.offsets[index])
        fill(file, memoryview(content))
        options = {} if page.tables is None else {"jpegtables": page.tables}
        piece: NDArray[Any] = np.asarray(self._decode(bytes(content), index, **options)[0])
        self._decoded.put((number, index), piece)
        return piece


def _page(page: Any, key: Any) -> _Page:
    tables = page.jpegtables if key.compression in JPEG else None
    path = Path(page.parent.filehandle.path)
    return _Page(path, tuple(page.dataoffsets), tuple(page.databytecounts), tables)


def _stamp(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


def _piece(key: Any) -> tuple[int, int, int]:
    """Return the shape (D, H, W) of a strip or tile."""
    if key.is_tiled:
        return int(key.tiledepth), int(key.tilelength), int(key.tilewidth)
    return 1, int(min(key.rowsperstrip, key.imagelength)), int(key.imagewidth)


def _axes_of_pages(
    shape: Sequence[int], shaped: Sequence[int], pages: int
) -> tuple[tuple[int, ...], tuple[int | None, ...]] | None:
    """Return two tuples of axes of `shape`: axes that count pages, and axes along those of a page.

    The second has an axis for each of S, D, H, W and C.

    Axes of length 1 are missing in the first tuple, and None in the second. Return None instead if
    the shape does not fit the pages.
    """
    axes = [axis for axis, size in enumerate(shape) if size != 1]
    inner = [place for place, size in enumerate(shaped) if size != 1]
    loops, within = axes[: len(axes) - len(inner)], axes[len(axes) - len(inner) :]
    fits = [shape[axis] for axis in within] == [shaped[place] for place in inner]
    if not fits or math.prod(shape[axis] for axis in loops) != pages:
        return None
    found = dict(zip(inner, within, strict=True))
    return tuple(loops), tuple(found.get(place) for place in range(len(shaped)))


def _copy(
    piece: Any, origin: Sequence[int], size: Sequence[int],
    plane: NDArray[Any], window: Window,
) -> None:  # fmt: skip
    """Copy a piece (D, H, W, C), or a number, into a window (S, D, H, W, C) where they overlap."""
    starts = [max(o, part.start) for o, part in zip(origin[1:], window[1:4], strict=True)]
    stops = [
        min(o + n, part.stop) for o, n, part in zip(origin[1:], size, window[1:4], strict=True)
    ]
    ends = list(zip(starts, stops, strict=True))
    to = tuple(slice(a - p.start, b - p.start) for (a, b), p in zip(ends, window[1:4], strict=True))
    target = plane[(origin[0] - window[0].start, *to)]
    if isinstance(piece, np.ndarray):
        at = tuple(slice(a - o, b - o) for (a, b), o in zip(ends, origin[1:], strict=True))
        target[...] = piece[(*at, window[4])]
    else:
        target[...] = piece
