"""Which tile, which halo, on which device: decided before the first pixel is computed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from napari_sr.engine.image.orientation import ALL_VIEWS, AS_IT_IS
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
    from napari_sr.engine.image.orientation import Orientation
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
    def views(self) -> tuple[Orientation, ...]:
        """How each plane is laid, once or in turn."""
        return ALL_VIEWS if self.ensemble else AS_IT_IS

    @cached_property
    def transposed(self) -> Plan:
        """The same for planes whose rows are columns; kept, as finding stages takes time."""
        return replace(self, height=self.width, width=self.height)

    @property
    def tiles(self) -> list[tiling.Tile]:
        """The tiles of one view where each goes through the whole network at once."""
        tile = self.tile if self.staged is None else max(self.height, self.width)
        halo = self.halo or 0
        return list(tiling.tiles(self.height, self.width, tile, halo, self.multiple))

    @property
    def tiled(self) -> bool:
        """Whether a plane takes more than one tile."""
        return self.tile < max(self.height, self.width)

    @cached_property
    def staged(self) -> Stages | None:
        """The stages of a tiled plane, or None where each tile goes through at once.

        Raises
        ------
        ValueError
            If the tile is too small.
        """
        if not self.tiled or self.halo is not None:
            return None
        grid = TileGrid(self.height, self.width, self.tile, self.multiple)
        of = partial(Stages, self.network_profile.chain, self.network_profile.profile, grid)
        cost = FLOPS_PER_BYTE.get(self.device.type, FLOPS_PER_BYTE["cpu"])
        stages = of(flops_per_byte=cost)
        if self.height * self.width * stages.spilled_bytes <= budget_in_memory():
            return stages
        return of(flops_per_byte=max(cost, FLOPS_PER_BYTE["file"]))

    @property
    def count(self) -> int:
        """How many tiles one plane takes, over all stages and views."""
        # transposed, a plane takes as many
        each = len(self.tiles) if self.staged is None else self.staged.count
        return len(self.views) * each

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """Share of the work of one view that is done after each of its tiles, up to 1."""
        if self.staged is None:
            costs = np.ones(len(self.tiles))
        else:
            counts = [len(self.staged.tiles(stage)) for stage in self.staged.all]
            costs = np.repeat(np.divide(self.staged.costs, counts), counts)
        done: NDArray[np.float64] = np.cumsum(costs) / costs.sum()
        return done

    @property
    def cost(self) -> float:
        """Cost of one plane, in equivalent single-pass pixels."""
        found = self.network_profile.profile
        if self.staged is None:
            pixels = min(self.tile, self.height) * min(self.tile, self.width)
            return self.count * pixels * (found.work(pixels) / sum(found.flops))
        each = self.height * self.width * self.staged.cost / sum(found.flops)
        return len(self.views) * each

    @property
    def spilled_bytes(self) -> int:
        """How many bytes of features wait outside the device at the peak."""
        return (
            0 if self.staged is None else int(self.height * self.width * self.staged.spilled_bytes)
        )

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
