"""The plan of a run: tile, halo, device and precision, decided before the first pixel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from napari_sr.engine.image.conversion import Extension
from napari_sr.engine.image.orientation import ORIENTATIONS
from napari_sr.engine.planning import tiling
from napari_sr.engine.planning.border import border_width
from napari_sr.engine.planning.devices import memory_for_features
from napari_sr.engine.planning.for_network import device_for, precision_for
from napari_sr.engine.planning.network_profile import profile_of
from napari_sr.engine.planning.noise_level import check_noise
from napari_sr.engine.planning.stage_plan import Stages
from napari_sr.engine.planning.tile_grid import TileGrid
from napari_sr.engine.planning.tile_size import (
    LARGEST_TILE,
    check_tile,
    limit_tile,
    padded_length,
    tile_by_memory,
    tiled_by_time,
)
from napari_sr.engine.planning.turns import can_take_turns

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from napari_sr.engine.image.arrays import Layout
    from napari_sr.engine.planning.network_profile import NetworkProfile
    from napari_sr.engine.planning.settings import Settings
    from napari_sr.graph.network import Network

FLOPS_PER_BYTE = {"cuda": 4000.0, "mps": 500.0, "cpu": 12.0, "file": 200.0}
"""Floating-point operations that cost as much as moving a byte of features to the device or back.
A CPU computes some 100 GFLOP/s, and copies some 8 GB/s, or 0.5 GB/s to files. A GPU computes some
50 TFLOP/s behind a bus of some 12 GB/s."""

STRIPS = (384, 256, 192, 128, 96)
"""Numbers of rows that tiles may keep when stages take turns. Fewer rows need less memory for
features, but more work for halos."""


@dataclass(frozen=True)
class Plan:
    """Every decision about running one image."""

    height: int
    width: int
    """Height and width of a plane as the network reads it, in LR pixels: with the reflected pixels
    around it, and padded to the network's least size and multiple."""
    tile: int
    """Side of a tile in LR pixels, halo included."""
    halo: int | None
    """Halo that the user chose, in LR pixels; None if stages make tiles exact."""
    multiple: int
    """Tiles begin at multiples of this."""
    device: torch.device
    precision: torch.dtype
    network_profile: NetworkProfile
    ensemble: bool = False
    spread: bool = False
    """Whether the standard deviation over the orientations is a second result."""

    @property
    def orientations(self) -> int:
        """How many times each plane is upscaled."""
        return len(self.each)

    @cached_property
    def each(self) -> tuple[Plan, ...]:
        """The plan of each orientation; it is cached, because finding the stages takes time."""
        if not self.ensemble:
            return (self,)
        turned = replace(self, height=self.width, width=self.height)
        return tuple(turned if one.transposed else self for one in ORIENTATIONS)

    @property
    def tiled(self) -> bool:
        """Whether a plane takes more than one tile."""
        return self.tile < max(self.height, self.width)

    @cached_property
    def stages(self) -> Stages:
        """The stages that every orientation of a plane goes through.

        Raises
        ------
        ValueError
            If the tile is too small.
        """
        if not self.tiled or self.halo is not None:
            return self._cut(0, 0.0, halo=self.halo or 0)
        stages = self._cut(0, self._per_byte)
        if self._bytes(stages) <= (room := memory_for_features()):
            return stages
        options = [self._with_files(stages, room)]
        # stages that take turns compute some pixels twice, but move less to files and back, or none
        if can_take_turns(self.network_profile.chain):
            strips = (rows // self.multiple * self.multiple for rows in STRIPS)
            cut = [self._cut(one, self._per_byte) for one in strips if 0 < one < self.tile]
            options += [self._with_files(one, room) for one in cut]
        return min((one for one in options if one.within_tile), key=lambda option: option.cost)

    @property
    def _per_byte(self) -> float:
        return FLOPS_PER_BYTE.get(self.device.type, FLOPS_PER_BYTE["cpu"])

    def _cut(self, strip: int, per_byte: float, halo: int | None = None) -> Stages:
        """Cut the chain into stages; see `Stages`."""
        of, size = self.network_profile, (self.height, self.width)
        grid = TileGrid(*size, self.tile, self.multiple, of.least_size, strip=strip)
        return Stages(of.chain, of.profile, grid, flops_per_byte=per_byte, halo=halo)

    def _bytes(self, stages: Stages) -> float:
        """Return the peak size of the features that stages store, in bytes."""
        return self.height * self.width * stages.spilled_bytes

    def _with_files(self, stages: Stages, room: int) -> Stages:
        """Cut stages again if their features need more than `room` bytes, and so go to files."""
        if (stored := self._bytes(stages)) <= room:
            return stages
        beyond = max(FLOPS_PER_BYTE["file"] - self._per_byte, 0.0)
        return self._cut(stages.grid.strip, self._per_byte + (1 - room / stored) * beyond)

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """Number of tiles of one plane in each orientation, over all stages."""
        return tuple(one.stages.count for one in self.each)

    @property
    def count(self) -> int:
        """Number of tiles of one plane, over all stages and orientations."""
        return sum(self.counts)

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """Share of one orientation's work that is done after each tile; 1 after the last tile."""
        stages = self.stages
        each = np.divide(stages.costs, list(map(stages.count_of, stages.all)))
        turns = [turn.stage for turn in stages.turns]
        done: NDArray[np.float64] = np.cumsum(np.repeat(each[turns], stages.counts))
        return done / float(done[-1])

    @property
    def largest_flops(self) -> float:
        """Floating-point operations of the most expensive tile of all stages."""
        stages = self.stages
        pairs = zip(stages.all, stages.costs, strict=True)
        return max(
            self.height * self.width * cost / stages.count_of(stage) for stage, cost in pairs
        )

    @property
    def cost(self) -> float:
        """Cost of one plane, as the number of pixels that one pass without halos would compute."""
        each = sum(one.stages.cost for one in self.each)
        return self.height * self.width * each / sum(self.network_profile.profile.flops)

    @property
    def spilled_bytes(self) -> int:
        """Peak size of the features stored outside the device, in bytes."""
        return int(max(self._bytes(one.stages) for one in self.each))

    @property
    def side(self) -> int:
        """Longer side of the largest tiles in LR pixels."""
        return max(self.stages.largest_tile)

    @property
    def least_tile(self) -> int:
        """Smallest tile that works with this network and halo, in LR pixels."""
        if self.halo is not None:
            return max(tiling.least_tile(self.halo, self.multiple), self.network_profile.least_size)
        return self.network_profile.least_tile

    def exact_for(self, network: Network) -> bool:
        """Return whether the result of tiles equals that of one tile."""
        field = network.receptive_field
        chosen = self.halo is None or (field is not None and self.halo >= field)
        return not self.tiled or (network.exact and chosen)

    def halved(self) -> Plan | None:
        """Return the plan with tiles of half the side, or None if no smaller tile works."""
        least = self.least_tile
        if self.side <= least:
            return None
        return replace(self, tile=max(least, self.side // 2 // self.multiple * self.multiple))


def make_plan(
    layout: Layout, network: Network, settings: Settings, size: tuple[int, int] | None = None
) -> Plan:
    """Choose device, precision, tile and halo for an image.

    Parameters
    ----------
    layout : Layout
        Layout of the image.
    network : Network
        Network to run.
    settings : Settings
        Settings of the run.
    size : (int, int), optional
        Height and width of what the network reads, with reflected pixels; by default, those of a
        whole plane.

    Raises
    ------
    ValueError
        If the tile is too small for the halo, or a setting is wrong.
    """
    check_noise(settings.noise, network)
    device = device_for(network, settings)
    precision = precision_for(network, settings, device)
    if size is None:
        around = Extension.around(border_width(network, settings))
        size = around.of((layout.height, layout.width))
    height, width = (padded_length(length, network) for length in size)
    lengths: dict[str, object] = {"tile": settings.tile, "halo": settings.halo}
    for name, pixels in lengths.items():
        if pixels is not None and (not isinstance(pixels, (int, np.integer)) or pixels < 0):
            raise ValueError(f"the {name} must be a whole number of LR pixels, got {pixels!r}")
    if not isinstance(settings.ensemble, (bool, np.bool_)):
        raise ValueError(f"ensemble must be True or False, got {settings.ensemble!r}")
    if settings.spread and not settings.ensemble:
        raise ValueError(f"a spread needs an ensemble, got ensemble={settings.ensemble}")
    network_profile = profile_of(network, layout.channels, precision)
    plan = Plan(
        height, width, LARGEST_TILE, settings.halo, network.tile_alignment, device, precision,
        network_profile, bool(settings.ensemble), settings.spread,
    )  # fmt: skip
    if settings.tile is None:
        plan = replace(plan, tile=tile_by_memory(plan, network, layout.channels))
        if device.type == "cpu" and not network.whole:
            plan = tiled_by_time(plan)
    else:
        covers = settings.tile >= max(layout.height, layout.width)
        tile = max(settings.tile, plan.height, plan.width) if covers else settings.tile
        check_tile(tile, plan, network)
        plan = replace(plan, tile=tile)
    tile = limit_tile(plan.tile, plan, network, layout.channels)
    # an unchanged plan keeps its stages, which take time to find
    return plan if tile == plan.tile else replace(plan, tile=tile)
