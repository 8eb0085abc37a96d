"""Choose the pages of a TIFF that form its first image; describe the other pages in notes.

Descriptions by tifffile, ImageJ or OME say how pages are arranged. Programs that crop or split a
file may leave an outdated description, which is recognised and ignored.
"""

from __future__ import annotations

import math
import struct
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import tifffile

from napari_sr.files import ome_parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_sr.files.tiff_chain import Chain

UNREADABLE = (
    OSError, ValueError, RuntimeError, KeyError, IndexError, TypeError, ArithmeticError,
    AssertionError, AttributeError, EOFError, MemoryError, struct.error,
)  # fmt: skip
"""Exceptions that tifffile and its codecs raise for broken files."""

_UNDESCRIBED: Any
# with the first two, for Micro-Manager, tifffile would open all named files and fill gaps with 0
_UNDESCRIBED = dict.fromkeys(("is_mmstack", "is_ndtiff", "is_shaped", "is_imagej", "is_ome"), False)
_ALL: Mapping[str, tuple[int, ...]] = MappingProxyType({})


@dataclass(frozen=True)
class Chosen:
    """The image to read: the open file, and the pages that form the image."""

    file: tifffile.TiffFile
    """The open file, with its metadata."""
    source: tifffile.TiffFile
    """The same file, opened again in the mode that reads its pixels."""
    series: tifffile.TiffPageSeries
    notes: tuple[str, ...] = ()
    kept: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: _ALL)
    """For an OME-TIFF with missing planes: the indices to read, by axis letter."""

    def pixels(self) -> NDArray[Any]:
        """Read the pixels; `tiff_limits.check_stored` must be called before."""
        return self.source.asarray(series=self.series)

    def pages(self) -> list[Any]:
        """Return the pages of the image."""
        return [page for page in self.series if page is not None]


@contextmanager
def opened(path: Path, chain: Chain) -> Iterator[Chosen]:
    """Open a TIFF and choose its first image.

    Parameters
    ----------
    path : Path
        The file.
    chain : Chain
        Its pages.

    Raises
    ------
    ValueError
        If it holds no image, is truncated, or names files that must not be read.
    """
    with tifffile.TiffFile(path, is_mmstack=False, is_ndtiff=False) as file:
        parts = ome_parts.checked(file.ome_metadata or "", path) if file.is_ome else None
        series = _described(file)
        if series and parts is not None and series[0].kind == "ome":
            present, kept, notes = ome_parts.present(series[0], parts)
            notes += (*_others(series), *_beyond(file, series, chain))
            yield Chosen(file, file, present, notes, kept)
        elif series and _fits(series, chain, file.filehandle.size):
            notes = (*_stale(file, series[0], chain, parts), *_others(series))
            yield Chosen(file, file, series[0], (*notes, *_beyond(file, series, chain)))
        else:
            with tifffile.TiffFile(path, **_UNDESCRIBED) as plain:
                alone = len(series) <= 1
                notes = tuple(_stale(file, plain.series[0], chain, parts)) if alone else ()
                yield Chosen(file, plain, plain.series[0], (*notes, *_others(plain.series)))


def _described(file: tifffile.TiffFile) -> Sequence[Any]:
    """Return the images that a description lists; none if the description is invalid."""
    try:
        return list(file.series)  # since tifffile 2026.11, they are read here, not above
    except UNREADABLE:
        return ()


def _fits(series: Sequence[Any], chain: Chain, size: int) -> bool:
    """Return whether the images' description is correct; if not, pages are read one by one."""
    alike = _alike(series)
    if not _describes(series[0], chain, size):
        return False
    # appended images that are alike form a stack, unless each is itself a stack with one page
    return len(alike) == 1 or any(len(list(one)) != _planes(one) for one in alike)


def _planes(series: Any) -> float:
    return float(math.prod(series.shape) / max(math.prod(series.keyframe.shape), 1))


