"""The stages of a run, each of which goes over a plane tile by tile.

Where a plane is one tile, or the user chose a halo, there is one stage: every tile goes through
the whole chain at once. Else the chain is cut so that the tiles leave no trace. A value gathered
from a whole plane must be known before anything uses it, so a stage ends wherever something is
gathered; the planes that are needed later wait between stages, outside the device. A stage may also
end elsewhere: many small halos with features carried from one stage to the next can cost less than
one halo as wide as all of them together. Where to end one is decided by cost; see `stage_cost`.

Letters: H x W pixels of the image that enters the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from napari_sr.engine.planning import tiling
from napari_sr.engine.planning.stage_cost import StageCostModel
from napari_sr.graph.chain import (
    IMAGE,
    RESULT,
    ChunkedAttention,
    PooledGrid,
    Step,
    inputs_of,
    with_one_writer_each,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from napari_sr.engine.planning.chain_profile import Profile
    from napari_sr.engine.planning.tile_grid import TileGrid
    from napari_sr.graph.chain import Chain


@dataclass(frozen=True)
class Stage:
    """Part of a chain that runs tile by tile."""

    steps: tuple[tuple[int, int], ...]
    """Steps, computed one after the other on every tile: the place of each in the chain, and how
    far around the tile's core its result is needed."""
    gather: int | None
    """The place of a `GlobalStats` or `PooledGrid`, gathered from the tiles, or of a
    `ChunkedAttention`, which is a stage of its own; None where there is none."""
    reads: tuple[str, ...]
    """Planes made before, of which every tile reads its part and its halo."""
    keeps: tuple[str, ...]
    """Planes made here that later stages read, or the result."""
    halo: int
    """How far the planes that it reads are needed around the core, in pixels of the image."""
    at_once: bool = False
    """Whether each tile goes through the whole chain, as if it were the image; then there are no
    `steps`, and values of the whole image are those of the tile."""


