"""Upscale a layer block by block into an OME-Zarr folder that a viewer can show during the run.

Symbols: H x W pixels.
"""

from __future__ import annotations

import math
import shutil
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.files.ome_zarr.pyramid import views
from napari_sr.runs.consistency import with_consistency
from napari_sr.runs.job import Step, loaded, named_errors
from napari_sr.runs.record import for_file
from napari_sr.runs.run import translate
from napari_sr.streaming import layer_task
from napari_sr.streaming.disk import told_in_one_sentence
from napari_sr.streaming.run import output_place, run_blocks
from napari_sr.streaming.shards import write_block

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_sr.engine.execution.context import Progress
    from napari_sr.engine.planning.blocks import Block, BlockGrid
    from napari_sr.files.ome_zarr.block_writer import OmeZarrWriter
    from napari_sr.streaming.layer_request import LayerRequest, Record
    from napari_sr.streaming.layer_task import LayerTask
    from napari_sr.streaming.report import Report

IN_MEMORY = 2**27
"""Largest size of a coarse level that is kept in memory during a run, in bytes. A viewer shows such
levels at once, but takes a second to read 1000 x 1000 pixels from 256 files during a run."""
KEPT = "finished blocks are kept; to continue, run again with this folder"
"""End of error messages: which data are kept."""
PARTS = 1000
"""Steps of the progress bar."""


class GrowingImage:
    """A result whose blocks are still being written; another thread may read it."""

    def __init__(self, writer: OmeZarrWriter, blocks: int) -> None:
        self.folder = writer.path
        self._layout = writer.layout
        self._stored = views(writer, writer.levels_of_blocks)
        coarse = list(enumerate(self._stored))[1:]
        self._kept = {
            k: np.zeros(one.shape, one.dtype) for k, one in coarse if one.nbytes <= IN_MEMORY
        }
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
    JournalError
        If the unfinished result in the folder belongs to another run.
    ValueError
        If the image, a setting or a checkpoint is wrong.
    napari_sr.engine.planning.devices.OutOfMemoryError
        If a block does not fit into memory.
    """
    return (yield from named_errors(_run(request), request.model.label))


def _run(request: LayerRequest) -> Generator[Step | GrowingImage, None, Record]:
    network = yield from loaded(request.model)
    yield Step(0, 0, "Reading a part of the layer …")
    task = yield from layer_task.opened(request, network)
    with closing(task):
        image = GrowingImage(task.writer, task.run.reader.grid.count)
        try:
            for number in task.done:
                yield Step(image.written, len(task.done), "Reading finished blocks …")
                image.add(task.run.reader.grid.block(number), network.scale)
            yield image
            report = yield from _blocks(request, task, image)
            yield Step(0, 0, "Completing the coarse levels …")
            yield Step(0, 0, "Comparing the result with the layer …")
            record = layer_task.record_of(request, task.run, report)
            record = with_consistency(record, request.source.data, image.levels[0], request.axes)
            task.check()
            task.writer.finish(for_file(record))
            task.journal.remove()
        finally:
            if not (image.written or task.done) and task.is_there:
                task.journal.close()
                shutil.rmtree(task.writer.path, ignore_errors=True)
    return record


def _blocks(
    request: LayerRequest, task: LayerTask, image: GrowingImage
) -> Generator[Step, None, Report]:
    """Compute and write all missing blocks, those nearest to the requested position first."""
    run, before = task.run, len(task.done)

    def write(block: Block, values: NDArray[Any]) -> None:
        task.check()
        write_block(task.writer, block, run.network.scale, values)
        if block.last:
            task.note(block)
        image.add(block, run.network.scale)

    order = nearest_first(run.reader.grid, request.near)
    steps = run_blocks(run, [number for number in order if number not in task.done], write)
    with told_in_one_sentence(task.writer.path, KEPT):
        report = yield from translate(steps, partial(_step, image, before))
    if before:
        resumed = (
            f"resumed: {before} of {image.blocks} blocks were done before; unusual values are "
            "counted only in the others"
        )
        report.notes = [resumed, *report.notes]
    return report


def _step(image: GrowingImage, before: int, progress: Progress) -> Step:
    note = f" ({progress.message})" if progress.message else ""
    share = (before + progress.share * (image.blocks - before)) / image.blocks
    doing = f"Upscaling: {share:.0%}, {image.written} of {image.blocks} blocks written"
    return Step(round(PARTS * share), PARTS, f"{doing}{note}", progress.seconds_left)


def nearest_first(grid: BlockGrid, near: tuple[float, ...] | None) -> list[int]:
    """Return the indices of all blocks, those near a position first.

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
