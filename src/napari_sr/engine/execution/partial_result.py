"""A result that outlives a cancelled run: its pixels, and which of them are final."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from napari_sr.engine.planning.tiling import Region

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_sr.engine.image.arrays import Layout

Spans: TypeAlias = "tuple[tuple[int, int], ...]"


@dataclass(frozen=True)
class FinishedPart:
    """The part of a result that can be kept: a box whose pixels are all final."""

    pixels: NDArray[Any]
    """The part, with all axes of the result; not a copy."""
    spans: Spans
    """First index and the index after the last for each axis, in pixels of the result."""
    shape: tuple[int, ...]
    """Shape of the whole result."""
    axes: str
    """One letter per axis."""

    @property
    def share(self) -> float:
        """Share of the result's pixels that the part has, 0..1."""
        return self.pixels.size / math.prod(self.shape)


class PartialResult:
    """The result of a run in memory, and which of its pixels are final.

    A run writes parts of the result into this object by index, as into an array, plane by plane in
    the order of `Layout.planes`. Another thread may read it once the run is over.
    """

    def __init__(self) -> None:
        self.record: dict[str, object] = {}
        """Record of the run."""
        self._is_over = False
        self._pixels: NDArray[Any] | None = None
        self._layout: Layout | None = None
        self._core: Region | None = None
        self._plane: tuple[int, ...] = ()
        self._begun = 0
        self._final: list[Region] = []

    def begin(self, pixels: NDArray[Any], layout: Layout, core: Region | None = None) -> None:
        """Use this empty array for the result.

        Parameters
        ----------
        pixels : array
            The array.
        layout : Layout
            Layout of the array.
        core : Region, optional
            The rows and columns of the array that belong to the result; by default all.
        """
        whole = Region(slice(0, layout.height), slice(0, layout.width))
        self._pixels, self._layout, self._core = pixels, layout, core or whole

    def end(self, record: Mapping[str, object]) -> None:
        """Add entries to the record, because the run is cancelled or done."""
        self.record |= record
        self._is_over = True

    @property
    def dtype(self) -> Any:
        """Type of the values."""
        return None if self._pixels is None else self._pixels.dtype

    def __setitem__(self, index: tuple[Any, ...], values: NDArray[Any]) -> None:
        if self._pixels is None or self._layout is None:
            raise RuntimeError("a partial result needs its array before values: call begin first")
        self._pixels[index] = values
        axes = self._layout.axes
        part = Region(index[axes.index("Y")], index[axes.index("X")])
        plane = tuple(one for one in index if not isinstance(one, slice))
        if plane != self._plane or not self._begun:
            self._plane, self._final = plane, []
            self._begun += 1
        elif any(_overlap(part, known) for known in self._final):
            self._final = []  # the plane is computed again
        self._final.append(part)

    def finished(self) -> FinishedPart | None:
        """Return the part to keep, or None if no pixel is final or the run is not over.

        For a stack, the part has the finished planes; if there are several axes before Y and X, the
        part has the finished entries of the first axis. If no plane is finished, the part is the
        largest rectangle of finished tiles.
        """
        if not (self._is_over and self._final) or self._core is None:
            return None
        covered = sum(math.prod(part.size) for part in self._final)
        count = self._begun - (covered < math.prod(self._core.size))
        inside = self._core if count else largest_rectangle(self._final)
        return self._part(max(count, 1), inside)

    def _part(self, count: int, inside: Region) -> FinishedPart | None:
        """Return some rows and columns of the first planes."""
        if self._pixels is None or self._layout is None or self._core is None:
            return None
        shape, axes, core = self._layout.shape, self._layout.axes, self._core
        leading = [at for at in range(len(axes)) if axes[at] not in "YX"]
        if self._layout.samples:
            leading.pop()
        kept, whole = [slice(0, size) for size in shape], list(shape)
        lengths = first_planes([shape[at] for at in leading], count)
        for at, length in zip(leading, lengths, strict=True):
            kept[at] = slice(0, length)
        spans = [(span.start, span.stop) for span in kept]
        sides = ("Y", inside.rows, core.rows), ("X", inside.columns, core.columns)
        for letter, part, room in sides:
            at = axes.index(letter)
            kept[at], whole[at] = part, room.stop - room.start
            spans[at] = (part.start - room.start, part.stop - room.start)
        return FinishedPart(self._pixels[tuple(kept)], tuple(spans), tuple(whole), axes)


def first_planes(shape: Sequence[int], count: int) -> tuple[int, ...]:
    """Return the shape, along the axes before Y and X, of the largest box that `count` planes fill.

    Parameters
    ----------
    shape : sequence of int
        Length of each axis before Y and X.
    count : int
        Number of finished planes, at least 1; the last axis is the fastest.

    Examples
    --------
    >>> first_planes((10, 5), 12)
    (2, 5)
    >>> first_planes((10, 5), 3)
    (1, 3)
    """
    kept: list[int] = []
    for at, size in enumerate(shape):
        each = math.prod(shape[at + 1 :])
        kept.append(min(max(count // each, 1), size))
        if count >= each:
            return (*kept, *shape[at + 1 :])
    return tuple(kept)


def largest_rectangle(tiles: Sequence[Region]) -> Region:
    """Return the rectangle with the most pixels that is covered by tiles; at least one is given.

    The edges of the tiles cut the plane into cells. The covered cells above each row of cells form
    a bar chart; its largest rectangle is found with a stack of rising bars.
    """
    rows, columns = (np.unique([tile.spans[at] for tile in tiles]).tolist() for at in (0, 1))
    covered = np.zeros((len(rows) - 1, len(columns) - 1), bool)
    for tile in tiles:
        (top, bottom), (left, right) = tile.spans
        down = slice(rows.index(top), rows.index(bottom))
        covered[down, columns.index(left) : columns.index(right)] = True
    best, most = tiles[0], 0
    tops = [0] * covered.shape[1]
    for row, cells in enumerate(covered.tolist()):
        tops = [top if cell else row + 1 for top, cell in zip(tops, cells, strict=True)]
        for left, right, top in _bars(tops, row + 1):
            found = Region(slice(rows[top], rows[row + 1]), slice(columns[left], columns[right]))
            if math.prod(found.size) > most:
                best, most = found, math.prod(found.size)
    return best


def _bars(tops: Sequence[int], bottom: int) -> Iterator[tuple[int, int, int]]:
    """Yield the first cell, the cell after the last and the top of each widest bar."""
    rising: list[tuple[int, int]] = []
    for at, top in enumerate((*tops, bottom)):
        left = at
        while rising and rising[-1][1] < top:
            left, higher = rising.pop()
            yield left, at, higher
        if top < bottom and (not rising or rising[-1][1] > top):
            rising.append((left, top))


def _overlap(first: Region, second: Region) -> bool:
    pairs = ((first.rows, second.rows), (first.columns, second.columns))
    return all(one.start < two.stop and two.start < one.stop for one, two in pairs)
