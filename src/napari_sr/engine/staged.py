"""Run a chain on one plane, stage by stage and tile by tile, equal to running it whole.

Only a tile is ever on the device, with the small values that were gathered; see `stages`.

Letters: C channels, H x W pixels of the image that enters the network.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_sr.engine.features import Features, scaled
from napari_sr.engine.moments import MomentsOfTiles
from napari_sr.models._chain import (
    IMAGE,
    RESULT,
    Attend,
    Cells,
    Moments,
    Step,
    Window,
    compute,
)
from sr_kernels import use_kernels
from sr_kernels.plane_moments import plane_moments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from fractions import Fraction

    from napari_sr.engine.stages import Stage, Stages
    from napari_sr.engine.tiling import Tile
    from napari_sr.models._chain import Chain


class UntrustedError(Exception):
    """A tile has NaN, infinity, or values that no input explains."""


@dataclass(frozen=True)
class Part:
    """A rectangle of a plane, in pixels of the image."""

    rows: slice
    columns: slice

    def without(self, radius: int, height: int, width: int) -> Part:
        """Return what is left inside a border, which is wrong at inner edges only."""
        return Part(_inner(self.rows, radius, height), _inner(self.columns, radius, width))

    def within(self, outer: Part, scale: int | Fraction) -> tuple[slice, slice]:
        """Return the rows and columns of a plane of `outer` that are this part."""
        return _from(self.rows, outer.rows, scale), _from(self.columns, outer.columns, scale)

    def lies_in(self, other: Part) -> bool:
        """Say whether all of it is part of another."""
        spans = ((self.rows, other.rows), (self.columns, other.columns))
        return all(a.start >= b.start and a.stop <= b.stop for a, b in spans)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start


def _inner(span: slice, radius: int, size: int) -> slice:
    start = span.start + radius if span.start > 0 else 0
    return slice(start, span.stop - radius if span.stop < size else size)


def _from(inner: slice, outer: slice, scale: int | Fraction) -> slice:
    return scaled(slice(inner.start - outer.start, inner.stop - outer.start), scale)


@dataclass
class Work:
    """What one run of a chain holds."""

    plan: Stages
    """What to run, and how it is cut."""
    chain: Chain
    """The same chain as the plan's, of a network on the device."""
    device: torch.device
    read: Callable[[slice, slice], Tensor]
    """Takes rows and columns; returns that part of the image, (1, C, rows, columns)."""
    write: Callable[[slice, slice, Tensor, bool], None]
    """Takes rows and columns, that part of the result, so many times larger, and whether it was
    computed in float32; raises `UntrustedError` where it was not and should be."""
    features: Features
    float32: bool
    """Whether `chain` computes in it."""
    kernels: str = "auto"
    """As `use_kernels` takes it."""
    careful: Chain | None = None
    """The same chain in float32 for tiles that cannot be trusted; only where nothing waits between
    stages, as features of theirs may not fit into half precision either."""
    values: dict[str, Tensor] = field(default_factory=dict)
    """What was gathered, by name."""


def run_stages(work: Work) -> Iterator[int]:
    """Run all stages; yield, after every tile, how many are done.

    Raises
    ------
    UntrustedError
        If a feature plane holds NaN or infinity, or `write` says so.
    """
    last = {name: at for at, stage in enumerate(work.plan.all) for name in stage.reads}
    done = 0
    for at, stage in enumerate(work.plan.all):
        for name in stage.keeps:
            if name != RESULT:
                kind = work.plan.profile.planes[name]
                work.features.make(name, kind.channels, kind.scale, kind.dtype)
        dying = [name for name in stage.reads if last[name] == at]
        for _ in _run_stage(work, stage, dying):
            done += 1
            yield done
        for name in dying:
            work.features.drop(name)
        for name in set(work.values) - _values_after(work, at):
            del work.values[name]


