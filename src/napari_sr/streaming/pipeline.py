"""Read, compute and write blocks at the same time.

Letters: H x W pixels, C channels, S scale.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.planning.blocks import usual_side
from napari_sr.streaming.plane_result import PlaneResult

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from napari_sr.engine.image.arrays import Layout
    from napari_sr.engine.image.conversion import Filled
    from napari_sr.engine.planning.blocks import Block
    from napari_sr.streaming.run import BlockRun


class Pipeline:
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
        self._in_parts = run.in_parts
        self._shape: tuple[int, ...] = ()
        self._result: Any = np.empty(0, self.dtype)
        self._threads = (
            ThreadPoolExecutor(1, "napari-sr-read"),
            ThreadPoolExecutor(1, "napari-sr-write"),
        )
        self._block = blocks[0]
        self._next: tuple[Block, Future[Filled]] | None = None
        self._writing: Future[object] | None = None

    def take(self, layout: Layout) -> None:
        """Prepare for the blocks of windows with this layout."""
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
        if self._in_parts:
            grid, scale = self._run.reader.grid, self._run.network.scale
            side = usual_side(scale)
            self._result = PlaneResult(self._block, grid.layout, scale, side, self._hand_on)
            return pixels  # two planes may not fit into memory
        self._result = np.empty(self._shape, self.dtype)
        following = next(self._blocks, None)
        self._next = None if following is None else self._submit(following)
        return pixels

    def _submit(self, block: Block) -> tuple[Block, Future[Filled]]:
        return block, self._threads[0].submit(self._run.reader.read, block)

    def __setitem__(self, index: tuple[Any, ...], values: NDArray[Any]) -> None:
        self._result[index[1:]] = values

    def finish(self, index: tuple[int, ...]) -> None:
        """Start writing the core of a finished block, once the block before it is written."""
        if isinstance(self._result, PlaneResult):
            self._result.close()
            return
        core = self._block.core.slices_in(self._block.window, self._run.network.scale)
        self._hand_on(self._block, self._result[core])

    def _hand_on(self, block: Block, values: NDArray[Any]) -> None:
        self.wait()
        self._writing = self._threads[1].submit(self._write, block, values)

    def wait(self) -> None:
        """Wait until the last block is written; raise the error if writing failed."""
        if self._writing is not None:
            self._writing.result()
            self._writing = None
