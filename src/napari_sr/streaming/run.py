"""Run a network on the blocks of an image; reading, computing and writing overlap.

Symbols: H x W pixels, C channels, S scale.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from napari_sr.engine.execution.block_reader import BlockReader
from napari_sr.engine.execution.prepared import prepare
from napari_sr.engine.execution.upscale import Planes, diagnostics_of, upscale_planes
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.budget import explain_memory_errors
from napari_sr.engine.planning.for_network import settings_for
from napari_sr.engine.planning.tiling import scaled
from napari_sr.streaming.pipeline import Pipeline
from napari_sr.streaming.reader import value_range
from napari_sr.streaming.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from numpy.typing import NDArray

    from napari_sr.engine.execution.context import Progress
    from napari_sr.engine.execution.prepared import Prepared
    from napari_sr.engine.image.arrays import ArrayLike, Layout
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
    """Black and white, in values of the image."""
    waits: bool = True
    """Whether the run waits until an engine is compiled. If not, PyTorch computes until then."""

    @property
    def in_parts(self) -> bool:
        """Whether blocks are planes whose results are written shard by shard."""
        grid = self.reader.grid
        return grid.whole and grid.region is None and grid.shrinking is None

    def input_layout(self, count: int, block: Block) -> Layout:
        """Return the layout of the pixels that the network reads for `count` blocks of one size."""
        layout = self.reader.grid.layout
        shape = (count, *block.extended.size, *([layout.channels] if layout.samples else []))
        return layout_of(shape, layout.dtype, "BYXS"[: len(shape)])

    def prepared(self, block: Block) -> Prepared:
        """Prepare the computation of blocks as large as this one; see `prepared.prepare`."""
        layout = self.input_layout(1 if self.in_parts else IN_MEMORY, block)
        return prepare(
            layout,
            self.network,
            self.settings,
            lazy=True,
            waits=self.waits,
            shards=self.in_parts,
            size=block.extended.size,
        )


def run_on(image: ArrayLike, grid: BlockGrid, network: Network, settings: Settings) -> BlockRun:
    """Return the run of a network on an image; some blocks are read to find the value range.

    Parameters
    ----------
    image : array
        A NumPy, dask or Zarr array, or any other object whose slices are pixels.
    grid : BlockGrid
        The image's blocks.
    network, settings
        As in `BlockRun`.

    Raises
    ------
    ValueError
        As `reader.value_range` does.
    """
    reader = BlockReader(image, grid, network.receptive_field)
    has_weights = next(network.parameters(), None) is not None
    settings = settings_for(settings, network, image, grid.layout)
    values = value_range(reader, settings.value_range, has_weights=has_weights)
    return BlockRun(reader, network, settings, values)


def run_into(run: BlockRun, out: Any, spread: Any = None) -> Generator[Progress, None, Report]:
    """Compute all blocks, and write them into an array; yield progress after every tile.

    Parameters
    ----------
    run : BlockRun
        Image, network and settings.
    out : array
        The result: an array with the axes, the shape and the type of `run.reader.grid.enlarged`.
    spread : array, optional
        Array of float32 with the same axes and shape, for the spread of an ensemble.

    Raises
    ------
    ValueError, OutOfMemoryError
        As `run_blocks` does.
    """
    grid, scale = run.reader.grid, run.network.scale
    layout = grid.enlarged(scale)

    def into(array: Any, block: Block, result: NDArray[Any]) -> None:
        layout.write(array, block.plane, *output_place(block, scale), result)

    write_spread = None if spread is None else partial(into, spread)
    return (yield from run_blocks(run, range(grid.count), partial(into, out), write_spread))


def run_blocks(
    run: BlockRun,
    numbers: Sequence[int],
    write: Callable[[Block, NDArray[Any]], object],
    write_spread: Callable[[Block, NDArray[Any]], object] | None = None,
) -> Generator[Progress, None, Report]:
    """Compute blocks one after the other; yield progress after every tile.

    Parameters
    ----------
    run : BlockRun
        Image, network and settings.
    numbers : sequence of int
        Indices of the blocks to compute.
    write : callable
        Called with a block and the result of its core, (S * H, S * W) or (S * H, S * W, C), in a
        thread, for one block at a time. Blocks of equal size keep their order. For networks with
        global values, it is called with parts of planes, as `PlaneResult` hands them on.
    write_spread : callable, optional
        The same for the spread of an ensemble.

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
    blocks = sorted(found, key=lambda one: one.extended.size, reverse=True)
    total = sum(_work(block) for block in blocks)
    groups = [list(alike) for _, alike in groupby(blocks, key=lambda one: one.extended.size)]
    report, before = Report(diagnostics_of(run.settings)), 0.0
    if not blocks:
        return report
    made = Pipeline(run, blocks, write, write_spread)
    with made as pipeline, explain_memory_errors("upscaling a block"):
        for alike in groups:
            work = sum(map(_work, alike)) / total
            steps = _run_alike(run, alike, pipeline, report)
            yield from _shares(steps, before, work, len(blocks))
            before += work
        pipeline.wait()
    return report


def _work(block: Block) -> int:
    height, width = block.extended.size
    return height * width


def _shares(
    steps: Generator[Progress, None, None], before: float, work: float, count: int
) -> Generator[Progress, None, None]:
    """Convert the progress of some blocks to progress of all; count blocks instead of tiles."""
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
    run: BlockRun, blocks: list[Block], pipeline: Pipeline, report: Report
) -> Generator[Progress, None, None]:
    """Compute blocks for which the network reads equal sizes; add their notes to the report."""
    prepared = run.prepared(blocks[0])
    layout = run.input_layout(len(blocks), blocks[0])
    pipeline.take(layout)
    planes = Planes(
        layout, pipeline.read, run.values, pipeline.result, pipeline.finish, report.diagnostics,
        spread=None if pipeline.spread is None else pipeline.spread.target,
    )  # fmt: skip
    report.add((yield from upscale_planes(prepared, planes)))


def output_place(block: Block, scale: int) -> tuple[slice, slice]:
    """Return the rows and columns of the result that a block covers."""
    if block.output is not None:
        return block.output.rows, block.output.columns
    return scaled(block.place.rows, scale), scaled(block.place.columns, scale)
