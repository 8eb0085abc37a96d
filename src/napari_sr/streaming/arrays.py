"""Upscaling from one array into another, block by block, or lazily as a dask array."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from napari_sr.engine.execution.block_reader import BlockReader
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.value_range import Percentiles, value_range_of
from napari_sr.engine.planning.blocks import SIDES, usual_grid
from napari_sr.runs import cache
from napari_sr.runs.run import drive
from napari_sr.streaming.reader import value_range
from napari_sr.streaming.run import BlockRun, output_place, run_blocks, run_into, run_on

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_sr.engine.execution.context import Progress
    from napari_sr.engine.image.arrays import ArrayLike, Layout
    from napari_sr.engine.planning.blocks import Block, BlockGrid
    from napari_sr.engine.planning.settings import Settings
    from napari_sr.graph.network import Network
    from napari_sr.runs.model import ModelReference
    from napari_sr.runs.run import Request
    from napari_sr.streaming.report import Report


def upscale_into(request: Request, out: Any, network: Network) -> Generator[Progress, None, Report]:
    """Upscale an image into an array, block by block; yield progress after every tile.

    Parameters
    ----------
    request : Request
        Image, settings and axes.
    out : array
        Zarr, NumPy, h5py or similar, with the shape and the data type of the result. If it has
        chunks, blocks are whole chunks where the scale allows it.
    network : Network
        The request's model, loaded.

    Raises
    ------
    ValueError
        If `out` has another shape or data type, is read-only or shares memory with the image; or if
        the image, its axes or a setting is wrong.
    OutOfMemoryError
        If a block does not fit into memory.
    """
    image: Any = request.image
    layout = layout_of(image.shape, image.dtype, request.axes)
    region = request.region
    larger = (layout if region is None else layout.resized(region.size)).enlarged(network.scale)
    _check_out(out, larger, image)
    grid = usual_grid(layout, network, request.settings, _side(out, larger, network), region)
    return (yield from run_into(run_on(image, grid, network, request.settings), out))


def _check_out(out: Any, layout: Layout, image: Any) -> None:
    shape, kind = getattr(out, "shape", None), getattr(out, "dtype", None)
    if shape != layout.shape or kind != layout.dtype or not hasattr(out, "__setitem__"):
        raise ValueError(
            f"out must be an array of shape {layout.shape} and type {layout.dtype} that can be "
            f"written into, got {type(out).__name__} of shape {shape} and type {kind}"
        )
    if getattr(out, "read_only", False) or (
        isinstance(out, np.ndarray) and not out.flags.writeable
    ):
        raise ValueError(f"out must be an array that can be written into, got {type(out).__name__}")
    both = isinstance(out, np.ndarray) and isinstance(image, np.ndarray)
    if out is image or (both and np.may_share_memory(out, image)):
        raise ValueError("out must not share memory with the image, whose blocks are read later")


def _side(out: Any, layout: Layout, network: Network) -> tuple[int, int] | None:
    """Return the block sides that cover whole chunks of an array; None if there are none."""
    chunks = getattr(out, "shards", None) or getattr(out, "chunks", None)
    if not isinstance(chunks, tuple) or len(chunks) != len(layout.axes):
        return None
    sides = []
    for letter in "YX":
        chunk = chunks[layout.axes.index(letter)]
        unit = math.lcm(chunk, network.scale * network.tile_alignment) // network.scale
        sides.append(unit * max(1, SIDES[0] // unit))
    return (sides[0], sides[1]) if max(sides) <= 4 * SIDES[0] else None


@dataclass(frozen=True, eq=False)
class _Lazy:
    """The data that all chunks of a lazy result share; it can be sent to other processes."""

    image: ArrayLike
    model: ModelReference
    settings: Settings
    grid: BlockGrid

    def chunk(self, block_id: tuple[int, ...]) -> NDArray[Any]:
        """Compute one chunk of the result."""
        layout = self.grid.layout
        place = dict(zip(layout.axes, block_id, strict=True))
        down, across = self.grid.counts
        looped = [letter for letter in layout.axes if letter in self._looped]
        plane = 0
        for letter in looped:
            plane = plane * layout.shape[layout.axes.index(letter)] + place[letter]
        number = (plane * down + place["Y"]) * across + place["X"]
        with _LOCK:
            return self._compute(self.grid.block(number))

    @property
    def _looped(self) -> str:
        letters = self.grid.layout.axes[:-1] if self.grid.layout.samples else self.grid.layout.axes
        return letters.replace("Y", "").replace("X", "")

    def _compute(self, block: Block) -> NDArray[Any]:
        layout, run = self.grid.layout, _run_of(self)
        rows, columns = output_place(block, run.network.scale)
        sizes = {"Y": rows.stop - rows.start, "X": columns.stop - columns.start}
        shape = tuple(
            sizes.get(letter, 1 if letter in self._looped else length)
            for letter, length in zip(layout.axes, layout.shape, strict=True)
        )
        result = np.empty(shape, layout.dtype)
        first = tuple(0 for _ in self._looped)
        of_chunk = replace(layout, shape=shape)

        def write(part: Block, values: NDArray[Any]) -> None:
            place = part.core.slices_in(block.core, run.network.scale)
            of_chunk.write(result, first, *place, values)

        drive(run_blocks(run, [block.number], write))
        return result


_LOCK = threading.Lock()
"""Lets one thread compute at a time: dask uses several, PyTorch needs all cores for a chunk."""
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

    A task of dask may slice it: other threads or workers are not involved, so no deadlock can
    occur.

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


def lazy_result(request: Request) -> Any:
    """Return the result of a request as a dask array, which is computed chunk by chunk.

    Raises
    ------
    ValueError
        If the image, its axes, the model or a setting is wrong.
    """
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
    lazy = _Lazy(image, request.model, settings, grid)
    return dask_array.map_blocks(
        _chunk_of,
        lazy=lazy,
        chunks=_chunks(layout, grid, network.scale),
        dtype=layout.dtype,
        meta=np.empty((0,) * len(layout.shape), layout.dtype),
        name=f"upscaled-{np.random.default_rng().bytes(8).hex()}",
    )


def _chunk_of(lazy: _Lazy, block_id: tuple[int, ...]) -> NDArray[Any]:
    return lazy.chunk(block_id)


def _chunks(layout: Layout, grid: BlockGrid, scale: int) -> tuple[tuple[int, ...], ...]:
    sides = {"Y": grid.rows, "X": grid.columns}
    chunks = []
    for axis, (letter, length) in enumerate(zip(layout.axes, layout.shape, strict=True)):
        if letter in sides:
            starts = range(0, length, sides[letter])
            chunks.append(tuple(min(sides[letter], length - at) * scale for at in starts))
        elif layout.samples and axis == len(layout.axes) - 1:
            chunks.append((length,))
        else:
            chunks.append((1,) * length)
    return tuple(chunks)