def _values_after(work: Work, at: int) -> set[str]:
    """Return the names of gathered values that stages after this one use."""
    later = work.plan.all[at + 1 :]
    steps = (work.chain[place] for stage in later for place, _ in stage.steps)
    return {name for step in steps if isinstance(step, Step) for name in step.uses}


def _run_stage(work: Work, stage: Stage, dying: Sequence[str]) -> Iterator[None]:
    link = None if stage.gather is None else work.chain[stage.gather]
    tiles = work.plan.tiles(stage)
    if isinstance(link, Cells):
        yield from _gather_cells(work, link, tiles)
        return
    if isinstance(link, Attend):
        yield from _attend(work, link, tiles, dying)
        return
    moments = MomentsOfTiles(len(tiles))
    for tile in tiles:
        for name in dying:
            work.features.drop_above(name, tile.rows.read.start)
        with use_kernels(work.kernels):
            told = _run_tile(work, stage, tile)
        if told is not None:
            moments.add(*told)
        yield
    if isinstance(link, Moments):
        # of a coarser plane, a tile's core may hold no pixel
        count, mean, deviations = moments.merged()
        with use_kernels(work.kernels):
            work.values[link.writes] = link.finish(mean, deviations, count)


def _gather_cells(work: Work, link: Cells, tiles: list[Tile]) -> Iterator[None]:
    """Compute a grid of cells, some together at a time."""
    rows, columns = tiles[-1].rows.keep.stop, tiles[-1].columns.keep.stop
    cells: Tensor | None = None
    for tile in tiles:
        part = Part(*(_under(span.read, link) for span in (tile.rows, tile.columns)))
        with use_kernels(work.kernels):
            found = link.compute(_read(work, link.reads, part))
        if cells is None:
            cells = found.new_empty((*found.shape[:2], rows, columns))
        cells[..., tile.rows.read, tile.columns.read] = found
        yield
    if cells is not None:
        with use_kernels(work.kernels):
            work.values[link.writes] = link.finish(cells)


