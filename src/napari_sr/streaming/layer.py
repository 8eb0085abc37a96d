"""Upscale a layer block by block into an OME-Zarr folder that a viewer can show during the run.

Letters: H x W pixels.
"""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr import __version__
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.blocks import usual_grid
from napari_sr.engine.planning.region import checked_region
from napari_sr.files.ome_zarr import write as ome_zarr
from napari_sr.files.ome_zarr.pyramid import views
from napari_sr.runs.consistency import with_consistency
from napari_sr.runs.job import Step, loaded, named_errors
from napari_sr.runs.record import for_file
from napari_sr.runs.run import translate
from napari_sr.streaming.block_record import block_record
from napari_sr.streaming.disk import told_in_one_sentence
from napari_sr.streaming.engine import with_tile
from napari_sr.streaming.run import output_place, run_blocks, run_on
from napari_sr.streaming.shards import shard_of_block, write_block

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_sr.engine.execution.context import Progress
    from napari_sr.engine.planning.blocks import Block, BlockGrid
    from napari_sr.files.ome_zarr.block_writer import OmeZarrWriter
    from napari_sr.streaming.layer_request import LayerRequest, Record
    from napari_sr.streaming.report import Report
    from napari_sr.streaming.run import BlockRun

KEPT = 2**27
"""Largest size of a coarse level that is kept in memory during a run, in bytes. A viewer shows such
levels at once, but takes a second to read 1000 x 1000 pixels from 256 files during a run."""
PARTS = 1000
"""Steps of the progress bar."""


class GrowingImage:
    """A result whose blocks are still being written; another thread may read it."""

    def __init__(self, writer: OmeZarrWriter, blocks: int) -> None:
        self.folder = writer.path
        self._layout = writer.layout
        self._stored = views(writer, writer.levels_of_blocks)
        coarse = list(enumerate(self._stored))[1:]
        self._kept = {k: np.zeros(one.shape, one.dtype) for k, one in coarse if one.nbytes <= KEPT}
        self.levels = tuple(self._kept.get(k, one) for k, one in enumerate(self._stored))
        """The levels that each block writes to, finest first, with the axes of the source: dask
        arrays, or NumPy arrays for small levels."""
        self.all_levels = views(writer, writer.levels)
        """All levels as dask arrays; the coarsest are complete at the end of the run."""
        self.blocks = blocks
        """Total number of blocks."""
        self.written = 0
        """Number of blocks that are on the disk."""

    def add(self, block: Block, scale: int) -> None:
        """Count a block when all of it is on the disk; copy new pixels into the small levels."""
        for k, kept in self._kept.items():
            rows, columns = (_coarser(span, k) for span in output_place(block, scale))
            layout = replace(self._layout, shape=kept.shape)
            part = layout.read(self._stored[k], block.plane, rows, columns)
            layout.write(kept, block.plane, rows, columns, part)
        self.written += block.last


def _coarser(span: slice, level: int) -> slice:
    """Return the rows or columns of a coarser level that cover those of the finest level."""
    return slice(span.start >> level, -(-span.stop >> level))


def run_layer(request: LayerRequest) -> Generator[Step | GrowingImage, None, Record]:
    """Upscale a layer into a folder; yield at least once per tile.

    Closing the generator cancels the run. Blocks that are on the disk stay there; if there are
    none, the folder is removed.

    Parameters
    ----------
    request : LayerRequest
        Layer, model, settings and folder.

    Yields
    ------
    Step or GrowingImage
        Progress, and the growing image, once, as soon as the folder exists.

    Returns
    -------
    dict
        The record of the run.

    Raises
    ------
    napari_sr.runs.job.UpscaleError
        As `job.run` does.
    FileError
        If the folder exists or cannot be written, or OME-Zarr cannot hold the result.
    ValueError
        If the image, a setting or a checkpoint is wrong.
    napari_sr.engine.planning.devices.OutOfMemoryError
        If a block does not fit into memory.
    """
    return (yield from named_errors(_run(request), request.model.label))


def _run(request: LayerRequest) -> Generator[Step | GrowingImage, None, Record]:
    network = yield from loaded(request.model)
    source, settings = request.source, request.settings
    layout = layout_of(source.shape, source.dtype, request.axes)
    region = None if request.region is None else checked_region(request.region, layout)
    grid = usual_grid(layout, network, settings, region=region)
    yield Step(0, 0, "Reading a part of the layer …")
    run = with_tile(run_on(source.pixels, grid, network, settings, waits=False))
    writer = _create(request, run)
    image = GrowingImage(writer, grid.count)
    try:
        yield image
        report = yield from _blocks(request, run, writer, image)
        yield Step(0, 0, "Completing the coarse levels …")
        yield Step(0, 0, "Comparing the result with the layer …")
        record = _record(request, run, report)
        record = with_consistency(record, source.data, image.levels[0], request.axes)
        writer.finish(for_file(record))
    finally:
        if not image.written:
            shutil.rmtree(writer.path, ignore_errors=True)
    return record


def _create(request: LayerRequest, run: BlockRun) -> OmeZarrWriter:
    """Create the folder of an empty image."""
    grid, scale = run.reader.grid, run.network.scale
    return ome_zarr.create(
        request.folder,
        grid.enlarged(scale),
        block=shard_of_block(grid, scale),
        places=request.places,
        channels=request.channels,
        name=request.name,
        provenance={
            "software": f"napari-sr {__version__}",
            "record": for_file(_record(request, run)),
        },
    )


def _blocks(
    request: LayerRequest, run: BlockRun, writer: OmeZarrWriter, image: GrowingImage
) -> Generator[Step, None, Report]:
    """Compute and write all blocks, those nearest to the requested position first."""

    def write(block: Block, values: NDArray[Any]) -> None:
        write_block(writer, block, run.network.scale, values)
        image.add(block, run.network.scale)

    steps = run_blocks(run, nearest_first(run.reader.grid, request.near), write)
    with told_in_one_sentence(writer.path, "finished blocks are kept"):
        return (yield from translate(steps, lambda step: _step(step, image)))


def _step(progress: Progress, image: GrowingImage) -> Step:
    note = f" ({progress.message})" if progress.message else ""
    doing = f"Upscaling: {progress.share:.0%}, {image.written} of {image.blocks} blocks written"
    return Step(round(PARTS * progress.share), PARTS, f"{doing}{note}", progress.seconds_left)


def nearest_first(grid: BlockGrid, near: tuple[float, ...] | None) -> list[int]:
    """Return the numbers of all blocks, those near a position first.

    Parameters
    ----------
    grid : BlockGrid
        The blocks.
    near : tuple of float, optional
        A position in pixels: the looped axes, then row and column. Without it, blocks keep their
        order.
    """
    numbers = list(range(grid.count))
    return numbers if near is None else sorted(numbers, key=lambda one: _far(grid.block(one), near))


def _far(block: Block, near: tuple[float, ...]) -> tuple[float, float]:
    """Return how far from a position the block's plane is, and the block within its plane."""
    *plane, row, column = near
    middles = [(span.start + span.stop) / 2 for span in (block.core.rows, block.core.columns)]
    return (
        sum(abs(index - at) for index, at in zip(block.plane, plane, strict=True)),
        math.hypot(middles[0] - row, middles[1] - column),
    )


def _record(request: LayerRequest, run: BlockRun, report: Report | None = None) -> Record:
    """Return the record of a run: at its end if there is a report, otherwise at its start."""
    region = None if request.region is None else request.region.spans
    source = {**request.source.record, "axes": request.axes, "region": region}
    return {**block_record(run, report), **source, "folder": str(request.folder)}
