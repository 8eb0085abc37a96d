"""Choose the size of tiles: network, free memory, time and the largest tensor limit it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import torch

from napari_sr.engine.planning.border import USUAL_WIDTH
from napari_sr.engine.planning.devices import free_memory
from napari_sr.engine.planning.memory import WORKSPACE, Footprint, footprint

if TYPE_CHECKING:
    from napari_sr.engine.planning.plan import Plan
    from napari_sr.graph.network import Network

LARGEST_TILE = 1024
"""Side of the largest tile that is chosen by free memory, in LR pixels."""
SHARE = {"cuda": 0.7, "mps": 0.4, "cpu": 0.3}
"""Share of the free memory that a tile may use; a CPU shares its memory with other programs."""
CPU_TILES = (512, 384, 256, 192, 128)
"""Sides that tiles may have on a CPU, in LR pixels. Larger tiles than the first hardly save time
(on 1024 x 1024 px, one tile takes 0.96 times as long with FSRCNN x2 and EDSR slim x2). Without
large pages they are slower, because the system clears each large feature map (1.3 times as long
with FSRCNN x2)."""
TILE_FLOPS = 5e10
"""Largest number of floating-point operations of a tile on a CPU. A user who cancels waits until
the tile ends: half a second if two cores compute 100 GFLOP/s (measured with edsr-slim x2)."""
WHOLE_FLOPS = 2e12
"""Largest number of floating-point operations of a plane that a CPU computes whole for a network
with global values: 20 s if two cores compute 100 GFLOP/s. The trial of a compiler computes the
plane about three more times, in the background."""
WORTH = 1.15
"""Largest factor by which smaller tiles may increase the work."""
CPU_LIMIT = 2 * 2**30
"""Largest size of a tile on a CPU in bytes; larger tiles are not faster."""
LARGEST_TENSOR = {"cuda": 2**31 - 1, "mps": 2**31 - 1, "cpu": 2**29 - 1}
"""Largest number of elements of one tensor. GPU kernels count elements in 32 bits, and oneDNN on
a CPU counts bytes in 32 bits: a 1x1 convolution from 12 to 56 channels of 4096 x 4096 px in
float32 ends the process. Half precision has the same limit, because it may fall back to float32."""
_PROBE = 96
"""Side of the tile whose memory is measured, in LR pixels."""

_footprints: WeakKeyDictionary[Network, dict[int, Footprint]] = WeakKeyDictionary()


def padded_length(size: int, network: Network) -> int:
    """Return the length of an axis, padded by reflection until the network accepts it."""
    size = max(size, network.least_size)
    return math.ceil(size / network.multiple) * network.multiple


def bytes_per_pixel(network: Network, channels: int, precision: torch.dtype) -> float:
    """Return the peak memory on the device per LR pixel of a tile, in bytes."""
    width = torch.empty(0, dtype=precision).element_size() / 4
    side = padded_length(_PROBE, network)
    return WORKSPACE * width * _footprint(network, channels).peak / side**2


def tile_by_memory(plan: Plan, network: Network, channels: int) -> int:
    """Return the side of the tiles that free memory allows, in LR pixels.

    A network with global values runs on the whole image if it fits into memory, because in tiles,
    its stages would store features and compute halos. On a CPU, BSRN-S x4 on 1024x1024 px takes 1.2
    to 1.5 times as long in tiles with OpenVINO. On CUDA, features would move over the bus: for an
    image of 2048x2048 px in tiles of 1024 px, the 33 stages of BSRN x4 move 40 GB, which takes
    seconds; the arithmetic takes some 50 ms. On the whole image, BSRN x4 needs 8.3 GB of memory
    (figures for CUDA are computed, not measured).

    Parameters
    ----------
    plan : Plan
        A plan whose tile is not decided yet.
    network : Network
        Network to run.
    channels : int
        Channels of the image.
    """
    budget = SHARE.get(plan.device.type, 0.3) * free_memory(plan.device)
    needed = bytes_per_pixel(network, channels, plan.precision)
    whole = network.whole or (plan.network_profile.gathers and _is_quick(plan))
    if whole and plan.height * plan.width * needed <= budget:
        return max(plan.height, plan.width)
    if plan.device.type == "cpu":
        budget = min(budget, CPU_LIMIT)
    side = math.isqrt(int(budget / needed))
    side = min(side, _for_plane(LARGEST_TILE, plan)) // plan.multiple * plan.multiple
    return max(side, plan.least_tile)


def _is_quick(plan: Plan) -> bool:
    """Return whether a whole plane is computed quickly, and faster than in tiles."""
    flops = plan.height * plan.width * sum(plan.network_profile.profile.flops)
    return plan.device.type == "cuda" or (plan.device.type == "cpu" and flops <= WHOLE_FLOPS)


def _for_plane(side: int, plan: Plan) -> int:
    """Return the side of a tile, enlarged a little if it then covers a plane with its border."""
    whole = max(plan.height, plan.width)
    return whole if side < whole <= side + 2 * USUAL_WIDTH else side


def tiled_by_time(plan: Plan) -> Plan:
    """Return the plan with tiles that each take a short time on a CPU.

    A run can be cancelled between two tiles, and the first tile shows how long the others take.
    Tiles stay larger if smaller tiles would make the run much slower. For instance, an image that
    fits into one tile stays one tile for networks with global values, whose stages would store
    features.

    Parameters
    ----------
    plan : Plan
        A plan with the tile that memory allows.
    """
    if not plan.network_profile.local and not plan.tiled:
        return plan
    sides = [_for_plane(side, plan) // plan.multiple * plan.multiple for side in CPU_TILES]
    chosen = replace(plan, tile=max(min(plan.tile, sides[0]), plan.least_tile))
    most = WORTH * chosen.cost
    for side in sides:
        if chosen.largest_flops <= TILE_FLOPS:
            break
        if plan.least_tile <= side < chosen.tile:
            smaller = replace(plan, tile=side)
            if smaller.cost > most:
                break
            chosen = smaller
    return chosen


def check_tile(tile: int, plan: Plan, network: Network) -> None:
    """Raise an error if the tile is too small.

    Raises
    ------
    ValueError
        If a tile has no pixels inside its halo, or is smaller than the network's least size.
    """
    if tile >= plan.least_tile or (tile >= max(plan.height, plan.width) and tile > 0):
        return  # a tile that covers the whole plane needs no halo
    raise ValueError(
        f"a tile must be at least {plan.least_tile} px, because it contains "
        f"{_halo_in_words(plan)} on both sides, and {network.title} needs images of at least "
        f"{network.least_size} px; got {tile}"
    )


def _halo_in_words(plan: Plan) -> str:
    return "the radius of one step" if plan.halo is None else f"a halo of {plan.halo} px"


def limit_tile(tile: int, plan: Plan, network: Network, channels: int) -> int:
    """Return the side of a tile; reduce it if its feature maps exceed the largest tensor.

    Parameters
    ----------
    tile : int
        Requested side in LR pixels.
    plan, network, channels
        As in `tile_by_memory`.

    Raises
    ------
    ValueError
        If the largest possible side is too small for the halo.
    """
    most = LARGEST_TENSOR.get(plan.device.type, LARGEST_TENSOR["cpu"])
    each = _footprint(network, channels).largest / padded_length(_PROBE, network) ** 2
    if min(tile, plan.height) * min(tile, plan.width) * each <= most:
        return tile
    side = math.isqrt(int(most / each)) // plan.multiple * plan.multiple
    if side < plan.least_tile:
        raise ValueError(
            f"tiles must be at least {plan.least_tile} px for {_halo_in_words(plan)}, but feature "
            f"maps of {network.title} on {plan.device} allow {side} px at most: choose a smaller "
            "halo"
        )
    return side


def _footprint(network: Network, channels: int) -> Footprint:
    """Return the memory of a tile of the probe's size; cache it as long as the network exists."""
    known = _footprints.setdefault(network, {})
    if channels not in known:
        side = padded_length(_PROBE, network)
        known[channels] = footprint(network, channels, side, side)
    return known[channels]
