"""Read, compute and write blocks at the same time.

Symbols: H x W pixels, C channels, S scale.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.execution.shrunk_spread import ShrunkSpread
from napari_sr.engine.planning.block_size import usual_side
from napari_sr.streaming.plane_result import PlaneResult

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from napari_sr.engine.execution.context import Finished
    from napari_sr.engine.image.arrays import Layout
    from napari_sr.engine.image.conversion import Filled
    from napari_sr.engine.planning.blocks import Block
    from napari_sr.engine.planning.shrinking import Shrinking
    from napari_sr.streaming.run import BlockRun

    Write = Callable[[Block, NDArray[Any]], object]


class Pipeline:
    """Reads the next block and writes the last one, in threads, while a block is computed.

    Parameters
    ----------
    run : BlockRun
        The run.
    blocks : list of Block
        All blocks, in the order in which they are computed.
    write : callable
        Writes the result of a block.
    write_spread : callable, optional
        Writes the spread of a block, if the run computes it.

    Attributes
    ----------
    result, spread : BlockOutput
        Arrays into which the run writes the result and its spread; `spread` is None if the run
        does not compute it. With `Settings.unrounded`, the result consists of floats.
    """

    def __init__(
        self, run: BlockRun, blocks: list[Block], write: Write, write_spread: Write | None = None
    ) -> None:
        self._run = run
        self._blocks = iter(blocks)
        self._shape: tuple[int, ...] = ()
        self._threads = (
            ThreadPoolExecutor(1, "napari-sr-read"),
            ThreadPoolExecutor(1, "napari-sr-write"),
        )
        layout = run.reader.grid.layout
        layout = layout.as_floats if run.settings.unrounded else layout
        self.result = BlockOutput(run, layout, write, self._threads[1])
        self.spread: BlockOutput | None = None
        if write_spread is not None:
            floats = replace(layout, dtype=np.dtype(np.float32))
            parts = run, floats, write_spread, self._threads[1]
            shrinking = run.reader.grid.shrinking
            self.spread = (
                BlockOutput(*parts) if shrinking is None else ShrunkSpreadOutput(*parts, shrinking)
            )
        self._block = blocks[0]
        self._next: tuple[Block, Future[Filled]] | None = None

    @property
    def _outputs(self) -> list[BlockOutput]:
        return [self.result] if self.spread is None else [self.result, self.spread]

    def take(self, layout: Layout) -> None:
        """Prepare for blocks of one size; `layout` describes the pixels that the network reads."""
        self._shape = layout.enlarged(self._run.network.scale).shape[1:]

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, *error: object) -> None:
        for threads in self._threads:
            threads.shutdown(wait=True, cancel_futures=True)

    def read(self, index: tuple[int, ...]) -> Filled:
        """Return the window of the next block, and start reading the one after it."""
        self._block, window = self._next or self._submit(next(self._blocks))
        pixels = window.result()
        for output in self._outputs:
            output.begin(self._block, self._shape)
        if self._run.in_parts:
            return pixels  # two planes may not fit into memory
        following = next(self._blocks, None)
        self._next = None if following is None else self._submit(following)
        return pixels

    def _submit(self, block: Block) -> tuple[Block, Future[Filled]]:
        return block, self._threads[0].submit(self._run.reader.read, block)

    def finish(self, index: tuple[int, ...]) -> Finished | None:
        """Wait until the previous block is written, and start writing the current block's core.

        Return the core's result before and after rounding if it is shrunk, else None.
        """
        found = [output.finish(self._block) for output in self._outputs]
        return found[0]

    def wait(self) -> None:
        """Wait until the last block is written; raise the error if writing failed."""
        for output in self._outputs:
            output.wait()


class BlockOutput:
    """The array of the current block, while a thread writes the array of the previous block.

    The run assigns parts by index, as to an array.

    Parameters
    ----------
    run : BlockRun
        The run.
    layout : Layout
        Layout of the image, with the data type of this output.
    write : callable
        Writes the array of a block.
    thread : ThreadPoolExecutor
        The thread that calls `write`.
    """

    def __init__(
        self, run: BlockRun, layout: Layout, write: Write, thread: ThreadPoolExecutor
    ) -> None:
        self._grid, self._shrinking = run.reader.grid, run.reader.grid.shrinking
        self._kind = layout.dtype
        self.dtype = layout.dtype if self._shrinking is None else layout.as_floats.dtype
        self._layout, self._scale, self._in_parts = layout, run.network.scale, run.in_parts
        self._write, self._thread = write, thread
        self._result: Any = np.empty(0, self.dtype)
        self.target: BlockOutput | ShrunkSpread = self
        """What the run fills."""
        self._writing: Future[object] | None = None

    def begin(self, block: Block, shape: tuple[int, ...]) -> None:
        """Make the array of a block; `shape` is the shape of its enlarged window."""
        if self._in_parts:
            side = usual_side(self._scale)
            self._result = PlaneResult(block, self._layout, self._scale, side, self._hand_on)
        else:
            self._result = np.empty(shape, self.dtype)

    def __setitem__(self, index: tuple[Any, ...], values: NDArray[Any]) -> None:
        self._result[index[1:]] = values

    def finish(self, block: Block) -> Finished | None:
        """Wait until the previous block is written, and start writing the current block's core.

        Return the core's result before and after rounding if it is shrunk, else None.
        """
        if isinstance(self._result, PlaneResult):
            self._result.close()
            return None
        values = self._result[block.core.slices_in(block.window, self._scale)]
        if self._shrinking is not None and block.target is not None:
            size = self._grid.layout.height, self._grid.layout.width
            found = self._shrinking.apply(values, block.core, size, block.target, self._kind)
            self._hand_on(block, found[1])
            return found
        self._hand_on(block, values)
        return None

    def _hand_on(self, block: Block, values: NDArray[Any]) -> None:
        self.wait()
        self._writing = self._thread.submit(self._write, block, values)

    def wait(self) -> None:
        """Wait until the last block is written; raise the error if writing failed."""
        if self._writing is not None:
            self._writing.result()
            self._writing = None


class ShrunkSpreadOutput(BlockOutput):
    """The spread of the current block of an ensemble whose results are shrunk to a factor.

    Parameters
    ----------
    run, layout, write, thread
        As in `BlockOutput`.
    shrinking : Shrinking
        The last step of the enlargement.

    """

    def __init__(
        self,
        run: BlockRun,
        layout: Layout,
        write: Write,
        thread: ThreadPoolExecutor,
        shrinking: Shrinking,
    ) -> None:
        super().__init__(run, layout, write, thread)
        self._spread = ShrunkSpread(shrinking, (layout.height, layout.width))
        self.target = self._spread

    def begin(self, block: Block, shape: tuple[int, ...]) -> None:
        """Prepare for the spread of a block."""
        if block.target is None:
            raise RuntimeError("a block of a shrunk result needs a target, got None")
        self._spread.aim(block.window, block.target)

    def finish(self, block: Block) -> Finished | None:
        """Wait until the previous block is written, and start writing this one; return None."""
        found = self._spread.take()
        self._hand_on(block, found if self._layout.samples else found[..., 0])
        return None
