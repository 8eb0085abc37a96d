"""Cut a chain into stages, each of which runs tile by tile and leaves no trace of the tiles.

What a link gathers from a whole plane must be known before anything that uses it begins, so a
stage ends wherever something is gathered; the planes that are needed later wait between stages,
outside the device. A stage may also end elsewhere: many small halos with features carried from
one stage to the next can cost less than one halo as wide as all of them together. Where to end
one is decided by cost.

Letters: H x W pixels of the image that enters the network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch.utils.flop_counter import FlopCounterMode

from napari_sr.engine import tiling
from napari_sr.models._chain import (
    IMAGE,
    RESULT,
    Attend,
    Cells,
    Step,
    Window,
    attend,
    compute,
    inputs_of,
    outputs_of,
    with_one_writer_each,
)
from sr_kernels import use_kernels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from fractions import Fraction

    from torch import Tensor

    from napari_sr.models._chain import Chain, Moments
    from napari_sr.models._network import Network

ELEMENTWISE = 20
"""What writing a value costs beside the convolutions, as floating-point operations."""
_PROBE = 96


@dataclass(frozen=True)
class Kind:
    """What a plane is like."""

    channels: int
    scale: int | Fraction
    """How many times larger it is than the image."""
    dtype: torch.dtype

    @property
    def bytes(self) -> float:
        """What it takes per pixel of the image."""
        return float(self.channels * self.scale**2 * self.dtype.itemsize)


@dataclass(frozen=True)
class Profile:
    """What running a chain takes, found without computing a pixel."""

    flops: tuple[float, ...]
    """Floating-point operations of each link per pixel of the image."""
    planes: dict[str, Kind]
    """Of each plane what it is like."""
    attending: float
    """The part of `flops` that grows with the number of pixels, as those look at more."""
    pixels: int
    """How many there were."""

    def work(self, pixels: int) -> float:
        """Return the floating-point operations per pixel of an image of so many."""
        return sum(self.flops) + self.attending * (pixels / self.pixels - 1)


def profile(chain: Chain, network: Network, channels: int) -> Profile:
    """Count what every link computes and every plane holds.

    Parameters
    ----------
    chain : Chain
        Of a ghost (`memory.ghost`), whose names have one writer each.
    network : Network
        Its least size and multiple count.
    channels : int
        Of the image.
    """
    side = math.ceil(max(_PROBE, network.least_size) / network.multiple) * network.multiple
    window = Window(0, 0, side, side, side, side)
    image = torch.empty(1, channels, side, side, device="meta")
    held: dict[str, Tensor] = {IMAGE: image}
    kinds = {IMAGE: Kind(channels, 1, image.dtype)}
    flops: list[float] = []
    for link in chain:
        counter = FlopCounterMode(display=False)
        with torch.inference_mode(), use_kernels("reference"), counter:
            if isinstance(link, Step):
                held |= compute(link, held, window)[0]
            elif isinstance(link, Attend):
                held[link.writes] = attend(link, held)
            else:
                held[link.writes] = _gathered(link, held[link.reads])
        made = {name: held[name] for name in outputs_of(link)}
        if isinstance(link, (Step, Attend)):
            scale = link.scale if isinstance(link, Step) else 1
            kinds |= {name: Kind(x.shape[1], scale, x.dtype) for name, x in made.items()}
        written = sum(x.numel() for x in made.values())
        flops.append((counter.get_total_flops() + ELEMENTWISE * written) / side**2)
    looks = [isinstance(link, Attend) for link in chain]
    attending = sum(many for many, look in zip(flops, looks, strict=True) if look)
    return Profile(tuple(flops), kinds, attending, side**2)


def _gathered(link: Moments | Cells, plane: Tensor) -> Tensor:
    """Return what a link gathers from a plane without data."""
    if isinstance(link, Cells):
        return link.finish(link.compute(plane))
    statistic = plane.new_empty((*plane.shape[:2], 1, 1), dtype=torch.float32)
    return link.finish(statistic, statistic, plane.shape[2] * plane.shape[3])


@dataclass(frozen=True)
class Stage:
    """Part of a chain that runs tile by tile."""

    steps: tuple[tuple[int, int], ...]
    """Steps, computed one after the other on every tile: the place of each in the chain, and how
    far around the tile's core its result is needed."""
    gather: int | None
    """The place of a `Moments` or `Cells`, gathered from the tiles, or of an `Attend`, which is a
    stage of its own; None where there is none."""
    reads: tuple[str, ...]
    """Planes made before, of which every tile reads its part and its halo."""
    keeps: tuple[str, ...]
    """Planes made here that later stages read, or the result."""
    halo: int
    """How far the planes that it reads are needed around the core, in pixels of the image."""