def _alike(series: Sequence[Any]) -> list[Any]:
    """Return the first image and, if images were appended, all others of its shape and type."""
    first = series[0]
    if first.kind != "shaped":
        return [first]
    return [
        one
        for one in series
        if one.shape == first.shape and one.keyframe.hash == first.keyframe.hash
    ]


def _describes(series: Any, chain: Chain, size: int) -> bool:
    """Return whether a description fits the existing pages."""
    key, planes = series.keyframe, _planes(series)
    if series.kind not in ("shaped", "imagej"):
        return True
    try:
        pages = len(list(series))
    except IndexError:
        return False
    if pages == planes:
        return series.kind == "shaped" or pages == len(chain.offsets)
    if pages != 1 or not key.is_contiguous:
        return False
    start, end = key.dataoffsets[0], key.dataoffsets[0] + key.nbytes
    if start + math.prod(series.shape) * series.dtype.itemsize <= size:
        return len(chain.offsets) == 1 or series.is_truncated
    _check_stack_behind_page(key, end, size, planes)
    return False


def _check_stack_behind_page(key: Any, end: int, size: int, planes: float) -> None:
    """Raise an error if a stack of planes that all follow a single page is truncated.

    Writers of such stacks write the page (the tags) first, then the planes. A file with a single
    plane ends with this plane or with the page.
    """
    if key.offset < key.dataoffsets[0] and end < size:
        raise ValueError(
            f"its description lists {planes:g} planes, but only {(size - end) // key.nbytes + 1} "
            "are complete: it is cut off"
        )


def _stale(
    file: tifffile.TiffFile, series: Any, chain: Chain, parts: ome_parts.Parts | None
) -> Iterator[str]:
    """Yield a note on a description that does not fit the pages."""
    if parts is not None and parts.master is not None:
        yield f"it is a part of an image that {parts.master} describes; only this file is read"
    elif file.is_ome and series.kind != "ome":
        yield "its OME metadata do not fit its pages, which are read as they are stored"
    if file.is_imagej and series.kind != "imagej":
        told, pages = (file.imagej_metadata or {}).get("images", 1), len(chain.offsets)
        _check_imagej(file, told if isinstance(told, int) else 1, pages)
        yield (
            f"ImageJ's description lists {told} planes, but the file has {pages} "
            f"page{'s' * (pages != 1)}, which are read as they are stored"
        )


def _check_imagej(file: tifffile.TiffFile, claimed: int, pages: int) -> None:
    key: Any = file.pages.first
    size = file.filehandle.size
    if pages == 1 and claimed > 1 and key.is_contiguous:
        end = key.dataoffsets[0] + key.nbytes
        if key.dataoffsets[0] + claimed * key.nbytes > size:
            _check_stack_behind_page(key, end, size, claimed)


def _others(series: Sequence[Any]) -> Iterator[str]:
    """Yield notes on the images after the first, and on pyramid levels; they are not read."""
    if len(series) > 1:
        named = [repr(one.name) for one in series if one.name]
        shapes = [f"{one.dtype} {one.shape}" for one in series]
        if len(set(shapes)) == 1:
            shapes = [f"{one.keyframe.photometric.name} {one.shape}" for one in series]
        told = named if len(set(named)) == len(series) else shapes
        some = ", ".join(told[:4]) + ", ..." * (len(told) > 4)
        yield f"it holds {len(series)} images ({some}); only the first is read"
    if len(series[0].levels) > 1:
        yield "it holds smaller copies of the image, which are left out"


def _beyond(file: tifffile.TiffFile, series: Sequence[Any], chain: Chain) -> Iterator[str]:
    """Yield a note on pages that belong to none of the described images."""
    used = {
        page.offset
        for one in series
        for level in one.levels
        for page in level
        if page is not None and page.parent is file
    }
    if left := len(set(chain.offsets) - used):
        yield f"it holds {left} of {len(chain.offsets)} pages that no image uses: they are left out"
