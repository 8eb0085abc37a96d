"""Upscale an image file larger than memory in eight views; write mean and spread block by block.

The spread is the standard deviation over the eight flips and rotations of an ensemble.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.block_size import usual_grid
from napari_sr.files.ome_zarr import write as ome_zarr
from napari_sr.files.ome_zarr.pyramid import views
from napari_sr.runs.consistency import with_consistency
from napari_sr.runs.file_range import with_range
from napari_sr.runs.file_record import file_record, software
from napari_sr.runs.record import for_file
from napari_sr.streaming.block_record import block_record
from napari_sr.streaming.disk import told_in_one_sentence
from napari_sr.streaming.engine import fixing
from napari_sr.streaming.part import Part, as_spread, within_bits
from napari_sr.streaming.private_folders import private_folders, published
from napari_sr.streaming.run import run_blocks, run_on
from napari_sr.streaming.shards import shard_of_block, write_block

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_sr.engine.execution.context import Progress
    from napari_sr.engine.image.arrays import Layout
    from napari_sr.engine.planning.blocks import Block
    from napari_sr.engine.planning.settings import Settings
    from napari_sr.files.lazy_image import LazyImage
    from napari_sr.files.ome_zarr.block_writer import OmeZarrWriter
    from napari_sr.graph.network import Network
    from napari_sr.streaming.run import BlockRun

KEPT = "nothing is kept, because a run with --uncertainty cannot be resumed"
"""End of error messages."""


@dataclass(frozen=True)
class SpreadFiles:
    """Paths of a run's two files: OME-TIFF or OME-Zarr, by their suffixes."""

    result: Path
    spread: Path
    overwrite: bool = False
    """Whether to replace existing TIFF files. Folders are never replaced."""


def write_with_spread(
    image: LazyImage,
    source: Path,
    network: Network,
    asked: Settings,
    files: SpreadFiles,
    axes: str | None = None,
) -> Generator[Progress, None, dict[str, Any]]:
    """Upscale an image block by block, and write mean and spread; yield progress after each tile.

    Blocks are collected in two OME-Zarr folders with private names, beside the files. A file
    appears only when it is complete; the folders are removed, also after an error.

    Parameters
    ----------
    image : LazyImage
        The image.
    source : Path
        Its file.
    network : Network
        The model, loaded.
    asked : Settings
        Settings as the user chose them. A declared value range is in the file's stored values.
    files : SpreadFiles
        The two files. Check them with `files.save.check` first.
    axes : str, optional
        The axes that the user named, in stored order.

    Returns
    -------
    dict
        The record of the run.

    Raises
    ------
    FileError
        If a file cannot be written.
    ValueError
        If the image or a setting is wrong.
    napari_sr.engine.planning.devices.OutOfMemoryError
        If a block does not fit into memory.
    """
    layout = layout_of(image.pixels.shape, image.pixels.dtype, image.axes)
    settings = replace(with_range(image, asked)[0], ensemble=True, spread=True)
    grid = usual_grid(layout, network, settings)
    run = yield from fixing(run_on(image.pixels, grid, network, settings))
    record = file_record(block_record(run), source, image, asked, axes)
    whole = Part(image, image.pixels)
    result = whole.enlarged(image.pixels, network.factor, record["model"], record)
    with (
        private_folders(files.result, files.spread) as folders,
        told_in_one_sentence(files.result, KEPT),
    ):
        writers = _created(folders, run, result)
        write = partial(_write, writers[0], network.scale, image)
        write_spread = partial(_write, writers[1], network.scale, None)
        report = yield from run_blocks(run, range(grid.count), write, write_spread)
        record = file_record(block_record(run, report), source, image, asked, axes)
        pixels = views(writers[0], writers[0].levels)[0]
        record = with_consistency(record, image.pixels, pixels, image.axes)
        result = replace(result, record=for_file(record))
        overwrite = files.overwrite
        yield from published(writers[0], files.result, result, overwrite=overwrite)
        spread = as_spread(result, result.pixels)
        yield from published(writers[1], files.spread, spread, overwrite=overwrite)
    return record


def _created(
    folders: tuple[Path, ...], run: BlockRun, result: LazyImage
) -> tuple[OmeZarrWriter, OmeZarrWriter]:
    """Create empty OME-Zarr images for result and spread."""
    grid, scale = run.reader.grid, run.network.scale
    layout = grid.enlarged(scale)
    told = software(result.record or {})

    def create(folder: Path, image: LazyImage, layout: Layout, told: str) -> OmeZarrWriter:
        return ome_zarr.create(
            folder, layout, block=shard_of_block(grid, scale), places=image.places,
            channels=image.channels, name=image.name, provenance={"software": told},
        )  # fmt: skip

    floats = replace(layout, dtype=np.dtype(np.float32))
    spread = as_spread(result, result.pixels)
    return (
        create(folders[0], result, layout, told),
        create(folders[1], spread, floats, f"{told}, spread"),
    )


def _write(
    writer: OmeZarrWriter, scale: int, image: LazyImage | None, block: Block, values: NDArray[Any]
) -> None:
    """Write a block; values of the result are limited to the bits of the image, if it is given."""
    kept = values if image is None else within_bits(values, image)
    write_block(writer, block, scale, kept)
