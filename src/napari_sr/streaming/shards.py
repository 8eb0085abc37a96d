"""Cut the result of a block into shards of an OME-Zarr.

Symbols: H x W pixels, C channels, S scale.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from napari_sr.engine.planning.block_size import usual_side
from napari_sr.streaming.run import output_place

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_sr.engine.planning.blocks import Block, BlockGrid
    from napari_sr.files.ome_zarr.block_writer import OmeZarrWriter


def shard_of_block(grid: BlockGrid, scale: int) -> tuple[int, int]:
    """Return rows and columns of a shard: a block's result, or a part of it if blocks are planes.

    Parameters
    ----------
    grid : BlockGrid
        Blocks of the image.
    scale : int
        Enlargement factor.
    """
    if grid.shrinking is not None:
        side = grid.shrinking.side(usual_side(scale))
        return (side, side) if grid.whole else grid.output_sides
    if grid.whole:
        return (usual_side(scale) * scale,) * 2
    return grid.rows * scale, grid.columns * scale


def write_block(writer: OmeZarrWriter, block: Block, scale: int, values: NDArray[Any]) -> None:
    """Write the result of a block, shard by shard.

    Parameters
    ----------
    writer : OmeZarrWriter
        Writes the image.
    block : Block
        The block.
    scale : int
        Enlargement factor.
    values : array, (S * H, S * W) or (S * H, S * W, C)
        The result of the block's core.

    Raises
    ------
    FileError
        If a file cannot be written.
    """
    top, left = output_place(block, scale)
    for rows, columns in shards_of(writer, block, scale):
        part = values[rows.start - top.start :, columns.start - left.start :]
        part = part[: rows.stop - rows.start, : columns.stop - columns.start]
        writer.write(block.plane, rows.start, columns.start, part)


def shards_of(writer: OmeZarrWriter, block: Block, scale: int) -> list[tuple[slice, slice]]:
    """Return the rows and columns of each shard that a block's result is cut into."""
    top, left = output_place(block, scale)
    height, width = writer.block
    return list(product(_cut(top, height), _cut(left, width)))


def size_of(writer: OmeZarrWriter, block: Block, scale: int) -> int:
    """Return the size of all files of a block's result in bytes; 0 if one is missing or empty."""
    places = shards_of(writer, block, scale)
    sizes = [writer.size_of(block.plane, rows.start, columns.start) for rows, columns in places]
    return sum(sizes) if all(sizes) else 0


def _cut(span: slice, side: int) -> list[slice]:
    starts = range(span.start, span.stop, side)
    return [slice(start, min(start + side, span.stop)) for start in starts]
