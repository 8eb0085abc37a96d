"""Preview a layer's result: compute the blocks of the visible region, from its centre outwards.

Symbols: H x W pixels, C channels, F factor.
"""

from __future__ import annotations

import math
from collections import deque
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.execution.block_reader import BlockReader
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.value_range import Percentiles, value_range_of
from napari_sr.engine.planning.block_size import usual_grid
from napari_sr.engine.planning.for_network import settings_for
from napari_sr.graph.factor import bounds
from napari_sr.runs import cache
from napari_sr.runs.job import named_errors
from napari_sr.streaming.preview_request import SIDE, PreviewBlock
from napari_sr.streaming.reader import value_range
from napari_sr.streaming.run import BlockRun, run_blocks

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_sr.engine.image.plane_values import ValueRange
    from napari_sr.engine.planning.blocks import Block, BlockGrid
    from napari_sr.engine.planning.tiling import Region
    from napari_sr.graph.factor import Factor
    from napari_sr.graph.network import Network
    from napari_sr.streaming.preview_request import PreviewRequest


def run_preview(request: PreviewRequest) -> Generator[PreviewBlock | float | None, None, bool]:
    """Compute the blocks of a region, or a whole plane; yield at least once per tile.

    Closing the generator cancels the preview.

    Parameters
    ----------
    request : PreviewRequest
        Layer, model, settings and region.

    Yields
    ------
    PreviewBlock, float or None
        First the region, enlarged by nearest neighbour; then each finished block, and None after
        each tile. For a whole plane, each finished part of the result, and the share done after
        each tile.

    Returns
    -------
    bool
        Whether the blocks equal the result of the whole layer. They do not if the network has
        global values and reads only the region and some pixels around it.

    Raises
    ------
    napari_sr.runs.job.UpscaleError, ValueError, OutOfMemoryError
        As `job.run` does.
    """
    return (yield from named_errors(_run(request), request.model.label))


def _run(request: PreviewRequest) -> Generator[PreviewBlock | float | None, None, bool]:
    network = cache.load(request.model)
    yield None  # the preview may have been cancelled meanwhile
    if network.processing is not None:
        raise ValueError(
            f"{network.title} has no preview, because its results may have another unit than the "
            "image: run it on a region instead"
        )
    run, numbers = _blocks(request, network)
    if not request.whole_plane:
        yield PreviewBlock(request.region, _repeated(request, run, network.factor), computed=False)
    finished: deque[PreviewBlock] = deque()

    def add(block: Block, values: NDArray[Any]) -> None:
        core = run.reader.grid.area if block.target is not None else block.core
        finished.append(PreviewBlock(core, np.ascontiguousarray(values), computed=True))

    with closing(run_blocks(run, numbers, add)) as steps:
        for step in steps:
            yield step.share if request.whole_plane else None
            while finished:
                yield finished.popleft()
    yield from finished
    return request.plane_is_known or _is_exact(run.reader.grid)


def _is_exact(grid: BlockGrid) -> bool:
    """Return whether blocks equal the whole result, because the network reads all that it needs."""
    return not grid.whole or grid.reads_plane(grid.block(0))


def _repeated(request: PreviewRequest, run: BlockRun, factor: Factor) -> NDArray[Any]:
    """Return the region, enlarged by nearest neighbour, to show until blocks are done."""
    region, layout = request.region, run.reader.grid.layout
    pixels = layout.read(request.source.data, request.plane, region.rows, region.columns)
    for axis, span in enumerate((region.rows, region.columns)):
        target = bounds(span, factor)
        centres = (2 * np.arange(target.start, target.stop) + 1) / (2 * float(factor))
        nearest = np.floor(centres).astype(int).clip(span.start, span.stop - 1)
        pixels = pixels.take(nearest - span.start, axis)
    found: NDArray[Any] = pixels
    return found


def _blocks(request: PreviewRequest, network: Network) -> tuple[BlockRun, list[int]]:
    """Return the run, and the indices of the blocks to compute, those near the centre first."""
    source, settings, region = request.source, request.settings, request.region
    layout = layout_of(source.shape, source.dtype, source.axes)
    side = math.ceil(SIDE / network.tile_alignment) * network.tile_alignment
    grid = usual_grid(layout, network, settings, (side, side))
    if grid.whole and not request.whole_plane:
        grid = usual_grid(layout, network, settings, region=region)
    elif grid.shrinking is not None and not request.whole_plane:
        grid = usual_grid(layout, network, settings, region.size, region)
    # a run of the current slice knows no other plane
    noisy = source.only(request.plane) if request.one_plane else source
    noisy_layout = layout_of(noisy.shape, noisy.dtype, noisy.axes)
    settings = settings_for(settings, network, noisy.pixels, noisy_layout)
    reader = BlockReader(source.data, grid, network.receptive_field)
    run = BlockRun(reader, network, settings, _value_range(request, reader, network), waits=False)
    if request.plane_is_known:
        return run, []
    blocks = [grid.block(number) for number in _numbers(grid, request)]
    missing = [one for one in blocks if grid.whole or one.core.spans not in request.known]
    return run, [one.number for one in sorted(missing, key=lambda one: _far(one, region))]


def _numbers(grid: BlockGrid, request: PreviewRequest) -> list[int]:
    """Return the indices of the plane's blocks that share pixels with the region."""
    down, across = grid.counts
    area, region = grid.area, request.region
    first = list(grid.layout.planes()).index(request.plane) * down * across
    spans = (
        (region.rows, area.rows.start, grid.rows),
        (region.columns, area.columns.start, grid.columns),
    )
    rows, columns = (
        range((span.start - start) // side, -(-(span.stop - start) // side))
        for span, start, side in spans
    )
    return [first + row * across + column for row in rows for column in columns]


def _value_range(request: PreviewRequest, reader: BlockReader, network: Network) -> ValueRange:
    """Return black and white as in a run; if finding them takes long, those of some blocks."""
    declared, source = request.settings.value_range, request.source
    if request.one_plane:
        source = source.only(request.plane)
        layout = layout_of(source.shape, source.dtype, source.axes)
        return value_range_of(source.pixels, layout, declared)
    lazy = not isinstance(source.data, np.ndarray)
    if lazy and isinstance(declared, Percentiles):
        has_weights = next(network.parameters(), None) is not None
        return value_range(reader, declared, has_weights=has_weights)
    return value_range_of(source.data, reader.grid.layout, declared)


def _far(block: Block, region: Region) -> float:
    """Return the distance of a block from the centre of a region."""
    pairs = ((block.core.rows, region.rows), (block.core.columns, region.columns))
    return math.hypot(
        *((one.start + one.stop - other.start - other.stop) / 2 for one, other in pairs)
    )
