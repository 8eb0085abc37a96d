"""Find blocks of an unfinished result that cannot be read, so that they are computed again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_sr.files.image import FileError
from napari_sr.files.ome_zarr.pyramid import arrays
from napari_sr.streaming.result import opened
from napari_sr.streaming.run import output_place
from napari_sr.streaming.shards import shards_of

if TYPE_CHECKING:
    from pathlib import Path

    from napari_sr.engine.planning.blocks import Block
    from napari_sr.files.ome_zarr.block_writer import OmeZarrWriter
    from napari_sr.streaming.task import Opened


def remove_unreadable(result: Path) -> str:
    """Remove the files of blocks that cannot be read; return a sentence on them, or "".

    All blocks are read.

    Parameters
    ----------
    result : Path
        Folder of the unfinished result.

    Raises
    ------
    FileError, OSError
        If the result cannot be opened, or a file cannot be removed.
    """
    task, writer = opened(result)
    damaged = [block for block in task.grid if not _is_readable(task, writer, block)]
    for block in damaged:
        for rows, columns in shards_of(writer, block, task.network.scale):
            for file in writer.files_of(block.plane, rows.start, columns.start):
                file.unlink(missing_ok=True)
    if not damaged:
        return ""
    return (
        f"{len(damaged)} of {task.grid.count} finished blocks in {result} could not be read, and "
        "were removed: --resume computes them again"
    )


def _is_readable(task: Opened, writer: OmeZarrWriter, block: Block) -> bool:
    """Return whether all levels of a block's result can be read."""
    spans = output_place(block, task.network.scale)
    try:
        for level, pixels in enumerate(arrays(writer, writer.levels_of_blocks)):
            rows, columns = (slice(span.start >> level, -(-span.stop >> level)) for span in spans)
            layout = replace(writer.layout, shape=pixels.shape)
            layout.read(pixels, block.plane, rows, columns)
    except FileError:
        return False
    return True
