"""Run a network on the blocks of an image; reading, computing and writing overlap.

Letters: H x W pixels, C channels, S scale.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.execution.block_reader import BlockReader
from napari_sr.engine.execution.prepared import prepare
from napari_sr.engine.execution.upscale import Planes, diagnostics_of, upscale_planes
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.budget import explain_memory_errors
from napari_sr.engine.planning.tiling import scaled
from napari_sr.streaming.reader import value_range
from napari_sr.streaming.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from napari_sr.engine.execution.context import Progress
    from napari_sr.engine.execution.prepared import Prepared
    from napari_sr.engine.image.arrays import ArrayLike, Layout
    from napari_sr.engine.image.conversion import Filled
    from napari_sr.engine.image.plane_values import ValueRange
    from napari_sr.engine.planning.blocks import Block, BlockGrid
    from napari_sr.engine.planning.settings import Settings
    from napari_sr.graph.network import Network

IN_MEMORY = 3
"""Number of block results in memory: one is computed, one is written, one waits."""


@dataclass(frozen=True)
class BlockRun:
    """A run of a network on an image, which can compute any of its blocks."""

    reader: BlockReader
    network: Network
    settings: Settings
    """Settings. With the engine "auto", a second run may differ by rounding."""
    values: ValueRange
    """The image values of black and white."""
    waits: bool = True
    """Whether the run waits until an engine is compiled. If not, PyTorch computes until then."""

    def window_layout(self, count: int, block: Block) -> Layout:
        """Return the layout of the windows of `count` blocks that are as large as this one."""
        layout = self.reader.grid.layout
        shape = (count, *block.window.size, *([layout.channels] if layout.samples else []))
        return layout_of(shape, layout.dtype, "BYXS"[: len(shape)])

    def prepared(self, block: Block) -> Prepared:
        """Prepare the computation of blocks as large as this one; see `prepared.prepare`."""
        layout = self.window_layout(IN_MEMORY, block)
        return prepare(layout, self.network, self.settings, lazy=True, waits=self.waits)


def run_on(
    image: ArrayLike, grid: BlockGrid, network: Network, settings: Settings, *, waits: bool = True
) -> BlockRun:
    """Return the run of a network on an image; some blocks are read to find the value range.

    Parameters
    ----------
    image : array
        A NumPy, dask or Zarr array, or any other object whose slices are pixels.
    grid : BlockGrid
        The image's blocks.
    network, settings, waits
        As in `BlockRun`.

    Raises
    ------
    ValueError
        As `reader.value_range` does.
    """
    reader = BlockReader(image, grid, network.receptive_field)
    has_weights = next(network.parameters(), None) is not None
    values = value_range(reader, settings.value_range, has_weights=has_weights)
    return BlockRun(reader, network, settings, values, waits)


def run_blocks(
    run: BlockRun, numbers: Sequence[int], write: Callable[[Block, NDArray[Any]], object]
) -> Generator[Progress, None, Report]:
    """Compute blocks one after the other; yield progress after every tile.

    Parameters
    ----------
    run : BlockRun
        Image, network and settings.
    numbers : sequence of int
        Numbers of the blocks.
    write : callable
        Called with a block and the result of its core, (S * H, S * W) or (S * H, S * W, C), in a
        thread, for one block at a time. Blocks of one size come in their order.

    Returns
    -------
    Report
        Notes and counts for the user. Progress messages do not repeat the counts.

    Raises
    ------
    ValueError
        If a block has infinite values, or a setting is wrong.
    OutOfMemoryError
        If a block does not fit into memory.
    """
    # blocks of the largest size first: they cover most of the image
    found = map(run.reader.grid.block, numbers)
    blocks = sorted(found, key=lambda one: one.window.size, reverse=True)
    total = sum(_work(block) for block in blocks)
    groups = [list(alike) for _, alike in groupby(blocks, key=lambda one: one.window.size)]
    report, before = Report(diagnostics_of(run.settings)), 0.0
    if not blocks:
        return report
    with _Pipeline(run, blocks, write) as pipeline, explain_memory_errors("upscaling a block"):
        for alike in groups:
            work = sum(map(_work, alike)) / total
            steps = _run_alike(run, alike, pipeline, report)
            yield from _shares(steps, before, work, len(blocks))
            before += work
        pipeline.wait()
    return report


def _work(block: Block) -> int:
    height, width = block.window.size
    return height * width


def _shares(
    steps: Generator[Progress, None, None], before: float, work: float, count: int
) -> Generator[Progress, None, None]:
    """Convert the progress of some blocks to that of all; count blocks instead of tiles."""
    with closing(steps):
        for step in steps:
            share = before + work * step.share
            left = step.seconds_left
            if left is not None and step.share < 1:
                left *= (1 - share) / (work * (1 - step.share))
            yield replace(
                step, done=int(share * count), total=count, share=share, seconds_left=left
            )


def _run_alike(
    run: BlockRun, blocks: list[Block], pipeline: _Pipeline, report: Report
) -> Generator[Progress, None, None]:
    """Compute blocks whose windows have one size, and add their notes to the report."""
    prepared = run.prepared(blocks[0])
    layout = run.window_layout(len(blocks), blocks[0])
    pipeline.take(layout)
    planes = Planes(
        layout, pipeline.read, run.values, pipeline, pipeline.finish, report.diagnostics
    )
    report.add((yield from upscale_planes(prepared, planes)))


class _Pipeline:
    """Reads the next block and writes the last one, in threads, while a block is computed.

    The run writes parts of a result into it by index, as into an array.

    Parameters
    ----------
    run : BlockRun
        The run.
    blocks : list of Block
        All blocks, in the order in which they are computed.
    write : callable
        Writes the result of a block.
    """

    def __init__(
        self, run: BlockRun, blocks: list[Block], write: Callable[[Block, NDArray[Any]], object]
    ) -> None:
        self._run = run
        self._write = write
        self._blocks = iter(blocks)
        self.dtype = run.reader.grid.layout.dtype
        self._shape: tuple[int, ...] = ()
        self._result = np.empty(0, self.dtype)
        self._threads = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        self._block = blocks[0]
        self._next: tuple[Block, Future[Filled]] | None = None
        self._writing: Future[object] | None = None

    def take(self, layout: Layout) -> None:
        """Prepare for the blocks of windows with this layout."""
        self._shape = layout.enlarged(self._run.network.scale).shape[1:]

    def __enter__(self) -> _Pipeline:
        return self

    def __exit__(self, *error: object) -> None:
        for threads in self._threads:
            threads.shutdown(wait=True, cancel_futures=True)

    def read(self, index: tuple[int, ...]) -> Filled:
        """Return the window of the next block, and start reading the one after it."""
        self._block, window = self._next or self._submit(next(self._blocks))
        self._result = np.empty(self._shape, self.dtype)
        pixels = window.result()
        following = next(self._blocks, None)
        self._next = None if following is None else self._submit(following)
        return pixels

    def _submit(self, block: Block) -> tuple[Block, Future[Filled]]:
        return block, self._threads[0].submit(self._run.reader.read, block)

    def __setitem__(self, index: tuple[Any, ...], values: NDArray[Any]) -> None:
        self._result[index[1:]] = values

    def finish(self, index: tuple[int, ...]) -> None:
        """Start writing the core of a finished block, once the block before it is written."""
        core = self._block.core.slices_in(self._block.window, self._run.network.scale)
        self.wait()
        self._writing = self._threads[1].submit(self._write, self._block, self._result[core])

    def wait(self) -> None:
        """Wait until the last block is written; raise the error if writing failed."""
        if self._writing is not None:
            self._writing.result()
            self._writing = None


def output_place(block: Block, scale: int) -> tuple[slice, slice]:
    """Return the rows and columns of the result that a block covers."""
    return scaled(block.place.rows, scale), scaled(block.place.columns, scale)
