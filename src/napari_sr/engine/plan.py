"""Which tile, which halo, on which device: decided before the first pixel is computed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_sr.engine import tiling
from napari_sr.engine.colour import extra_radius
from napari_sr.engine.devices import choose_device, choose_precision, free_memory
from napari_sr.engine.memory import WORKSPACE, peak_bytes

if TYPE_CHECKING:
    from napari_sr.engine.arrays import Layout, Percentiles
    from napari_sr.models._network import Network

AFFORDABLE_HALO = 72
"""Receptive fields up to this radius are the halo, so that tiles leave no trace: it covers the
full EDSR (70 px)."""
USUAL_HALO = 32
"""Where the receptive field is larger or the whole image matters: see docs/tiling.md for what
this leaves."""
LARGEST_TILE = 1024
SHARE = {"cuda": 0.7, "mps": 0.4, "cpu": 0.3}
"""Of the free memory, what a tile may take: on a CPU, other programs live there too."""
CPU_LIMIT = 2 * 2**30
"""Larger tiles are no faster on a CPU."""
_PROBE = 96


@dataclass(frozen=True)
class Settings:
    """How to run a network."""

    tile: int | None = None
    """LR pixels along each side that a tile reads, halo included; None: by free memory."""
    halo: int | None = None
    """LR pixels around what a tile keeps; None: the receptive field where that is affordable."""
    device: str = "auto"
    """"auto", "cpu", "cuda", "cuda:1", "mps"."""
    precision: str = "auto"
    """"auto", "float32", "float16" or "bfloat16"."""
    value_range: tuple[float, float] | Percentiles | None = None
    """What counts as black and white; None: the range of integer types, 0..1 for floats."""
    kernels: str = "auto"
    """"auto": fused kernels where they are fast; "reference": plain PyTorch; "triton": kernels, and
    an error where they cannot run. The environment variable NAPARI_SR_KERNELS decides "auto"."""


@dataclass(frozen=True)
class Plan:
    """All that is decided for one image."""

    height: int
    """Rows of a plane after padding to the network's least size and multiple."""
    width: int
    tile: int
    halo: int
    multiple: int
    device: torch.device
    precision: torch.dtype

    @property
    def tiles(self) -> list[tiling.Tile]:
        """The tiles of one plane."""
        return list(tiling.tiles(self.height, self.width, self.tile, self.halo, self.multiple))

    @property
    def tiled(self) -> bool:
        """Whether a plane takes more than one tile."""
        return self.tile < max(self.height, self.width)

    @property
    def side(self) -> int:
        """LR pixels along the longer side of the tiles."""
        return min(self.tile, max(self.height, self.width))

    def exact_for(self, network: Network) -> bool:
        """Say whether tiles leave no trace: one holds a plane, or the halo all that matters."""
        field = network.receptive_field
        return not self.tiled or (field is not None and self.halo >= field)

    def halved(self) -> Plan | None:
        """Return the plan with tiles of half the side, or None where no smaller one works."""
        least = tiling.least_tile(self.halo, self.multiple)
        if self.side <= least:
            return None
        smaller = max(least, self.side // 2 // self.multiple * self.multiple)
        return replace(self, tile=smaller)


def make_plan(layout: Layout, network: Network, settings: Settings) -> Plan:
    """Decide device, precision, tile and halo for an image.

    Raises
    ------
    ValueError
        If the tile is too small for the halo, or the device or precision does not exist.
    """
    device = choose_device(settings.device)
    precision = choose_precision(settings.precision, device)
    height, width = (padded(size, network) for size in (layout.height, layout.width))
    halo = _halo(network, layout.channels) if settings.halo is None else settings.halo
    wanted: dict[str, object] = {"tile": settings.tile, "halo": settings.halo}
    for name, pixels in wanted.items():
        if pixels is not None and (not isinstance(pixels, (int, np.integer)) or pixels < 0):
            raise ValueError(f"the {name} must be a whole number of LR pixels, got {pixels!r}")
    plan = Plan(height, width, LARGEST_TILE, halo, network.multiple, device, precision)
    if settings.tile is None:
        return replace(plan, tile=_tile_by_memory(plan, network, layout.channels))
    if settings.tile < max(network.least_size, tiling.least_tile(halo, network.multiple)):
        _check_tile(settings.tile, plan, network)
    return replace(plan, tile=settings.tile)


def padded(size: int, network: Network) -> int:
    """Return the length that an axis gets by reflection before the network can run."""
    size = max(size, network.least_size)
    return math.ceil(size / network.multiple) * network.multiple


def _check_tile(tile: int, plan: Plan, network: Network) -> None:
    if tile >= max(plan.height, plan.width) and tile > 0:
        return  # one tile takes the whole plane, and needs no halo
    least = max(network.least_size, tiling.least_tile(plan.halo, plan.multiple))
    raise ValueError(
        f"a tile must be at least {least} px here, for a halo of {plan.halo} px on both sides "
        f"and the network's least size of {network.least_size} px; got {tile}"
    )


def _halo(network: Network, channels: int) -> int:
    radius = network.receptive_field
    if radius is None or radius > AFFORDABLE_HALO:
        return USUAL_HALO
    return max(radius, extra_radius(network, channels))


def bytes_per_pixel(network: Network, channels: int, precision: torch.dtype) -> float:
    """Return what one LR pixel of a tile takes on the device at the peak."""
    side = padded(_PROBE, network)
    width = torch.empty(0, dtype=precision).element_size() / 4
    return WORKSPACE * width * peak_bytes(network, channels, side, side) / side**2


def _tile_by_memory(plan: Plan, network: Network, channels: int) -> int:
    budget = SHARE.get(plan.device.type, 0.3) * free_memory(plan.device)
    if plan.device.type == "cpu":
        budget = min(budget, CPU_LIMIT)
    side = math.isqrt(int(budget / bytes_per_pixel(network, channels, plan.precision)))
    side = min(side, LARGEST_TILE) // plan.multiple * plan.multiple
    least = max(tiling.least_tile(plan.halo, plan.multiple), network.least_size)
    return max(side, least)