class Stages:
    """A chain cut into stages for tiles of one size.

    Parameters
    ----------
    chain : Chain
        From the image to the result, any names.
    found : Profile
        Of `with_one_writer_each(chain)`.
    grid : TileGrid
        How planes are cut.
    flops_per_byte : float
        What carrying a byte to the device or back costs, in floating-point operations.
    halo : int, optional
        Where given, the tiles of the one stage read so many pixels around what they keep; else
        tiles read as much as leaves no trace of them.
    """

    def __init__(
        self,
        chain: Chain,
        found: Profile,
        grid: TileGrid,
        *,
        flops_per_byte: float = 0.0,
        halo: int | None = None,
    ) -> None:
        self.chain = with_one_writer_each(chain)
        self.profile = found
        self.grid = grid
        self._halo = halo
        self._costs = StageCostModel(self.chain, found, grid, flops_per_byte)

    @cached_property
    def all(self) -> tuple[Stage, ...]:
        """The stages in their order.

        Raises
        ------
        ValueError
            If a tile keeps nothing inside the widest halo that cannot be avoided.
        """
        if self._halo is not None:
            return (Stage((), None, (IMAGE,), (RESULT,), self._halo, at_once=True),)
        groups: list[tuple[list[int], int | None]] = []
        pending: list[int] = []
        for index, link in enumerate(self.chain):
            if isinstance(link, Step):
                pending.append(index)
            elif isinstance(link, (PooledGrid, ChunkedAttention)):
                if self._costs.made(pending) & set(inputs_of(link)):
                    groups += [(part, None) for part in self._costs.cut(pending)]
                    pending = []
                groups.append(([], index))
            else:
                parts = self._costs.cut(pending) or [[]]
                groups += [(part, None) for part in parts[:-1]]
                groups.append((parts[-1], index))
                # without a halo nothing need be kept: its few planes are computed once more
                pending = [] if any(map(self._costs.radius, parts[-1])) else list(parts[-1])
        groups += [(part, None) for part in self._costs.cut(pending)]
        return self._linked(groups)

    @cached_property
    def costs(self) -> tuple[float, ...]:
        """What each stage costs, in floating-point operations per pixel of the image."""
        return tuple(self._cost(stage) for stage in self.all)

    @property
    def cost(self) -> float:
        """What running all stages costs, in floating-point operations per pixel of the image."""
        return sum(self.costs)

    def _cost(self, stage: Stage) -> float:
        if stage.at_once:
            pixels = min(self.grid.tile, self.grid.height) * min(self.grid.tile, self.grid.width)
            read = len(self.tiles(stage)) * pixels / (self.grid.height * self.grid.width)
            return read * self.profile.work(pixels)
        cost = self._costs.cost(stage.steps, stage.halo, stage.reads, stage.keeps)
        if stage.gather is not None and isinstance(self.chain[stage.gather], ChunkedAttention):
            pixels = self.grid.height * self.grid.width
            cost += self.profile.flops[stage.gather] * pixels / self.profile.pixels
        return cost

    def extra(self, stage: Stage) -> float:
        """Return how many times its arithmetic a stage takes where tiles compute all they read."""
        return self._costs.extra(stage.steps, stage.halo)

    @property
    def count(self) -> int:
        """How many tiles there are in all stages."""
        return sum(len(self.tiles(stage)) for stage in self.all)

    @property
    def spilled_bytes(self) -> float:
        """The most bytes that wait between stages, per pixel of the image.

        While a stage runs, what it reads for the last time goes as fast as what it keeps comes.
        """
        last = {name: at for at, stage in enumerate(self.all) for name in stage.reads}
        most, held = 0.0, 0.0
        for at, stage in enumerate(self.all):
            most = max(most, held)
            held += sum(self._costs.bytes(name) for name in stage.keeps if name != RESULT)
            over = (name for name in stage.reads if last[name] == at and name != IMAGE)
            held -= sum(map(self._costs.bytes, over))
        return most

    def tiles(self, stage: Stage) -> list[tiling.Tile]:
        """Return the tiles of a stage.

        Those that gather cells count in cells. Those that attend count pixels in row-major order,
        as columns of one row: each keeps those that look, and reads their chunk.
        """
        link = None if stage.gather is None else self.chain[stage.gather]
        if isinstance(link, ChunkedAttention):
            return list(self._runs(link))
        if not isinstance(link, PooledGrid):
            return self.grid.tiles(stage.halo)
        rows, columns = (
            (size - link.reach) // link.pitch + 1 for size in (self.grid.height, self.grid.width)
        )
        together = max((self.grid.tile - link.reach) // link.pitch + 1, 1)
        return list(tiling.tiles(rows, columns, together, 0))

    def _runs(self, link: ChunkedAttention) -> Iterator[tiling.Tile]:
        """Yield runs of at most as many pixels as a tile has."""
        most, row = self.grid.tile**2, slice(0, 1)
        for chunk in link.chunks(self.grid.height * self.grid.width):
            for start in range(chunk.start, chunk.stop, most):
                kept = slice(start, min(start + most, chunk.stop))
                yield tiling.Tile(tiling.Region(row, chunk), tiling.Region(row, kept))

    def _linked(self, groups: Iterable[tuple[list[int], int | None]]) -> tuple[Stage, ...]:
        """Return the groups as stages that know what they read and keep."""
        found: list[Stage] = []
        following: list[int] = []
        later: set[str] = {RESULT}
        for steps, gather in reversed(list(groups)):
            again = steps and set(steps) <= set(following)
            places = steps if gather is None else [*steps, gather]
            keeps = set() if again else self._costs.made(places) & later
            gathered = () if gather is None else inputs_of(self.chain[gather])
            needed, margins = self._costs.margins(steps, {*keeps, *gathered})
            reads = set(needed) - self._costs.made(places)
            found.append(
                Stage(
                    tuple((place, margins[place]) for place in steps if place in margins),
                    gather,
                    tuple(sorted(reads)),
                    tuple(sorted(keeps)),
                    max((needed[name] for name in reads), default=0),
                )
            )
            later |= reads
            following = steps
        return tuple(reversed(found))
