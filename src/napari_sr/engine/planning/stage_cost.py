"""Where to end a stage: what stages of some steps cost, and the cheapest way to cut a chain.

Letters: H x W pixels of the image that enters the network.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from napari_sr.engine.planning import tiling
from napari_sr.graph.chain import Step, inputs_of, outputs_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_sr.engine.planning.chain_profile import Profile
    from napari_sr.engine.planning.tile_grid import TileGrid
    from napari_sr.graph.chain import Chain


class StageCostModel:
    """What it costs to run steps of a chain together as a stage.

    Parameters
    ----------
    chain : Chain
        Whose names have one writer each.
    found : Profile
        Of the chain.
    grid : TileGrid
        How planes are cut.
    flops_per_byte : float
        What carrying a byte to the device or back costs, in floating-point operations.
    """

    def __init__(self, chain: Chain, found: Profile, grid: TileGrid, flops_per_byte: float) -> None:
        self._chain = chain
        self._profile = found
        self._grid = grid
        self._flops_per_byte = flops_per_byte
        self._last_use = {
            name: index for index, link in enumerate(chain) for name in inputs_of(link)
        }

    def cut(self, steps: list[int]) -> list[list[int]]:
        """Cut steps into groups at the least cost: the shortest way over all cuts.

        Raises
        ------
        ValueError
            If a tile keeps nothing inside the halo of the widest step.
        """
        best = [0.0] + [math.inf] * len(steps)
        came = [0] * (len(steps) + 1)
        for stop in range(1, len(steps) + 1):
            for start in range(stop):
                if best[start] < math.inf:
                    cost = best[start] + self._group_cost(steps[start:stop])
                    if cost < best[stop]:
                        best[stop], came[stop] = cost, start
        if steps and best[-1] == math.inf:
            least = tiling.least_tile(max(map(self.radius, steps)), self._grid.multiple)
            raise ValueError(
                f"a tile must be at least {least} px for the halo of this network's widest step, "
                f"got {self._grid.tile}"
            )
        cuts = [len(steps)]
        while cuts[-1]:
            cuts.append(came[cuts[-1]])
        return [steps[start:stop] for start, stop in pairwise(reversed(cuts))]

    def cost(
        self,
        steps: Iterable[tuple[int, int]],
        halo: int,
        reads: Iterable[str],
        keeps: Iterable[str],
    ) -> float:
        """Return the floating-point operations per pixel of the image that a stage costs.

        Parameters
        ----------
        steps : iterable of (int, int)
            The place of each, and how far around the tile's core its result is needed.
        halo : int
            Pixels that tiles read around their core.
        reads, keeps : iterable of str
            Planes carried to the device and back.
        """
        moved = self._grid.share(halo, 0) * sum(map(self.bytes, reads))
        moved += sum(map(self.bytes, keeps))
        return self._flops(steps, halo) + self._flops_per_byte * moved

    def extra(self, steps: Iterable[tuple[int, int]], halo: int) -> float:
        """Return how many times the arithmetic of steps it takes where tiles compute all they read.

        Else they compute what is right at inner edges, as far as it is needed.
        """
        steps = tuple(steps)
        all_of_it = sum(self._profile.flops[place] for place, _ in steps)
        needed = self._flops(steps, halo)
        return self._grid.share(halo, 0) * all_of_it / needed if needed else 1.0

    def _flops(self, steps: Iterable[tuple[int, int]], halo: int) -> float:
        """Return the floating-point operations per pixel of the image that steps take."""
        return sum(
            self._profile.flops[place] * self._grid.share(halo, halo - margin - self.radius(place))
            for place, margin in steps
        )

    def margins(
        self, steps: list[int], wanted: Iterable[str]
    ) -> tuple[dict[str, int], dict[int, int]]:
        """Return how far around a core planes are needed, and the results of steps.

        What nothing needs is left out.
        """
        needed = dict.fromkeys(wanted, 0)
        margins: dict[int, int] = {}
        for place in reversed(steps):
            link = self._chain[place]
            results = [needed[name] for name in outputs_of(link) if name in needed]
            if results and isinstance(link, Step):
                margins[place] = max(results)
                for name in link.reads:
                    reach = margins[place] + self.radius(place)
                    needed[name] = max(needed.get(name, 0), reach)
        return needed, margins

    def radius(self, place: int) -> int:
        """Return how far a step looks, in whole multiples that tiles begin at."""
        link = self._chain[place]
        radius = link.radius if isinstance(link, Step) else 0
        return math.ceil(radius / self._grid.multiple) * self._grid.multiple

    def made(self, places: Iterable[int]) -> set[str]:
        """Return the names of what some links make."""
        return {name for place in places for name in outputs_of(self._chain[place])}

    def bytes(self, name: str) -> float:
        """Return what a plane takes per pixel of the image."""
        return self._profile.planes[name].bytes

    def _group_cost(self, steps: list[int]) -> float:
        """Return what a stage of these steps would cost, infinity where no tile is so large."""
        keeps = [
            name for name in self.made(steps) if self._last_use.get(name, math.inf) > steps[-1]
        ]
        needed, margins = self.margins(steps, keeps)
        reads = set(needed) - self.made(steps)
        halo = max((needed[name] for name in reads), default=0)
        if not self._grid.fits(halo):
            return math.inf
        return self.cost(list(margins.items()), halo, reads, keeps)