class Grid:
    """How a plane is cut into tiles.

    Parameters
    ----------
    height, width : int
        Of the plane in pixels.
    tile : int
        Pixels along each side that a tile reads, halo included.
    multiple : int
        Tiles begin at multiples of this.
    """

    def __init__(self, height: int, width: int, tile: int, multiple: int) -> None:
        self.height = height
        self.width = width
        self.tile = tile
        self.multiple = multiple

    def tiles(self, halo: int) -> list[tiling.Tile]:
        """Return the tiles of a stage with this halo."""
        return list(tiling.tiles(self.height, self.width, self.tile, halo, self.multiple))

    def fits(self, halo: int) -> bool:
        """Say whether a tile keeps anything inside this halo."""
        one = self.tile >= max(self.height, self.width)
        return one or self.tile >= tiling.least_tile(halo, self.multiple)

    def share(self, halo: int, consumed: int) -> float:
        """Return how often a pixel is computed, once `consumed` pixels of the halo are gone."""
        share = 1.0
        for size in (self.height, self.width):
            inner = max(size - 2 * halo, 1)
            count = 1 if self.tile >= size else math.ceil(inner / (self.tile - 2 * halo))
            side = min(self.tile, size) - (2 * consumed if count > 1 else 0)
            share *= max(count * side / size, 1.0)
        return share


