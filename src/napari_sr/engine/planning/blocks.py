"""Blocks of an image that is larger than memory: rectangles of planes, computed independently.

A block is read with a margin as wide as the network's receptive field, so its result equals the
same part of the whole plane's result. This works for networks without global values, which are
gathered from a whole plane; for networks with global values, a block is a whole plane.

Symbols: H x W pixels of the image, S scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from napari_sr.engine.image.conversion import Extension
from napari_sr.engine.planning.border import border_width
from napari_sr.engine.planning.devices import choose_device, choose_precision
from napari_sr.engine.planning.network_profile import profile_of
from napari_sr.engine.planning.tiling import Region

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from napari_sr.engine.image.arrays import Layout
    from napari_sr.engine.planning.settings import Settings
    from napari_sr.graph.network import Network

SIDE = 2048
"""Approximate side of a block's result in pixels. Such a result, written as one shard (a file with
several chunks of a Zarr array), has some MB and is computed within seconds."""
SIDES = (1024, 512, 256)
"""Sides that blocks may have, in LR pixels."""
LEAST_WINDOW = 32
"""Smallest side, in LR pixels, of the window that is read for a block. For windows below about 20
pixels, libraries add in another order, which changes the last bits of FSRCNN x4 in float32."""
CONTEXT = 64
"""Number of LR pixels that networks with global values read around a region, instead of the whole
plane."""


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

    @property
    def area(self) -> Region:
        """The rectangle of each plane that the blocks cover."""
        whole = Region(slice(0, self.layout.height), slice(0, self.layout.width))
        return self.region or whole

    @property
    def counts(self) -> tuple[int, int]:
        """Number of blocks along Y and X."""
        height, width = self.area.size
        return math.ceil(height / self.rows), math.ceil(width / self.columns)

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
        area = self.area
        core = Region(_span(row, self.rows, area.rows), _span(column, self.columns, area.columns))
        height, width = self.layout.height, self.layout.width
        extended = Region(
            self._widened(core.rows, self.rows, height),
            self._widened(core.columns, self.columns, width),
        )
        window = Region(_inside(extended.rows, height), _inside(extended.columns, width))
        place = Region(*core.slices_in(area, 1))
        return Block(number, self._planes[plane], core, window, extended, place)

    def reads_plane(self, block: Block) -> bool:
        """Return whether the network reads a block's whole plane, including reflected pixels."""
        plane = self.layout.height, self.layout.width
        return block.extended.size == Extension.around(self.border).of(plane)

    def enlarged(self, scale: int) -> Layout:
        """Return the layout of the result of all blocks."""
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


def margin_of(network: Network, halo: int | None = None) -> int:
    """Return the margin of blocks in LR pixels, a multiple of the network's alignment.

    Parameters
    ----------
    network : Network
        A network without global values.
    halo : int, optional
        Margin that the user chose; by default the receptive field.

    Raises
    ------
    ValueError
        If the network's receptive field is the whole image.
    """
    field = network.receptive_field if halo is None else halo
    if field is None:
        raise ValueError(
            f"blocks need a network with a limited receptive field, but {network.title} reads the "
            "whole image"
        )
    return math.ceil(field / network.tile_alignment) * network.tile_alignment


def is_local(network: Network, channels: int, precision: torch.dtype) -> bool:
    """Return whether blocks smaller than a plane give the same result as the whole plane."""
    local = profile_of(network, channels, precision).local
    return local and not network.whole and network.receptive_field is not None


def make_grid(
    layout: Layout,
    network: Network,
    *,
    local: bool,
    halo: int | None = None,
    border: int = 0,
    side: tuple[int, int] | None = None,
    region: Region | None = None,
) -> BlockGrid:
    """Cut an image into blocks.

    Parameters
    ----------
    layout : Layout
        Layout of the image.
    network : Network
        The network that will run.
    local : bool
        Whether blocks may be smaller than planes, as `is_local` returns it.
    halo : int, optional
        Margin that the user chose.
    border : int
        Number of LR pixels by which each plane is extended; see `border_width`.
    side : (int, int), optional
        Height and width of a block in LR pixels, multiples of the network's alignment. By default
        the largest of `SIDES` whose result has sides of about `SIDE` pixels.
    region : Region, optional
        A rectangle of each plane; only this is cut into blocks. A network that is not local then
        reads `CONTEXT` pixels around the rectangle instead of the whole plane, so its results
        differ from the same part of the whole result.
    """
    if not local:
        rows, columns = region.size if region else (layout.height, layout.width)
        margin = CONTEXT if region else border
        return BlockGrid(layout, rows, columns, margin, whole=True, region=region, border=border)
    if side is None:
        side = (usual_side(network.scale),) * 2
    alignment = network.tile_alignment
    least = max(network.least_size, LEAST_WINDOW)
    margin = margin_of(network, halo)
    return BlockGrid(layout, *side, margin, alignment, least, region=region, border=border)


def usual_side(scale: int) -> int:
    """Return the usual side, in LR pixels, of a block, or of a shard if blocks are whole planes."""
    fitting = [one for one in SIDES if one * scale <= SIDE]
    return max(fitting, default=SIDES[-1])


def usual_grid(
    layout: Layout,
    network: Network,
    settings: Settings,
    side: tuple[int, int] | None = None,
    region: Region | None = None,
) -> BlockGrid:
    """Cut an image into the blocks that a run with these settings computes.

    Parameters
    ----------
    layout, network, side, region
        As for `make_grid`.
    settings : Settings
        Settings of the run.

    Raises
    ------
    ValueError
        If a setting is wrong.
    """
    device = choose_device(settings.device)
    precision = choose_precision(settings.precision, device, network.precisions)
    local = is_local(network, layout.channels, precision)
    border = border_width(network, settings)
    return make_grid(
        layout, network, local=local, halo=settings.halo, border=border, side=side, region=region
    )
