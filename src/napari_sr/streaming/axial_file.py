"""Upscale a stack in a file, and enlarge it along Z, into an OME-TIFF or an OME-Zarr."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.axial import enlarged_along_z
from napari_sr.engine.planning.block_size import usual_grid
from napari_sr.files.ome_zarr import write as ome_zarr
from napari_sr.files.save import save
from napari_sr.runs.axial import NETWORK, ratio_of, remark_on, upscale_along_z
from napari_sr.runs.file_range import with_range
from napari_sr.runs.file_record import file_record, software
from napari_sr.runs.model import ModelReference
from napari_sr.runs.record import for_file
from napari_sr.runs.run import Request
from napari_sr.streaming.axial import checked_factor, run_along_z
from napari_sr.streaming.block_record import block_record
from napari_sr.streaming.disk import told_in_one_sentence
from napari_sr.streaming.engine import fixing
from napari_sr.streaming.part import Part, within_bits
from napari_sr.streaming.private_folders import private_folders, published
from napari_sr.streaming.run import run_on
from napari_sr.streaming.shards import shard_of_block, write_block

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_sr.engine.execution.context import Progress
    from napari_sr.engine.planning.blocks import Block
    from napari_sr.engine.planning.settings import Settings
    from napari_sr.files.lazy_image import LazyImage
    from napari_sr.graph.network import Network
    from napari_sr.runs.axial import Axial
    from napari_sr.streaming.run import BlockRun

KEPT = "nothing is kept, because a run with --axial cannot be resumed"
"""End of error messages."""


def remark(image: LazyImage, axial: Axial, scale: float) -> str:
    """Check an enlargement along Z against the pixel sizes of a file, as `remark_on` does."""
    return remark_on(ratio_of(image.places), axial, scale)


def write_along_z(
    part: Part,
    source: Path,
    network: Network,
    asked: Settings,
    axial: Axial,
    target: Path,
    *,
    axes: str | None = None,
    overwrite: bool = False,
    block: tuple[int, int] | None = None,
) -> Generator[Progress, None, dict[str, Any]]:
    """Upscale a stack along all three axes, and write the result; yield progress after each tile.

    By interpolation, blocks are computed and written one by one. With the network, the stack and
    its result are in memory.

    Parameters
    ----------
    part : Part
        All planes of an image, or a region of each plane.
    source : Path
        Its file.
    network : Network
        The model, loaded.
    asked : Settings
        Settings as the user chose them. A declared value range is in the file's stored values.
    axial : Axial
        The enlargement along Z.
    target : Path
        Path of the result, an OME-TIFF or an OME-Zarr. Check it with `files.save.check` first.
    axes : str, optional
        The axes that the user named, in stored order.
    overwrite : bool
        Whether to replace an existing TIFF. Folders are never replaced.
    block : (int, int), optional
        Rows and columns of a block, to repeat a run; by default the usual ones.

    Returns
    -------
    dict
        The record of the run.

    Raises
    ------
    FileError
        If the file cannot be written.
    ValueError
        If the image or a setting is wrong.
    napari_sr.engine.planning.devices.OutOfMemoryError
        If a block, or with the network the whole stack, does not fit into memory.
    """
    image, settings = part.image, with_range(part.image, asked)[0]
    if axial.by == NETWORK:
        request = Request(part.pixels, ModelReference(network), settings, image.axes, part.region)
        pixels, found = yield from upscale_along_z(request, axial, network)
        record = file_record(found, source, image, asked, axes)
        result = _result(part, within_bits(pixels, image), network, record)
        for _ in save(target, result, software=software(record), overwrite=overwrite):
            pass
        return record
    layout = layout_of(image.pixels.shape, image.pixels.dtype, image.axes)
    checked_factor(axial, layout)
    grid = usual_grid(layout, network, settings, block, part.region)
    run = yield from fixing(run_on(image.pixels, grid, network, settings))
    record = file_record({**block_record(run), **axial.record}, source, image, asked, axes)
    result = _result(part, image.pixels, network, record)
    with private_folders(target) as (folder,), told_in_one_sentence(target, KEPT):
        return (yield from _write(folder, run, axial, result, target, overwrite=overwrite))


def _result(part: Part, pixels: Any, network: Network, record: Mapping[str, Any]) -> LazyImage:
    """Return the result at its place."""
    larger = part.enlarged(pixels, network.factor, record["model"], record, record["axial"])
    return replace(larger, significant_bits=part.image.significant_bits)


def _write(
    folder: Path,
    run: BlockRun,
    axial: Axial,
    result: LazyImage,
    target: Path,
    *,
    overwrite: bool,
) -> Generator[Progress, None, dict[str, Any]]:
    """Compute all blocks, write them into a private folder, and publish it; return the record."""
    grid, scale = run.reader.grid, run.network.scale
    factor = checked_factor(axial, grid.layout)
    layout = enlarged_along_z(grid.enlarged(scale), factor)
    record = dict(result.record or {})
    writer = ome_zarr.create(
        folder, layout, block=shard_of_block(grid, scale), places=result.places,
        channels=result.channels, name=result.name, provenance={"software": software(record)},
    )  # fmt: skip

    def write(block: Block, values: NDArray[Any]) -> None:
        write_block(writer, block, scale, within_bits(values, result))

    report = yield from run_along_z(run, factor, write)
    record |= for_file({**block_record(run, report), "settings": record["settings"]})
    yield from published(writer, target, replace(result, record=record), overwrite=overwrite)
    return record
