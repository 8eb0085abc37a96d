"""The pixels that each tile reads and keeps.

At an edge inside the image, a tile reads `halo` pixels more than it keeps, so that the edge does
not affect the kept pixels. At the border of the image, a tile reads no more than it keeps, because
the network's padding is correct there. An axis is cut evenly into as few tiles as the largest
length allows: all tiles have the same shape, the smallest possible for their number. The last tile
of a row is shifted inward. If this would break the alignment of tiles, the last tile is a little
shorter.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction


@dataclass(frozen=True)
class Span:
    """One tile along one axis, in LR pixels of the image or in cells."""

    read: slice
    """Pixels to read."""
    keep: slice
    """The part of `read` to write; the kept parts of all spans cover the axis exactly once."""


@dataclass(frozen=True)
class Region:
    """A rectangle of a plane, in LR pixels of the image."""

    rows: slice
    columns: slice

    def shrunk(self, radius: int, height: int, width: int) -> Region:
        """Return the region without a border of `radius` at edges inside the plane.

        Parameters
        ----------
        radius : int
            Width of the border in pixels.
        height, width : int
            Size of the plane in pixels.
        """
        return Region(_inner(self.rows, radius, height), _inner(self.columns, radius, width))

    def slices_in(self, outer: Region, scale: int | Fraction) -> tuple[slice, slice]:
        """Return this region's rows and columns in an array that contains only `outer`.

        The array is `scale` times larger than the image.
        """
        return _from(self.rows, outer.rows, scale), _from(self.columns, outer.columns, scale)

    def is_inside(self, other: Region) -> bool:
        """Return whether this region is part of another."""
        spans = ((self.rows, other.rows), (self.columns, other.columns))
        return all(a.start >= b.start and a.stop <= b.stop for a, b in spans)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    @property
    def spans(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """First row, the row after the last, and the same for columns."""
        return (self.rows.start, self.rows.stop), (self.columns.start, self.columns.stop)


def _inner(span: slice, radius: int, size: int) -> slice:
    start = span.start + radius if span.start > 0 else 0
    return slice(start, span.stop - radius if span.stop < size else size)


def _from(inner: slice, outer: slice, scale: int | Fraction) -> slice:
    return scaled(slice(inner.start - outer.start, inner.stop - outer.start), scale)


@dataclass(frozen=True)
class Tile:
    """One tile of a plane."""

    read: Region
    """Region to read."""
    keep: Region
    """The part of `read` to write; the kept parts of all tiles cover the plane exactly once."""

    @property
    def crop(self) -> Region:
        """The kept part, relative to the start of the tile."""
        return Region(*self.keep.slices_in(self.read, 1))


def scaled(span: slice, scale: int | Fraction) -> slice:
    """Convert a span of the image to a span of a plane that is `scale` times larger."""
    return slice(int(span.start * scale), int(span.stop * scale))


def least_tile(halo: int, multiple: int = 1) -> int:
    """Return the side of the smallest tile that keeps `multiple` pixels inside its halo."""
    step = -(-halo // multiple) * multiple
    return 2 * step + multiple


@lru_cache(maxsize=2**14)
def fitted(size: int, tile: int, halo: int, multiple: int = 1, least: int = 1) -> tuple[int, int]:
    """Return the length and the number of the tiles that an axis is cut into.

    Parameters
    ----------
    size, tile, halo, multiple, least
        As for `spans`.

    Returns
    -------
    length : int
        Number of LR pixels that every tile reads, at most `tile`.
    count : int
        Number of tiles.

    Raises
    ------
    ValueError
        If a tile would keep nothing.
    """
    if tile >= size:
        return size, 1
    tile = tile // multiple * multiple
    smallest = least_tile(halo, multiple)
    if tile < smallest:
        raise ValueError(
            f"a tile must be at least {smallest} px to keep anything inside a halo of {halo} px "
            f"on both sides, got {tile}"
        )
    count = _count(size, tile, halo, multiple)
    even = -(-(size + 2 * halo * (count - 1)) // count)
    length = min(max(-(-max(even, least) // multiple) * multiple, smallest), tile)
    while length < tile and _count(size, length, halo, multiple) > count:
        length += multiple
    return length, _count(size, length, halo, multiple)


def _count(size: int, tile: int, halo: int, multiple: int) -> int:
    """Return how many tiles of one length an axis needs, if it needs more than one."""
    step = (tile - 2 * halo) // multiple * multiple
    last = -(-(size - tile) // multiple) * multiple
    return 1 + -(-last // step)


def spans(size: int, tile: int, halo: int, multiple: int = 1, least: int = 1) -> list[Span]:
    """Cut one axis into tiles.

    Parameters
    ----------
    size : int
        Length of the axis in LR pixels.
    tile : int
        Largest number of LR pixels that a tile reads, halo included.
    halo : int
        Number of LR pixels that are read but not kept, at edges inside the axis.
    multiple : int
        Tiles begin and end at multiples of this, or end where the axis ends.
    least : int
        Smallest number of LR pixels that a tile reads, if the axis and `tile` are that long.

    Raises
    ------
    ValueError
        If a tile would keep nothing, or the axis is empty.
    """
    if size < 1:
        raise ValueError(f"the axis must be at least 1 px long, got {size}")
    if tile >= size:
        return [Span(slice(0, size), slice(0, size))]
    tile, _ = fitted(size, tile, halo, multiple, least)
    step = (tile - 2 * halo) // multiple * multiple
    last = -(-(size - tile) // multiple) * multiple
    starts = [*range(0, last, step), last]
    cut: list[Span] = []
    kept = 0
    for start in starts:
        stop = size if start == last else start + tile - halo
        cut.append(Span(slice(start, min(start + tile, size)), slice(kept, stop)))
        kept = stop
    return cut


def tiles(
    height: int,
    width: int,
    tile: int,
    halo: int,
    multiple: int = 1,
    least: int = 1,
) -> Iterator[Tile]:
    """Yield the tiles of a plane, (height, width), row by row; for other arguments, see `spans`."""
    columns = spans(width, tile, halo, multiple, least)
    for row in spans(height, tile, halo, multiple, least):
        for column in columns:
            yield Tile(Region(row.read, column.read), Region(row.keep, column.keep))
