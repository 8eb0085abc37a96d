"""Upscale a stack block by block, and enlarge it along Z by interpolation.

All planes of a block's place are computed one after the other, and interpolated as they arrive, so
only a few of them are in memory.

Symbols: D planes, S scale.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.execution.pace import Pace
from napari_sr.engine.execution.upscale import diagnostics_of
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.axial import PlanesAlongZ, checked_axial, enlarged_along_z
from napari_sr.engine.planning.block_size import usual_grid
from napari_sr.runs import cache
from napari_sr.runs.axial import NETWORK, Axial, upscale_along_z
from napari_sr.runs.run import drive, translate
from napari_sr.streaming.arrays import check_out, side_of
from napari_sr.streaming.report import Report
from napari_sr.streaming.run import output_place, run_blocks, run_on

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from fractions import Fraction

    from numpy.typing import NDArray

    from napari_sr.engine.execution.context import Progress
    from napari_sr.engine.image.arrays import Layout
    from napari_sr.engine.planning.blocks import Block, BlockGrid
    from napari_sr.graph.network import Network
    from napari_sr.runs.run import Request
    from napari_sr.streaming.run import BlockRun


def upscale_stack(
    request: Request,
    factor: float,
    by: str,
    out: Any,
    progress: Callable[[Progress], object] | None,
) -> NDArray[Any]:
    """Upscale a stack along all three axes, for `napari_sr.upscale`, which says more.

    Raises
    ------
    ValueError, OutOfMemoryError
        As `upscale_along_z` does, or with `out`, as `upscale_into_along_z` does.
    """
    axial, network = Axial(factor, by), cache.load(request.model)
    if out is None:
        return drive(upscale_along_z(request, axial, network), progress)[0]
    drive(upscale_into_along_z(request, axial, out, network), progress)
    result: NDArray[Any] = out
    return result


def upscale_into_along_z(
    request: Request, axial: Axial, out: Any, network: Network
) -> Generator[Progress, None, Report]:
    """Upscale a stack into an array, and enlarge it along Z; yield progress after every tile.

    Parameters
    ----------
    request : Request
        Image, settings and axes.
    axial : Axial
        The enlargement along Z, by interpolation.
    out : array
        Zarr, NumPy, h5py or similar, with the shape and the data type of the result.
    network : Network
        The request's model, loaded.

    Raises
    ------
    ValueError
        If `out` does not fit, the network shall enlarge Z, or the image, its axes or a setting is
        wrong.
    OutOfMemoryError
        If a block does not fit into memory.
    """
    image: Any = request.image
    layout = layout_of(image.shape, image.dtype, request.axes)
    factor, region = checked_factor(axial, layout), request.region
    whole = usual_grid(layout, network, request.settings, region=region)
    larger = enlarged_along_z(whole.enlarged(network.scale), factor)
    check_out(out, larger, image)
    grid = usual_grid(layout, network, request.settings, side_of(out, larger, network), region)
    run = run_on(image, grid, network, request.settings)

    def into(block: Block, result: NDArray[Any]) -> None:
        larger.write(out, block.plane, *output_place(block, network.scale), result)

    return (yield from run_along_z(run, factor, into))


def checked_factor(axial: Axial, layout: Layout) -> Fraction:
    """Check an enlargement along Z by blocks, and return it as a fraction.

    Raises
    ------
    ValueError
        As `checked_axial` does, or if the network shall enlarge Z.
    """
    axial.check()
    if axial.by == NETWORK:
        raise ValueError(
            "a network can only enlarge Z in memory, because its planes XZ and YZ need the whole "
            "stack: give no out, or enlarge Z by interpolation"
        )
    return checked_axial(axial.factor, layout)


def run_along_z(
    run: BlockRun, factor: Fraction, write: Callable[[Block, NDArray[Any]], object]
) -> Generator[Progress, None, Report]:
    """Compute all blocks of a stack, and interpolate along Z; yield progress after every tile.

    The values are those of `runs.axial.upscale_along_z`, except for rounding where a network
    computes blocks and whole planes differently.

    Parameters
    ----------
    run : BlockRun
        A run on an image with an axis Z.
    factor : Fraction
        Enlargement along Z, at least 1.
    write : callable
        Called with a block whose `plane` is that of the result, and its values in the image's type,
        (S * H, S * W) or (S * H, S * W, C), in a thread.

    Returns
    -------
    Report
        Notes and counts for the user.

    Raises
    ------
    ValueError, OutOfMemoryError
        As `run_blocks` does.
    """
    grid, pace = run.reader.grid, Pace()
    run = replace(run, settings=replace(run.settings, unrounded=True))
    report = Report(diagnostics_of(run.settings))
    stacks = list(_stacks(grid))
    for number, blocks in enumerate(stacks):
        steps = run_blocks(run, blocks, _Stack(grid.layout, factor, write).add)
        before = number / len(stacks)

        def whole(step: Progress, before: float = before) -> Progress:
            share = before + step.share / len(stacks)
            done = int(share * grid.count)
            left = pace.seconds_left(share)
            return replace(step, done=done, total=grid.count, share=share, seconds_left=left)

        report.merge((yield from translate(steps, whole)))
    return report


def _stacks(grid: BlockGrid) -> Iterator[list[int]]:
    """Yield the numbers of the blocks that differ only in Z, from the first plane to the last."""
    letters = [one for one in grid.layout.axes if one not in "YX"]
    if grid.layout.samples:
        letters.pop()
    lengths = [grid.layout.shape[grid.layout.axes.index(one)] for one in letters]
    numbers = np.arange(grid.count).reshape(*lengths, -1)
    columns = np.moveaxis(numbers, letters.index("Z"), -1)
    for column in columns.reshape(-1, columns.shape[-1]):
        yield column.tolist()


class _Stack:
    """The blocks of one place, which are interpolated along Z as they arrive.

    Blocks that are whole planes arrive in parts; each part has a place of its own.
    """

    def __init__(
        self, layout: Layout, factor: Fraction, write: Callable[[Block, NDArray[Any]], object]
    ) -> None:
        letters = layout.axes.translate(str.maketrans("", "", "YX"))
        self._at = letters.index("Z")
        self._depth = layout.shape[layout.axes.index("Z")]
        self._layout, self._factor, self._write = layout, factor, write
        self._parts: dict[tuple[tuple[int, int], ...], PlanesAlongZ] = {}

    def add(self, block: Block, values: NDArray[Any]) -> None:
        """Take the unrounded result of a block, and write the planes that are complete."""
        key = block.place.spans
        if key not in self._parts:
            write = partial(self._written, block)
            self._parts[key] = PlanesAlongZ(self._depth, self._factor, self._layout.dtype, write)
        self._parts[key].add(block.plane[self._at], values)

    def _written(self, block: Block, number: int, values: NDArray[Any]) -> None:
        plane = (*block.plane[: self._at], number, *block.plane[self._at + 1 :])
        self._write(replace(block, plane=plane), values)
