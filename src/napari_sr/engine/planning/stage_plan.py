"""The stages of a run; each stage goes over a plane tile by tile.

If a plane is one tile, or the user chose a halo, there is one stage, in which every tile goes
through the whole chain. Otherwise the chain is cut into stages, so that the tiles leave no seams.
A value gathered from a whole plane must be known before a step uses it, so a stage ends at every
link that gathers. Planes that later stages need are stored between stages, outside the device.
A stage may also end elsewhere: several small halos, with features stored in between, can cost less
than one halo as wide as their sum. The cost decides; see `stage_cost`.

Symbols: H x W pixels of the image that enters the network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from napari_sr.engine.planning.stage_cost import StageCostModel
from napari_sr.engine.planning.stage_tiles import count_of, tiles_of
from napari_sr.engine.planning.turns import Turn, in_strips, lags, most_stored, rows_of_a_band
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
    from collections.abc import Iterable

    from napari_sr.engine.planning.chain_profile import Profile
    from napari_sr.engine.planning.tile_grid import TileGrid
    from napari_sr.engine.planning.tiling import Tile
    from napari_sr.graph.chain import Chain, Link


@dataclass(frozen=True)
class Stage:
    """Part of a chain that runs tile by tile."""

    steps: tuple[tuple[int, int], ...]
    """The steps computed on every tile, in order. For each: its index in the chain, and how many
    pixels of its result are needed around the kept part of a tile."""
    gather: int | None
    """Index of a `GlobalStats` or `PooledGrid` that is gathered from the tiles, or of a
    `ChunkedAttention`, which forms its own stage; None if there is none."""
    reads: tuple[str, ...]
    """Planes from earlier stages that every tile reads, including the halo."""
    keeps: tuple[str, ...]
    """Planes computed by this stage that later stages read, or the result."""
    halo: int
    """Pixels of the image that a tile reads around the part that it keeps."""
    at_once: bool = False
    """Whether each tile goes through the whole chain as if it were the image. Then there are no
    `steps`, and values of the whole image are computed from the tile."""


class Stages:
    """A chain cut into stages for tiles of one size.

    Parameters
    ----------
    chain : Chain
        Chain from the image to the result; names may be reused.
    profile : Profile
        Profile of `with_one_writer_each(chain)`.
    grid : TileGrid
        Tiles of a plane.
    flops_per_byte : float
        Cost of moving a byte to the device or back, in floating-point operations.
    halo : int, optional
        If given, there is one stage, whose tiles read this many pixels around the part that they
        keep. By default, tiles read as much as they need to leave no seams.
    """

    def __init__(
        self,
        chain: Chain,
        profile: Profile,
        grid: TileGrid,
        *,
        flops_per_byte: float = 0.0,
        halo: int | None = None,
    ) -> None:
        self.chain = with_one_writer_each(chain)
        self.profile = profile
        self.grid = grid
        self._halo = halo
        self._cost_model = StageCostModel(self.chain, profile, grid, flops_per_byte)

    @cached_property
    def all(self) -> tuple[Stage, ...]:
        """The stages in order.

        Raises
        ------
        ValueError
            If a tile would keep no pixels inside the halo of the widest step.
        """
        if self._halo is not None:
            return (Stage((), None, (IMAGE,), (RESULT,), self._halo, at_once=True),)
        groups: list[tuple[list[int], int | None]] = []
        pending: list[int] = []
        for index, link in enumerate(self.chain):
            if isinstance(link, Step):
                pending.append(index)
            elif isinstance(link, (PooledGrid, ChunkedAttention)):
                if self._cost_model.outputs(pending) & set(inputs_of(link)):
                    groups += [(part, None) for part in self._cost_model.cut(pending)]
                    pending = []
                groups.append(([], index))
            else:
                parts = self._cost_model.cut(pending) or [[]]
                groups += [(part, None) for part in parts[:-1]]
                groups.append((parts[-1], index))
                # steps without a radius are computed again in the next stage instead of stored
                pending = [] if any(map(self._cost_model.radius, parts[-1])) else list(parts[-1])
        groups += [(part, None) for part in self._cost_model.cut(pending)]
        return self._linked(groups)

    @cached_property
    def costs(self) -> tuple[float, ...]:
        """Cost of each stage, in floating-point operations per pixel of the image."""
        return tuple(self._cost(stage) for stage in self.all)

    @property
    def cost(self) -> float:
        """Cost of all stages, in floating-point operations per pixel of the image."""
        return sum(self.costs)

    def _cost(self, stage: Stage) -> float:
        if stage.at_once:
            pixels = math.prod(self.largest_tile)
            read = self.count_of(stage) * pixels / (self.grid.height * self.grid.width)
            return read * self.profile.flops_at(pixels)
        cost = self._cost_model.cost(stage.steps, stage.halo, stage.reads, stage.keeps)
        if stage.gather is not None and isinstance(self.chain[stage.gather], ChunkedAttention):
            pixels = self.grid.height * self.grid.width
            cost += self.profile.flops[stage.gather] * pixels / self.profile.probe_pixels
        return cost

    def extra(self, stage: Stage) -> float:
        """Return by what factor arithmetic grows if each step computes all that its tile reads."""
        return self._cost_model.extra(stage.steps, stage.halo)

    def step_costs(self, stage: Stage) -> list[float]:
        """Return the cost of each step of a stage, always above 0."""
        return [self.profile.flops[index] + 1.0 for index, _ in stage.steps]

    @cached_property
    def turns(self) -> tuple[Turn, ...]:
        """The order in which the stages compute their tiles; see `turns`."""
        behind = lags(self.all, self.chain, self.grid.multiple) if self.grid.strip else None
        if behind is None:
            return tuple(map(Turn, range(len(self.all))))
        return in_strips(self.all, self.chain, self.grid, behind)

    @property
    def take_turns(self) -> bool:
        """Whether stages take turns, strip by strip, so that only parts of planes are stored."""
        return any(turn.rows for turn in self.turns)

    @property
    def count(self) -> int:
        """Number of tiles in all stages."""
        return sum(self.counts)

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """Number of tiles in each turn; tiles of an image are counted, not created."""
        stages = ((self.all[turn.stage], len(turn.rows)) for turn in self.turns)
        return tuple(
            count_of(self.grid, self._link(stage), stage.halo, rows) for stage, rows in stages
        )

    def count_of(self, stage: Stage) -> int:
        """Return the number of tiles of a stage."""
        number = self.all.index(stage)
        pairs = zip(self.turns, self.counts, strict=True)
        return sum(count for turn, count in pairs if turn.stage == number)

    @property
    def largest_tile(self) -> tuple[int, int]:
        """Height and width of the largest tile of any stage."""
        return max((self.grid.size(stage.halo) for stage in self.all), key=math.prod)

    @property
    def within_tile(self) -> bool:
        """Whether no side of a tile is too long; strips with wide halos may be too high."""
        return all(max(self.grid.size(stage.halo)) <= self.grid.tile for stage in self.all)

    @cached_property
    def spilled_bytes(self) -> float:
        """Peak size of the planes stored between stages, in bytes per pixel of the image.

        While a stage runs, the planes that it reads for the last time are freed about as fast as
        the planes that it keeps are written.
        """
        sizes = {name: plane.bytes for name, plane in self.profile.planes.items()}
        if self.take_turns:
            band = rows_of_a_band(self.grid.height, self.grid.multiple, turns=True)
            stored = most_stored(self.turns, self.all, self.chain, sizes, band)
            return stored / self.grid.height
        last_read = {name: number for number, stage in enumerate(self.all) for name in stage.reads}
        peak, stored = 0.0, 0.0
        for number, stage in enumerate(self.all):
            peak = max(peak, stored)
            stored += sum(sizes[name] for name in stage.keeps if name != RESULT)
            freed = (name for name in stage.reads if last_read[name] == number and name != IMAGE)
            stored -= sum(map(sizes.__getitem__, freed))
        return peak

    def tiles(self, turn: Turn) -> list[Tile]:
        """Return the tiles of a turn; see `stage_tiles`."""
        stage = self.all[turn.stage]
        return tiles_of(self.grid, self._link(stage), stage.halo, turn.rows)

    def _link(self, stage: Stage) -> Link | None:
        return None if stage.gather is None else self.chain[stage.gather]

    def _linked(self, groups: Iterable[tuple[list[int], int | None]]) -> tuple[Stage, ...]:
        """Return the groups of steps as stages, with the planes that each stage reads and keeps."""
        stages: list[Stage] = []
        following: list[int] = []
        later: set[str] = {RESULT}
        for steps, gather in reversed(list(groups)):
            computed_again = steps and set(steps) <= set(following)
            indices = steps if gather is None else [*steps, gather]
            outputs = self._cost_model.outputs(indices)
            keeps = set() if computed_again else outputs & later
            gathered = () if gather is None else inputs_of(self.chain[gather])
            needed, margins = self._cost_model.margins(steps, {*keeps, *gathered})
            reads = set(needed) - outputs
            stages.append(
                Stage(
                    tuple((index, margins[index]) for index in steps if index in margins),
                    gather,
                    tuple(sorted(reads)),
                    tuple(sorted(keeps)),
                    max((needed[name] for name in reads), default=0),
                )
            )
            later |= reads
            following = steps
        return tuple(reversed(stages))
