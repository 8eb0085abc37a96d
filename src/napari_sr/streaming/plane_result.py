"""The result of a whole plane while it is computed: only its unfinished shards are in memory.

Symbols: H x W pixels, C channels, S scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.planning.tiling import Region

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from napari_sr.engine.image.arrays import Layout
    from napari_sr.engine.planning.blocks import Block


class PlaneResult:
    """The result of a plane; tiles are assigned to it by index, as to an array.

    Networks with global values compute a plane at once. The result, which has `S * S` times as many
    pixels, is cut into shards. A shard is handed on as soon as tiles cover it. If the computation
    starts again, because memory ran out or half precision failed, all shards are handed on again.

    Parameters
    ----------
    plane : Block
        The plane.
    layout : Layout
        Layout of the image.
    scale : int
        S.
    side : int
        Rows and columns of a shard in pixels of the image.
    hand_on : callable
        Called with a part of the block and its result, (S * H, S * W) or (S * H, S * W, C). The
        attribute `last` of the plane's last part is true.
    """

    def __init__(
        self,
        plane: Block,
        layout: Layout,
        scale: int,
        side: int,
        hand_on: Callable[[Block, NDArray[Any]], object],
    ) -> None:
        self._plane, self._layout, self._scale = plane, layout, scale
        self._side, self._hand_on = side, hand_on
        self._counts = [math.ceil(length / side) for length in plane.core.size]
        self._shards: dict[tuple[int, int], _Shard] = {}
        self._done: set[tuple[int, int]] = set()

    def __setitem__(self, index: tuple[Any, ...], values: NDArray[Any]) -> None:
        rows, columns = (slice(span.start // self._scale, span.stop // self._scale)
                         for span in index[:2])  # fmt: skip
        tile = Region(rows, columns)
        shared = [(key, _shared(tile, self._region(key))) for key in self._touched(tile)]
        if any(self._has(key, part) for key, part in shared):
            self._shards.clear()
            self._done.clear()
        for key, part in shared:
            self._put(key, part, values[part.slices_in(tile, self._scale)])

    def close(self) -> None:
        """Check that all shards were handed on.

        Raises
        ------
        RuntimeError
            If tiles do not cover the plane.
        """
        total = math.prod(self._counts)
        if len(self._done) < total:
            raise RuntimeError(f"tiles cover {len(self._done)} of the {total} shards of a plane")

    def _touched(self, tile: Region) -> Iterator[tuple[int, int]]:
        rows, columns = (range(start // self._side, (stop - 1) // self._side + 1)
                         for start, stop in tile.spans)  # fmt: skip
        yield from product(rows, columns)

    def _region(self, key: tuple[int, int]) -> Region:
        (top, left), (height, width), side = key, self._plane.core.size, self._side
        return Region(
            slice(top * side, min((top + 1) * side, height)),
            slice(left * side, min((left + 1) * side, width)),
        )

    def _has(self, key: tuple[int, int], part: Region) -> bool:
        """Return whether this part was written before: if so, the plane has started again."""
        if key in self._done or key not in self._shards:
            return key in self._done
        inside = part.slices_in(self._region(key), 1)
        return bool(self._shards[key].covered[inside].any())

    def _put(self, key: tuple[int, int], part: Region, values: NDArray[Any]) -> None:
        region = self._region(key)
        if key not in self._shards:
            self._shards[key] = _Shard.empty(region.size, self._layout, self._scale)
        shard = self._shards[key]
        shard.values[part.slices_in(region, self._scale)] = values
        shard.covered[part.slices_in(region, 1)] = True
        if shard.covered.all():
            del self._shards[key]
            self._done.add(key)
            last = len(self._done) == math.prod(self._counts)
            block = replace(self._plane, core=region, place=region, last=last)
            self._hand_on(block, shard.values)


@dataclass
class _Shard:
    """A shard of which some pixels are still missing."""

    values: NDArray[Any]
    """(S * H, S * W) or (S * H, S * W, C)."""
    covered: NDArray[np.bool_]
    """Whether a tile covers each pixel, (H, W)."""

    @classmethod
    def empty(cls, size: tuple[int, int], layout: Layout, scale: int) -> _Shard:
        height, width = size
        channels = [layout.channels] if layout.samples else []
        values = np.empty((scale * height, scale * width, *channels), layout.dtype)
        return cls(values, np.zeros(size, bool))


def _shared(first: Region, second: Region) -> Region:
    rows, columns = (
        slice(max(one.start, two.start), min(one.stop, two.stop))
        for one, two in ((first.rows, second.rows), (first.columns, second.columns))
    )
    return Region(rows, columns)