def _attend(work: Work, link: Attend, runs: list[Tile], dying: Sequence[str]) -> Iterator[None]:
    """Compute a plane whose pixels look at chunks, some pixels at a time."""
    width = work.plan.grid.width
    most = work.plan.grid.tile**2
    for run in runs:
        chunk, looking = run.columns.read, run.columns.keep
        for name, first in zip(link.reads, (looking, chunk), strict=True):
            if name in dying:
                work.features.drop_above(name, first.start // width)
        pieces = (
            slice(start, min(start + most, chunk.stop))
            for start in range(chunk.start, chunk.stop, most)
        )
        with use_kernels(work.kernels):
            seen = (_read_run(work, link.reads[1], piece) for piece in pieces)
            found = link.compute(_read_run(work, link.reads[0], looking), seen)
        _write_run(work, link.writes, looking, found)
        yield


def _parts(run: slice, width: int) -> Iterator[Part]:
    """Yield the rectangles that pixels in row-major order fill: at most three."""
    start = run.start
    while start < run.stop:
        row, column = divmod(start, width)
        rows = 1 if column else max((run.stop - start) // width, 1)
        stop = min(run.stop, (row + rows) * width)
        columns = slice(column, column + (stop - start) // rows)
        yield Part(slice(row, row + rows), columns)
        start = stop


def _read_run(work: Work, name: str, run: slice) -> Tensor:
    """Return pixels in row-major order, (1, C, n)."""
    parts = _parts(run, work.plan.grid.width)
    return torch.cat([_read(work, name, part).flatten(2) for part in parts], dim=2)


def _write_run(work: Work, name: str, run: slice, values: Tensor) -> None:
    """Keep pixels in row-major order, (1, C, n)."""
    if not torch.isfinite(values).all():
        raise UntrustedError(f"{name} has NaN or infinity in the pixels {run}")
    done = 0
    for part in _parts(run, work.plan.grid.width):
        height, width = part.size
        piece = values[..., done : done + height * width]
        shaped = piece.reshape(*piece.shape[:2], height, width)
        work.features.write(name, part.rows, part.columns, shaped)
        done += height * width


def _under(cells: slice, link: Cells) -> slice:
    """Return which pixels some cells look at."""
    return slice(cells.start * link.pitch, (cells.stop - 1) * link.pitch + link.reach)


def _run_tile(work: Work, stage: Stage, tile: Tile) -> tuple[int, Tensor, Tensor] | None:
    """Compute one tile, again in float32 where that may help; see `_compute_tile`."""
    try:
        return _compute_tile(work, work.chain, stage, tile)
    except UntrustedError:
        if work.careful is None:
            raise
    with use_kernels("reference"):
        return _compute_tile(work, work.careful, stage, tile)


def _compute_tile(
    work: Work, chain: Chain, stage: Stage, tile: Tile
) -> tuple[int, Tensor, Tensor] | None:
    """Compute one tile; return the moments of its core where the stage gathers some."""
    core = Part(tile.rows.keep, tile.columns.keep)
    held = _Held(work, Part(tile.rows.read, tile.columns.read), stage.halo)
    for place, margin in stage.steps:
        step = chain[place]
        if isinstance(step, Step):
            held.compute(step, margin)
    for name in stage.keeps:
        values = held.part(name, core)
        if name == RESULT:
            work.write(core.rows, core.columns, values, work.float32 or chain is work.careful)
            continue
        if not torch.isfinite(values).all():
            raise UntrustedError(f"{name} has NaN or infinity in {core.rows}, {core.columns}")
        work.features.write(name, core.rows, core.columns, values)
    link = None if stage.gather is None else work.chain[stage.gather]
    if not isinstance(link, Moments):
        return None
    return held.moments(link.reads, core)


def _read(work: Work, name: str, part: Part) -> Tensor:
    if name == IMAGE:
        return work.read(part.rows, part.columns).to(work.device)
    values = work.features.read(name, part.rows, part.columns)
    return values.to(work.device)


class _Held:
    """The planes of one tile, each as far as it is right.

    Parameters
    ----------
    work : Work
        Where other planes are read.
    part : Part
        What the tile reads.
    halo : int
        How much of it, at inner edges, lies around the core.
    """

    def __init__(self, work: Work, part: Part, halo: int) -> None:
        self._work = work
        self._part = part
        self._halo = halo
        self._planes: dict[str, tuple[Tensor, Part, int | Fraction]] = {}
        self._told: dict[str, tuple[Part, tuple[Tensor, Tensor]]] = {}

    def compute(self, step: Step, margin: int) -> None:
        """Compute a step as far around the core as its result is needed."""
        grid = self._work.plan.grid
        radius = -(-step.radius // grid.multiple) * grid.multiple
        part = self._part.without(self._halo - margin - radius, grid.height, grid.width)
        inputs = {name: self.part(name, part) for name in step.reads}
        inputs |= {name: self._work.values[name] for name in step.uses}
        place = part.rows.start, part.columns.start
        window = Window(*place, *part.size, grid.height, grid.width)
        written, told = compute(step, inputs, window)
        for name, plane in written.items():
            self._planes[name] = (plane, part, step.scale)
        if told is not None:
            self._told[step.writes[0]] = (part, told)

    def part(self, name: str, part: Part) -> Tensor:
        """Return a part of a plane, read from outside where the tile does not hold it."""
        known = self._planes.get(name)
        if known is None or not part.lies_in(known[1]):
            scale = self._work.plan.profile.planes[name].scale
            self._planes[name] = (_read(self._work, name, part), part, scale)
        plane, held, scale = self._planes[name]
        rows, columns = part.within(held, scale)
        return plane[..., rows, columns]

    def moments(self, name: str, core: Part) -> tuple[int, Tensor, Tensor]:
        """Return number of pixels, mean and squared deviations of the core of a plane."""
        plane = self.part(name, core)
        count = plane.shape[2] * plane.shape[3]
        if not count:
            return 0, plane, plane
        part, told = self._told.get(name, (None, None))
        if told is not None and part == core:
            return count, *told
        return count, *plane_moments(plane)
