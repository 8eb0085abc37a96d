"""Which pixels to read, which to keep, and where to write them.

Every tile reads `halo` pixels more than it keeps wherever the image goes on, so that no kept
pixel sees the tile's edge. At the image's own border nothing is added: there the network's
padding is right. All tiles have one shape, and the last one of a row is shifted inward; where it
could then not begin where tiles may, it is a little shorter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction


@dataclass(frozen=True)
class _Span:
    """One tile along one axis, in LR pixels of the image."""

    read: slice
    keep: slice
    """What is written, a part of `read`; the spans' keeps cover the axis once."""


@dataclass(frozen=True)
class Region:
    """A rectangle of a plane, in LR pixels of the image."""

    rows: slice
    columns: slice

    def without(self, radius: int, height: int, width: int) -> Region:
        """Return what is left inside a border, which is wrong at inner edges only."""
        return Region(_inner(self.rows, radius, height), _inner(self.columns, radius, width))

    def within(self, outer: Region, scale: int | Fraction) -> tuple[slice, slice]:
        """Return the rows and columns of a plane of `outer` that are this part."""
        return _from(self.rows, outer.rows, scale), _from(self.columns, outer.columns, scale)

    def lies_in(self, other: Region) -> bool:
        """Say whether all of it is part of another."""
        spans = ((self.rows, other.rows), (self.columns, other.columns))
        return all(a.start >= b.start and a.stop <= b.stop for a, b in spans)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start


def _inner(span: slice, radius: int, size: int) -> slice:
    start = span.start + radius if span.start > 0 else 0
    return slice(start, span.stop - radius if span.stop < size else size)


def _from(inner: slice, outer: slice, scale: int | Fraction) -> slice:
    return scaled(slice(inner.start - outer.start, inner.stop - outer.start), scale)


@dataclass(frozen=True)
class Tile:
    """One tile of a plane."""

    read: Region
    """What it reads."""
    keep: Region
    """What is written of it, a part of `read`; the tiles' keeps cover the plane once."""

    @property
    def crop(self) -> Region:
        """The kept part, counted from the start of the tile."""
        return Region(*self.keep.within(self.read, 1))


def scaled(span: slice, scale: int | Fraction) -> slice:
    """Return a span of the image as a span of a plane so many times larger."""
    return slice(int(span.start * scale), int(span.stop * scale))


def least_tile(halo: int, multiple: int = 1) -> int:
    """Return the smallest tile that keeps at least `multiple` pixels inside its halo."""
    step = -(-halo // multiple) * multiple
    return 2 * step + multiple


def spans(size: int, tile: int, halo: int, multiple: int = 1) -> list[_Span]:
    """Cut one axis into tiles.

    Parameters
    ----------
    size : int
        Length of the axis.
    tile : int
        LR pixels that every tile reads, halo included.
    halo : int
        LR pixels at inner edges that are read and not kept.
    multiple : int
        Tiles begin at multiples of this, and end there or where the axis does.

    Raises
    ------
    ValueError
        If a tile would keep nothing, or there is nothing to cut.
    """
    if size < 1:
        raise ValueError(f"the axis must be at least 1 px long, got {size}")
    if tile >= size:
        return [_Span(slice(0, size), slice(0, size))]
    tile = tile // multiple * multiple
    least = least_tile(halo, multiple)
    if tile < least:
        raise ValueError(
            f"a tile must be at least {least} px to keep anything inside a halo of {halo} px "
            f"on both sides, got {tile}"
        )
    step = (tile - 2 * halo) // multiple * multiple
    last = -(-(size - tile) // multiple) * multiple
    starts = [*range(0, last, step), last]
    found: list[_Span] = []
    kept = 0
    for start in starts:
        stop = size if start == last else start + tile - halo
        found.append(_Span(slice(start, min(start + tile, size)), slice(kept, stop)))
        kept = stop
    return found


def tiles(height: int, width: int, tile: int, halo: int, multiple: int = 1) -> Iterator[Tile]:
    """Yield the tiles of a plane, (height, width), row by row; arguments as in `spans`."""
    columns = spans(width, tile, halo, multiple)
    for row in spans(height, tile, halo, multiple):
        for column in columns:
            yield Tile(Region(row.read, column.read), Region(row.keep, column.keep))
