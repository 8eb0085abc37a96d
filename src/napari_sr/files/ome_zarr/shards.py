"""Compute the sizes of a pyramid's levels, shards and chunks from the size of a block.

A block is a rectangle of one plane of the result. Its part of a level is one shard: one file in
OME-Zarr 0.5, and a few complete chunk files in 0.4. So no two blocks share a file.
"""

from __future__ import annotations

from dataclasses import dataclass

COARSEST = 256
"""The longest side of the coarsest level in pixels."""
SMALLEST_SHARD = 64
"""The shortest side of a shard in pixels. Levels whose shards would be smaller are computed after
all blocks."""
CHUNK = 1024
"""The longest side of a chunk in pixels. Zarr takes half the time to write a shard of 2048 x 2048
pixels if its chunks have 1024 pixels a side instead of 512: 55 instead of 102 ms of one core."""


@dataclass(frozen=True)
class Level:
    """Sizes of one level of a plane, in pixels of that level."""

    height: int
    width: int
    chunk: tuple[int, int]
    """Height and width of a chunk, which is compressed and read as a whole."""
    shard: tuple[int, int] | None
    """Height and width of a block's part of this level; None if the level is computed later."""


def chunk_side(side: int, limit: int) -> int:
    """Return the side of chunks that divide a shard evenly.

    Parameters
    ----------
    side : int
        Side of the shard in pixels, at least 1.
    limit : int
        Longest side of a chunk in pixels.

    Returns
    -------
    int
        The largest divisor of `side` of at most `limit`; `side` itself if that is less than an
        eighth of `limit`, because tiny chunks are slow.
    """
    if side <= limit:
        return side
    largest = next(divisor for divisor in range(limit, 0, -1) if side % divisor == 0)
    return largest if 8 * largest >= limit else side


def levels_of(height: int, width: int, block: tuple[int, int]) -> tuple[Level, ...]:
    """Return the levels of a plane, finest first; sides are halved and rounded up each time.

    Parameters
    ----------
    height, width : int
        Size of the plane in pixels.
    block : (int, int)
        Rows and columns of a block.
    """
    levels: list[Level] = []
    shard: tuple[int, int] | None = block
    while True:
        levels.append(_level(height, width, shard))
        if max(height, width) <= COARSEST:
            return tuple(levels)
        height, width = -(-height // 2), -(-width // 2)
        shard = None if shard is None else _halved(shard)


def _halved(shard: tuple[int, int]) -> tuple[int, int] | None:
    """Return the shard of the next level; None if its sides are too short or not whole."""
    rows, columns = shard
    if rows % 2 or columns % 2 or min(rows, columns) // 2 < SMALLEST_SHARD:
        return None
    return rows // 2, columns // 2


def _level(height: int, width: int, shard: tuple[int, int] | None) -> Level:
    if shard is None:
        return Level(height, width, (min(CHUNK, height), min(CHUNK, width)), None)
    return Level(height, width, (chunk_side(shard[0], CHUNK), chunk_side(shard[1], CHUNK)), shard)
