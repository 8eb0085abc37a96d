"""Which tile, which halo, on which device: decided before the first pixel is computed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from napari_sr.engine.planning import tiling
from napari_sr.engine.planning.devices import budget_in_memory, choose_device, choose_precision
from napari_sr.engine.planning.network_profile import profile_of
from napari_sr.engine.planning.stage_plan import Stages
from napari_sr.engine.planning.tile_grid import TileGrid
from napari_sr.engine.planning.tile_size import (
    LARGEST_TILE,
    capped,
    check_tile,
    padded,
    tile_by_memory,
)

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from napari_sr.engine.image.arrays import Layout
    from napari_sr.engine.planning.network_profile import NetworkProfile
    from napari_sr.engine.planning.settings import Settings
    from napari_sr.graph.network import Network

FLOPS_PER_BYTE = {"cuda": 4000.0, "mps": 500.0, "cpu": 12.0, "file": 200.0}
"""What carrying a byte of features to the device or back costs: a CPU computes some 100 GFLOP/s
and copies some 8 GB/s, or some 0.5 GB/s where features wait in files; a GPU computes some
50 TFLOP/s behind a bus of some 12 GB/s."""


@dataclass(frozen=True)
class Plan:
    """All that is decided for one image."""

    height: int
    """Rows of a plane after padding to the network's least size and multiple."""
    width: int
    tile: int
    halo: int | None
    """None where tiles are exact by stages."""
    multiple: int
    """Tiles begin at multiples of this."""
    device: torch.device
    precision: torch.dtype
    network_profile: NetworkProfile
    ensemble: bool = False

    @property
    def views(self) -> int:
        """How many times each plane is upscaled: once, or in each of eight orientations."""
        return 8 if self.ensemble else 1

    @cached_property
    def transposed(self) -> Plan:
        """The same for planes whose rows are columns; kept, as finding stages takes time."""
        return replace(self, height=self.width, width=self.height)

    @property
    def tiled(self) -> bool:
        """Whether a plane takes more than one tile."""
        return self.tile < max(self.height, self.width)

    @cached_property
    def stages(self) -> Stages:
        """The stages that every view of a plane goes through.

        Raises
        ------
        ValueError
            If the tile is too small.
        """
        grid = TileGrid(self.height, self.width, self.tile, self.multiple)
        of = partial(Stages, self.network_profile.chain, self.network_profile.profile, grid)
        if not self.tiled or self.halo is not None:
            return of(halo=self.halo or 0)
        cost = FLOPS_PER_BYTE.get(self.device.type, FLOPS_PER_BYTE["cpu"])
        stages = of(flops_per_byte=cost)
        if self.height * self.width * stages.spilled_bytes <= budget_in_memory():
            return stages
        return of(flops_per_byte=max(cost, FLOPS_PER_BYTE["file"]))

    @property
    def count(self) -> int:
        """How many tiles one plane takes, over all stages and views."""
        # transposed, a plane takes as many
        return self.views * self.stages.count

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """Share of the work of one view that is done after each of its tiles, up to 1."""
        counts = [len(self.stages.tiles(stage)) for stage in self.stages.all]
        costs = np.repeat(np.divide(self.stages.costs, counts), counts)
        done: NDArray[np.float64] = np.cumsum(costs)
        return done / float(done[-1])

    @property
    def cost(self) -> float:
        """Cost of one plane, in equivalent single-pass pixels."""
        each = self.height * self.width * self.stages.cost
        return self.views * each / sum(self.network_profile.profile.flops)

    @property
    def spilled_bytes(self) -> int:
        """How many bytes of features wait outside the device at the peak."""
        return int(self.height * self.width * self.stages.spilled_bytes)

    @property
    def side(self) -> int:
        """LR pixels along the longer side of the tiles."""
        return min(self.tile, max(self.height, self.width))

    @property
    def least_tile(self) -> int:
        """The smallest tile that works here, in LR pixels."""
        if self.halo is not None:
            return max(tiling.least_tile(self.halo, self.multiple), self.network_profile.least_size)
        return self.network_profile.least_tile

    def exact_for(self, network: Network) -> bool:
        """Say whether tiles leave no trace."""
        field = network.receptive_field
        chosen = self.halo is None or (field is not None and self.halo >= field)
        return not self.tiled or (network.exact and chosen)

    def halved(self) -> Plan | None:
        """Return the plan with tiles of half the side, or None where no smaller one works."""
        least = self.least_tile
        if self.side <= least:
            return None
        return replace(self, tile=max(least, self.side // 2 // self.multiple * self.multiple))


def make_plan(layout: Layout, network: Network, settings: Settings) -> Plan:
    """Decide device, precision, tile and halo for an image.

    Raises
    ------
    ValueError
        If the tile is too small for the halo, or a setting is wrong.
    """
    device = choose_device(settings.device)
    precision = choose_precision(settings.precision, device, network.precisions)
    height, width = (padded(size, network) for size in (layout.height, layout.width))
    wanted: dict[str, object] = {"tile": settings.tile, "halo": settings.halo}
    for name, pixels in wanted.items():
        if pixels is not None and (not isinstance(pixels, (int, np.integer)) or pixels < 0):
            raise ValueError(f"the {name} must be a whole number of LR pixels, got {pixels!r}")
    if not isinstance(settings.ensemble, (bool, np.bool_)):
        raise ValueError(f"ensemble must be True or False, got {settings.ensemble!r}")
    network_profile = profile_of(network, layout.channels, precision)
    plan = Plan(
        height, width, LARGEST_TILE, settings.halo, network.tile_alignment, device, precision,
        network_profile, bool(settings.ensemble),
    )  # fmt: skip
    if settings.tile is None:
        wished = tile_by_memory(plan, network, layout.channels)
    else:
        check_tile(settings.tile, plan, network)
        wished = settings.tile
    return replace(plan, tile=capped(wished, plan, network, layout.channels))
