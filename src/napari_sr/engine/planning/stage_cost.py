"""Compute the cost of a stage, and find the cheapest way to cut a chain into stages.

Symbols: H x W pixels of the image that enters the network.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from napari_sr.engine.planning import tiling
from napari_sr.graph.chain import IMAGE, RESULT, Step, inputs_of, outputs_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_sr.engine.planning.chain_profile import Profile
    from napari_sr.engine.planning.tile_grid import TileGrid
    from napari_sr.graph.chain import Chain


class StageCostModel:
    """The cost of running steps of a chain together as one stage.

    Steps are given by their indices in the chain.

    Parameters
    ----------
    chain : Chain
        A chain in which each name has one writer.
    profile : Profile
        Profile of the chain.
    grid : TileGrid
        Tiles of a plane.
    flops_per_byte : float
        Cost of moving a byte to the device or back, in floating-point operations.
    """

    def __init__(
        self, chain: Chain, profile: Profile, grid: TileGrid, flops_per_byte: float
    ) -> None:
        self._chain = chain
        self._profile = profile
        self._grid = grid
        self._flops_per_byte = flops_per_byte
        self._last_use = {
            name: index for index, link in enumerate(chain) for name in inputs_of(link)
        }

    def cut(self, steps: list[int]) -> list[list[int]]:
        """Cut steps into groups with the lowest total cost, by dynamic programming.

        Raises
        ------
        ValueError
            If a tile would keep no pixels inside the halo of the widest step.
        """
        best = [0.0] + [math.inf] * len(steps)
        previous_cut = [0] * (len(steps) + 1)
        for stop in range(1, len(steps) + 1):
            for start in reversed(range(stop)):
                of_group = self._group_cost(steps[start:stop])
                if of_group == math.inf:
                    break  # with more steps, the halo is at least as wide
                if best[start] + of_group <= best[stop]:
                    best[stop], previous_cut[stop] = best[start] + of_group, start
        if steps and best[-1] == math.inf:
            least = tiling.least_tile(max(map(self.radius, steps)), self._grid.multiple)
            raise ValueError(
                f"a tile must be at least {least} px for the halo of this network's widest step, "
                f"got {self._grid.tile}"
            )
        cuts = [len(steps)]
        while cuts[-1]:
            cuts.append(previous_cut[cuts[-1]])
        return [steps[start:stop] for start, stop in pairwise(reversed(cuts))]

    def cost(
        self,
        steps: Iterable[tuple[int, int]],
        halo: int,
        reads: Iterable[str],
        keeps: Iterable[str],
    ) -> float:
        """Return the cost of a stage in floating-point operations per pixel of the image.

        Parameters
        ----------
        steps : iterable of (int, int)
            For each step: its index, and how many pixels of its result are needed around the kept
            part of a tile.
        halo : int
            Pixels that tiles read around the part that they keep.
        reads, keeps : iterable of str
            Planes that the stage reads and keeps; features are moved to the device and back.
        """
        # image and result are moved once, whatever the stages are
        reads = tuple(reads)
        moved = self._grid.overlap_factor(halo, 0) * sum(map(self.bytes, reads))
        moved -= self.bytes(IMAGE) if IMAGE in reads else 0.0
        moved += sum(self.bytes(name) for name in keeps if name != RESULT)
        return self._flops(steps, halo) + self._flops_per_byte * moved

    def extra(self, steps: Iterable[tuple[int, int]], halo: int) -> float:
        """Return how much arithmetic grows if every step computes all pixels that its tile reads.

        Returns
        -------
        float
            This arithmetic divided by the usual arithmetic, where each step computes only the part
            of the halo that later steps need.
        """
        steps = tuple(steps)
        once = sum(self._profile.flops[index] for index, _ in steps)
        usual = self._flops(steps, halo)
        return self._grid.overlap_factor(halo, 0) * once / usual if usual else 1.0

    def _flops(self, steps: Iterable[tuple[int, int]], halo: int) -> float:
        """Return the floating-point operations of steps per pixel of the image."""
        return sum(
            self._profile.flops[index]
            * self._grid.overlap_factor(halo, halo - margin - self.radius(index))
            for index, margin in steps
        )

    def margins(
        self, steps: list[int], results: Iterable[str]
    ) -> tuple[dict[str, int], dict[int, int]]:
        """Return how many pixels around the kept part of a tile each plane and step must cover.

        Parameters
        ----------
        steps : list of int
            Indices of the steps of a stage.
        results : iterable of str
            Planes that the stage must compute for the kept part.

        Returns
        -------
        planes : dict of str to int
            For each needed plane: how many pixels around the kept part are needed.
        steps : dict of int to int
            For each needed step: how many pixels around the kept part it must compute.
        """
        needed = dict.fromkeys(results, 0)
        margins: dict[int, int] = {}
        for index in reversed(steps):
            link = self._chain[index]
            outputs = [needed[name] for name in outputs_of(link) if name in needed]
            if outputs and isinstance(link, Step):
                margins[index] = max(outputs)
                for name in link.reads:
                    reach = margins[index] + self.radius(index)
                    needed[name] = max(needed.get(name, 0), reach)
        return needed, margins

    def radius(self, index: int) -> int:
        """Return the radius of a step, rounded up so that tiles begin at allowed pixels."""
        link = self._chain[index]
        radius = link.radius if isinstance(link, Step) else 0
        return math.ceil(radius / self._grid.multiple) * self._grid.multiple

    def outputs(self, indices: Iterable[int]) -> set[str]:
        """Return the names of the planes and values that these links compute."""
        return {name for index in indices for name in outputs_of(self._chain[index])}

    def bytes(self, name: str) -> float:
        """Return the bytes of a plane per pixel of the image."""
        return self._profile.planes[name].bytes

    def _group_cost(self, steps: list[int]) -> float:
        """Return the cost of a stage of these steps; infinity if tiles are too small for it."""
        outputs = self.outputs(steps)
        keeps = [name for name in outputs if self._last_use.get(name, math.inf) > steps[-1]]
        needed, margins = self.margins(steps, keeps)
        reads = set(needed) - outputs
        halo = max((needed[name] for name in reads), default=0)
        if not self._grid.fits(halo):
            return math.inf
        return self.cost(list(margins.items()), halo, reads, keeps)
