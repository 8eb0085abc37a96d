"""Blocks of an image that is larger than memory: rectangles of planes, computed independently.

A block is read with a margin as wide as the network's receptive field, so its result equals the
same part of the whole plane's result. `block_size` chooses size and margin for a network.

Symbols: H x W pixels of the image, S scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from napari_sr.engine.image.conversion import Extension
from napari_sr.engine.planning.tiling import Region

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_sr.engine.image.arrays import Layout
    from napari_sr.engine.planning.shrinking import Shrinking


@dataclass(frozen=True)
class Block:
    """One rectangle of one plane."""

    number: int
    """Position in the order of all blocks: plane by plane, and row by row."""
    plane: tuple[int, ...]
    """Index of the plane along the looped axes."""
    core: Region
    """The pixels whose result is kept."""
    window: Region
    """The pixels that are read from the image: the core and a margin."""
    extended: Region
    """The pixels that the network reads: the window, and reflected pixels beyond the border of the
    plane."""
    place: Region
    """The core's position relative to the region that is cut into blocks."""
    last: bool = True
    """True for a whole block, and for the last part of a block that is computed in parts."""
    target: Region | None = None
    """The pixels of the plane's result that the block computes, if the network's result is shrunk:
    `core` then has all pixels that they depend on, and cores overlap."""
    output: Region | None = None
    """The same pixels, relative to the result of the region that is cut into blocks."""

    @property
    def extension(self) -> Extension:
        """Number of reflected pixels around the window."""
        (top, bottom), (left, right) = (
            (inner.start - outer.start, outer.stop - inner.stop)
            for inner, outer in (
                (self.window.rows, self.extended.rows),
                (self.window.columns, self.extended.columns),
            )
        )
        return Extension(top, bottom, left, right)


@dataclass(frozen=True)
class BlockGrid:
    """All blocks of an image."""

    layout: Layout
    """Layout of the image."""
    rows: int
    columns: int
    """Height and width of a block in LR pixels; blocks at the bottom and the right are smaller."""
    margin: int
    """Number of LR pixels that are read around a block, at edges inside the image."""
    multiple: int = 1
    """Windows begin at multiples of this."""
    least: int = 1
    """Smallest side of a window in LR pixels, unless the image is smaller."""
    whole: bool = False
    """Whether each block is a plane, because the network needs whole planes."""
    region: Region | None = None
    """The rectangle of each plane that is cut into blocks; by default the whole plane."""
    border: int = 0
    """Number of LR pixels, a multiple of `multiple`, by which each plane is extended on each side;
    see `border_width`."""
    shrinking: Shrinking | None = None
    """How the network's result is shrunk; None if it is not."""
    output_sides: tuple[int, int] = (0, 0)
    """Height and width of a block of the result, if the network's result is shrunk."""

    @property
    def area(self) -> Region:
        """The rectangle of each plane that the blocks cover."""
        whole = Region(slice(0, self.layout.height), slice(0, self.layout.width))
        return self.region or whole

    @property
    def counts(self) -> tuple[int, int]:
        """Number of blocks along Y and X."""
        (height, width), sides = self.area.size, (self.rows, self.columns)
        if self.shrinking is not None:
            (height, width), sides = self.shrinking.target(self.area).size, self.output_sides
        return math.ceil(height / sides[0]), math.ceil(width / sides[1])

    @property
    def count(self) -> int:
        """Number of blocks of all planes."""
        return self.layout.count * math.prod(self.counts)

    @cached_property
    def _planes(self) -> list[tuple[int, ...]]:
        return list(self.layout.planes())

    def block(self, number: int) -> Block:
        """Return a block by its number.

        Raises
        ------
        IndexError
            If no block has this number.
        """
        if not 0 <= number < self.count:
            raise IndexError(f"blocks have numbers from 0 to {self.count - 1}, got {number}")
        down, across = self.counts
        plane, position = divmod(number, down * across)
        row, column = divmod(position, across)
        core, sides, target, output = self._cut(row, column)
        height, width = self.layout.height, self.layout.width
        extended = Region(
            self._widened(core.rows, sides[0], height),
            self._widened(core.columns, sides[1], width),
        )
        window = Region(_inside(extended.rows, height), _inside(extended.columns, width))
        place = Region(*core.slices_in(self.area, 1))
        index = self._planes[plane]
        return Block(number, index, core, window, extended, place, target=target, output=output)

    def _cut(
        self, row: int, column: int
    ) -> tuple[Region, tuple[int, int], Region | None, Region | None]:
        """Return the core of a block, the sides of whole cores, and its `target` and `output`."""
        area, shrinking = self.area, self.shrinking
        if shrinking is None:
            core = Region(
                _span(row, self.rows, area.rows), _span(column, self.columns, area.columns)
            )
            return core, (self.rows, self.columns), None, None
        result, (rows, columns) = shrinking.target(area), self.output_sides
        target = Region(_span(row, rows, result.rows), _span(column, columns, result.columns))
        sides = shrinking.most_read(rows), shrinking.most_read(columns)
        sizes = self.layout.height, self.layout.width
        spans = []
        for span, side, size in zip((target.rows, target.columns), sides, sizes, strict=True):
            start = shrinking.reads(span, size).start
            spans.append(slice(start, min(start + side, size)))
        core = Region(*spans)
        return core, sides, target, Region(*target.slices_in(result, 1))

    def reads_plane(self, block: Block) -> bool:
        """Return whether the network reads a block's whole plane, including reflected pixels."""
        plane = self.layout.height, self.layout.width
        return block.extended.size == Extension.around(self.border).of(plane)

    def enlarged(self, scale: int) -> Layout:
        """Return the layout of the result of all blocks, for a network with this scale."""
        if self.shrinking is not None:
            return self.layout.resized(self.shrinking.target(self.area).size)
        return self.layout.resized(self.area.size).enlarged(scale)

    def __iter__(self) -> Iterator[Block]:
        return map(self.block, range(self.count))

    def _widened(self, core: slice, side: int, length: int) -> slice:
        """Return the pixels that the network reads for a core along one axis of the extended plane.

        Their number is the same for all whole cores, so that these share a plan and a compiled
        network. So at both ends of an axis, the network reads more pixels than the core needs.
        """
        usual = side + 2 * self.margin
        first, last = -self.border, length + self.border
        start = max(core.start - self.margin, first)
        stop = max(core.stop + self.margin, first + usual if start == first else start)
        stop = min(stop, last)
        if stop == last and core.stop - core.start == side and self.region is None:
            start = min(start, max(last - usual, first))
        # a window smaller than the network's least size would be padded instead of read
        start = max(min(start, stop - self.least), first) // self.multiple * self.multiple
        return slice(start, max(stop, min(start + self.least, last)))


def _span(number: int, side: int, area: slice) -> slice:
    start = area.start + number * side
    return slice(start, min(start + side, area.stop))


def _inside(span: slice, length: int) -> slice:
    return slice(max(span.start, 0), min(span.stop, length))