class Stages:
    """A chain cut into stages for tiles of one size.

    Parameters
    ----------
    chain : Chain
        From the image to the result, any names.
    found : Profile
        Of `with_one_writer_each(chain)`.
    grid : Grid
        How planes are cut.
    flops_per_byte : float
        What carrying a byte to the device or back costs, in floating-point operations.
    """

    def __init__(self, chain: Chain, found: Profile, grid: Grid, *, flops_per_byte: float) -> None:
        self.chain = with_one_writer_each(chain)
        self.profile = found
        self.grid = grid
        self._flops_per_byte = flops_per_byte
        self._last_use = {
            name: index for index, link in enumerate(self.chain) for name in inputs_of(link)
        }

    @cached_property
    def all(self) -> tuple[Stage, ...]:
        """The stages in their order.

        Raises
        ------
        ValueError
            If a tile keeps nothing inside the widest halo that cannot be avoided.
        """
        groups: list[tuple[list[int], int | None]] = []
        pending: list[int] = []
        for index, link in enumerate(self.chain):
            if isinstance(link, Step):
                pending.append(index)
            elif isinstance(link, (Cells, Attend)):
                if self._made(pending) & set(inputs_of(link)):
                    groups += [(part, None) for part in self._cut(pending)]
                    pending = []
                groups.append(([], index))
            else:
                parts = self._cut(pending) or [[]]
                groups += [(part, None) for part in parts[:-1]]
                groups.append((parts[-1], index))
                # without a halo nothing need be kept: its few planes are computed once more
                pending = [] if any(map(self._radius, parts[-1])) else list(parts[-1])
        groups += [(part, None) for part in self._cut(pending)]
        return self._linked(groups)

    @property
    def cost(self) -> float:
        """What running all stages costs, in floating-point operations per pixel of the image."""
        attending = self.profile.attending * self.grid.height * self.grid.width
        return attending / self.profile.pixels + sum(
            self._cost(stage.steps, stage.halo, stage.reads, stage.keeps) for stage in self.all
        )

    @property
    def count(self) -> int:
        """How many tiles there are in all stages."""
        return sum(len(self.tiles(stage)) for stage in self.all)

    @property
    def waiting(self) -> float:
        """The most bytes that wait between stages, per pixel of the image.

        While a stage runs, what it reads for the last time goes as fast as what it keeps comes.
        """
        last = {name: at for at, stage in enumerate(self.all) for name in stage.reads}
        most, held = 0.0, 0.0
        for at, stage in enumerate(self.all):
            most = max(most, held)
            held += sum(self._bytes(name) for name in stage.keeps if name != RESULT)
            over = (name for name in stage.reads if last[name] == at and name != IMAGE)
            held -= sum(map(self._bytes, over))
        return most

    def tiles(self, stage: Stage) -> list[tiling.Tile]:
        """Return the tiles of a stage.

        Those that gather cells count in cells. Those that attend count pixels in row-major order,
        as columns of one row: each keeps those that look, and reads their chunk.
        """
        link = None if stage.gather is None else self.chain[stage.gather]
        if isinstance(link, Attend):
            return list(self._runs(link))
        if not isinstance(link, Cells):
            return self.grid.tiles(stage.halo)
        rows, columns = (
            (size - link.reach) // link.pitch + 1 for size in (self.grid.height, self.grid.width)
        )
        together = max((self.grid.tile - link.reach) // link.pitch + 1, 1)
        return list(tiling.tiles(rows, columns, together, 0))

    def _runs(self, link: Attend) -> Iterator[tiling.Tile]:
        """Yield runs of at most as many pixels as a tile has."""
        most, row = self.grid.tile**2, slice(0, 1)
        for chunk in link.chunks(self.grid.height * self.grid.width):
            for start in range(chunk.start, chunk.stop, most):
                kept = slice(start, min(start + most, chunk.stop))
                yield tiling.Tile(tiling.Span(row, row), tiling.Span(chunk, kept))

    def _linked(self, groups: Iterable[tuple[list[int], int | None]]) -> tuple[Stage, ...]:
        """Return the groups as stages that know what they read and keep."""
        found: list[Stage] = []
        following: list[int] = []
        later: set[str] = {RESULT}
        for steps, gather in reversed(list(groups)):
            again = steps and set(steps) <= set(following)
            places = steps if gather is None else [*steps, gather]
            keeps = set() if again else self._made(places) & later
            gathered = () if gather is None else inputs_of(self.chain[gather])
            needed, margins = self._margins(steps, {*keeps, *gathered})
            reads = set(needed) - self._made(places)
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

    def _margins(
        self, steps: list[int], wanted: Iterable[str]
    ) -> tuple[dict[str, int], dict[int, int]]:
        """Return how far around a core planes are needed, and the results of steps.

        What nothing needs is left out.
        """
        needed = dict.fromkeys(wanted, 0)
        margins: dict[int, int] = {}
        for place in reversed(steps):
            link = self.chain[place]
            results = [needed[name] for name in outputs_of(link) if name in needed]
            if results and isinstance(link, Step):
                margins[place] = max(results)
                for name in link.reads:
                    reach = margins[place] + self._radius(place)
                    needed[name] = max(needed.get(name, 0), reach)
        return needed, margins

    def _cut(self, steps: list[int]) -> list[list[int]]:
        """Cut steps into groups at the least cost: the shortest way over all cuts."""
        best = [0.0] + [math.inf] * len(steps)
        came = [0] * (len(steps) + 1)
        for stop in range(1, len(steps) + 1):
            for start in range(stop):
                if best[start] < math.inf:
                    cost = best[start] + self._group_cost(steps[start:stop])
                    if cost < best[stop]:
                        best[stop], came[stop] = cost, start
        if steps and best[-1] == math.inf:
            least = tiling.least_tile(max(map(self._radius, steps)), self.grid.multiple)
            raise ValueError(
                f"a tile must be at least {least} px for the halo of this network's widest step, "
                f"got {self.grid.tile}"
            )
        cuts = [len(steps)]
        while cuts[-1]:
            cuts.append(came[cuts[-1]])
        return [steps[start:stop] for start, stop in pairwise(reversed(cuts))]

    def _group_cost(self, steps: list[int]) -> float:
        """Return what a stage of these steps would cost, infinity where no tile is so large."""
        keeps = [
            name for name in self._made(steps) if self._last_use.get(name, math.inf) > steps[-1]
        ]
        needed, margins = self._margins(steps, keeps)
        reads = set(needed) - self._made(steps)
        halo = max((needed[name] for name in reads), default=0)
        if not self.grid.fits(halo):
            return math.inf
        return self._cost(list(margins.items()), halo, reads, keeps)

    def _cost(
        self,
        steps: Iterable[tuple[int, int]],
        halo: int,
        reads: Iterable[str],
        keeps: Iterable[str],
    ) -> float:
        work = 0.0
        for place, margin in steps:
            eroded = halo - margin - self._radius(place)
            work += self.profile.flops[place] * self.grid.share(halo, eroded)
        moved = self.grid.share(halo, 0) * sum(map(self._bytes, reads))
        moved += sum(map(self._bytes, keeps))
        return work + self._flops_per_byte * moved

    def _radius(self, place: int) -> int:
        link = self.chain[place]
        radius = link.radius if isinstance(link, Step) else 0
        return math.ceil(radius / self.grid.multiple) * self.grid.multiple

    def _made(self, places: Iterable[int]) -> set[str]:
        return {name for place in places for name in outputs_of(self.chain[place])}

    def _bytes(self, name: str) -> float:
        return self.profile.planes[name].bytes
