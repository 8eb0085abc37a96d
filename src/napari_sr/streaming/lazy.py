"""Upscale lazily: into a dask array whose chunks are computed when they are needed.

Symbols: H x W pixels of the image, S scale.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from napari_sr.engine.backends.fingerprint import fingerprint
from napari_sr.engine.execution.block_reader import BlockReader
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.value_range import Percentiles, value_range_of
from napari_sr.engine.planning.block_size import usual_grid
from napari_sr.engine.planning.for_network import result_layout, settings_for
from napari_sr.engine.planning.tiling import Region
from napari_sr.runs import cache
from napari_sr.runs.run import drive
from napari_sr.streaming.kept_planes import KeptPlanes, mark_of
from napari_sr.streaming.reader import value_range
from napari_sr.streaming.run import BlockRun, output_place, run_blocks
from napari_sr.streaming.shards import shard_of_block

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_sr.engine.image.arrays import ArrayLike, Layout
    from napari_sr.engine.planning.blocks import Block, BlockGrid
    from napari_sr.engine.planning.settings import Settings
    from napari_sr.graph.network import Network
    from napari_sr.runs.model import ModelReference
    from napari_sr.runs.run import Request


def lazy_result(request: Request) -> Any:
    """Return the result of a request as a dask array, which is computed chunk by chunk.

    A network with global values computes a plane as a whole, and chunks are parts of its result.
    The result is kept on the disk, and used again while its source is the same; see `kept_planes`.

    Raises
    ------
    ValueError
        If the image, its axes, the model or a setting is wrong.
    """
    dask: Any = import_module("dask")
    dask_array: Any = import_module("dask.array")
    image: Any = request.image
    layout = layout_of(image.shape, image.dtype, request.axes)
    network = _network(request.model)
    settings = request.settings
    grid = usual_grid(layout, network, settings)
    if isinstance(settings.value_range, Percentiles):
        reader = BlockReader(_Synchronous.of(image), grid, network.receptive_field)
        values = value_range(reader, settings.value_range, has_weights=True)
        settings = replace(settings, value_range=(values.low, values.high))
    settings = settings_for(settings, network, _Synchronous.of(image), layout)
    lazy = _Lazy(image, request.model, settings, grid)
    layout = result_layout(layout, network, settings)
    options = {"dtype": layout.dtype, "meta": np.empty((0,) * len(layout.shape), layout.dtype)}
    computed = dask_array.map_blocks(
        _chunk_of,
        lazy=lazy,
        chunks=_chunks(grid.enlarged(network.scale), _sides(grid, network.scale)),
        name=f"upscaled-{np.random.default_rng().bytes(8).hex()}",
        **options,
    )
    if not grid.whole:
        return computed
    side = shard_of_block(grid, network.scale)
    with dask.config.set({"array.rechunk.method": "tasks"}):  # chunks are only cut, never joined
        parts = computed.rechunk(_chunks(grid.enlarged(network.scale), side))
    return parts.map_blocks(np.array, **options)  # copies, so that no one writes into kept planes


@dataclass(frozen=True, eq=False)
class _Lazy:
    """The data that all chunks of a lazy result share; it can be sent to other processes."""

    image: ArrayLike
    model: ModelReference
    settings: Settings
    grid: BlockGrid

    def chunk(self, block_id: tuple[int, ...]) -> NDArray[Any]:
        """Return the result of one block."""
        layout = self.grid.layout
        place = dict(zip(layout.axes, block_id, strict=True))
        down, across = self.grid.counts
        looped = [letter for letter in layout.axes if letter in self._looped]
        plane = 0
        for letter in looped:
            plane = plane * layout.shape[layout.axes.index(letter)] + place[letter]
        number = (plane * down + place["Y"]) * across + place["X"]
        block = self.grid.block(number)
        with _LOCK:
            return self._plane(block) if self.grid.whole else self._computed(block)

    @property
    def _looped(self) -> str:
        letters = self.grid.layout.axes[:-1] if self.grid.layout.samples else self.grid.layout.axes
        return letters.replace("Y", "").replace("X", "")

    def _plane(self, block: Block) -> NDArray[Any]:
        """Return the result of a plane, in a file if there is room; do not write into it."""
        run = _run_of(self)
        source = self.grid.layout.read(run.reader.image, block.plane)
        mark = mark_of(source, fingerprint(run.network))
        kept = _KEPT.find(self, block.number, mark)
        if kept is None:
            room = _KEPT.room(self._shape(block), self.grid.layout.dtype)
            kept = self._computed(block, room)
            if room is not None:
                _KEPT.keep(self, block.number, mark, kept)
        return kept

    def _shape(self, block: Block) -> tuple[int, ...]:
        layout = self.grid.layout
        rows, columns = output_place(block, _run_of(self).network.scale)
        sizes = {"Y": rows.stop - rows.start, "X": columns.stop - columns.start}
        return tuple(
            sizes.get(letter, 1 if letter in self._looped else length)
            for letter, length in zip(layout.axes, layout.shape, strict=True)
        )

    def _computed(self, block: Block, into: NDArray[Any] | None = None) -> NDArray[Any]:
        """Compute the result of a block."""
        layout, run = self.grid.layout, _run_of(self)
        result = np.empty(self._shape(block), layout.dtype) if into is None else into
        first = tuple(0 for _ in self._looped)
        of_block = replace(layout, shape=result.shape)

        def write(part: Block, values: NDArray[Any]) -> None:
            outer, inner = (output_place(one, run.network.scale) for one in (block, part))
            place = Region(*inner).slices_in(Region(*outer), 1)
            of_block.write(result, first, *place, values)

        drive(run_blocks(run, [block.number], write))
        return result


_LOCK = threading.Lock()
"""Lets only one thread compute: dask uses several, but PyTorch needs all cores for one chunk."""
_KEPT = KeptPlanes()
_RUNS: WeakKeyDictionary[_Lazy, BlockRun] = WeakKeyDictionary()


def _run_of(lazy: _Lazy) -> BlockRun:
    """Return the run that computes a lazy result; each process loads the network once."""
    if lazy not in _RUNS:
        network = _network(lazy.model)
        reader = BlockReader(_Synchronous.of(lazy.image), lazy.grid, network.receptive_field)
        values = value_range_of(lazy.image, lazy.grid.layout, lazy.settings.value_range)
        _RUNS[lazy] = BlockRun(reader, network, lazy.settings, values)
    return _RUNS[lazy]


@lru_cache(maxsize=4)
def _network(model: ModelReference) -> Network:
    return cache.load(model)


class _Synchronous:
    """A dask array that is computed in the thread that slices it.

    Tasks of dask may slice it. They cannot wait for each other, because no other threads or workers
    are involved.

    Parameters
    ----------
    array : dask array
        The array.
    """

    def __init__(self, array: Any) -> None:
        self._array = array
        self.shape: tuple[int, ...] = array.shape
        self.dtype: Any = array.dtype

    @classmethod
    def of(cls, image: Any) -> Any:
        """Return an array that can be sliced inside a task."""
        return cls(image) if hasattr(image, "__dask_graph__") else image

    def __getitem__(self, index: Any) -> Any:
        return self._array[index].compute(scheduler="synchronous")


def _chunk_of(lazy: _Lazy, block_id: tuple[int, ...]) -> NDArray[Any]:
    return lazy.chunk(block_id)


def _sides(grid: BlockGrid, scale: int) -> tuple[int, int]:
    """Return rows and columns of the result of a block."""
    if grid.shrinking is not None:
        return grid.output_sides
    return grid.rows * scale, grid.columns * scale


def _chunks(larger: Layout, side: tuple[int, int]) -> tuple[tuple[int, ...], ...]:
    """Return the chunks of a result, which have these sides or end where the result ends."""
    sides = dict(zip("YX", side, strict=True))
    chunks = []
    for axis, (letter, length) in enumerate(zip(larger.axes, larger.shape, strict=True)):
        if letter in sides:
            starts = range(0, length, sides[letter])
            chunks.append(tuple(min(sides[letter], length - at) for at in starts))
        elif larger.samples and axis == len(larger.axes) - 1:
            chunks.append((length,))
        else:
            chunks.append((1,) * length)
    return tuple(chunks)
