"""How large tiles may be: by the network, by free memory, and by what one tensor may hold."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import torch

from napari_sr.engine.planning.devices import free_memory
from napari_sr.engine.planning.memory import WORKSPACE, Footprint, footprint

if TYPE_CHECKING:
    from napari_sr.engine.planning.plan import Plan
    from napari_sr.graph.network import Network

LARGEST_TILE = 1024
SHARE = {"cuda": 0.7, "mps": 0.4, "cpu": 0.3}
"""Of the free memory, what a tile may take: on a CPU, other programs live there too."""
CPU_LIMIT = 2 * 2**30
"""Larger tiles are no faster on a CPU."""
LARGEST_TENSOR = {"cuda": 2**31 - 1, "mps": 2**31 - 1, "cpu": 2**29 - 1}
"""Elements of one tensor: kernels of GPUs count them in 32 bits, and on a CPU oneDNN's count bytes
in 32 bits: a 1x1 convolution from 12 to 56 channels of 4096 x 4096 px in float32 ends the process.
Half precision has the same limit, as what it cannot hold is computed again in float32."""
_PROBE = 96

_footprints: WeakKeyDictionary[Network, dict[int, Footprint]] = WeakKeyDictionary()


def padded(size: int, network: Network) -> int:
    """Return the length that an axis gets by reflection before the network can run."""
    size = max(size, network.least_size)
    return math.ceil(size / network.multiple) * network.multiple


def bytes_per_pixel(network: Network, channels: int, precision: torch.dtype) -> float:
    """Return what one LR pixel of a tile takes on the device at the peak."""
    width = torch.empty(0, dtype=precision).element_size() / 4
    side = padded(_PROBE, network)
    return WORKSPACE * width * _footprint(network, channels).peak / side**2


def tile_by_memory(plan: Plan, network: Network, channels: int) -> int:
    """Return the side of the tiles that free memory allows, in LR pixels.

    On CUDA, an image of a network with global values goes through whole where it fits. In tiles,
    such a network's stages carry features over the bus: BSRN x4's 33 stages 40 GB of an image of
    2048x2048 px in tiles of 1024 px, which takes seconds, beside some 50 ms of computing. Whole, it
    takes 8.3 GB (all computed, not measured).

    Parameters
    ----------
    plan : Plan
        Whose tile is not decided yet.
    network : Network
        That will run.
    channels : int
        Of the image.
    """
    budget = SHARE.get(plan.device.type, 0.3) * free_memory(plan.device)
    needed = bytes_per_pixel(network, channels, plan.precision)
    whole = network.whole or (plan.device.type == "cuda" and plan.network_profile.gathers)
    if whole and plan.height * plan.width * needed <= budget:
        return max(plan.height, plan.width)
    if plan.device.type == "cpu":
        budget = min(budget, CPU_LIMIT)
    side = math.isqrt(int(budget / needed))
    side = min(side, LARGEST_TILE) // plan.multiple * plan.multiple
    return max(side, plan.least_tile)


def check_tile(tile: int, plan: Plan, network: Network) -> None:
    """Refuse a tile that is too small.

    Raises
    ------
    ValueError
        If it keeps nothing inside its halo, or is below the network's least size.
    """
    if tile >= plan.least_tile or (tile >= max(plan.height, plan.width) and tile > 0):
        return  # one tile that takes the whole plane needs no halo
    why = "what one step of the network sees" if plan.halo is None else f"a halo of {plan.halo} px"
    raise ValueError(
        f"a tile must be at least {plan.least_tile} px here, for {why} on both sides and the "
        f"network's least size of {network.least_size} px; got {tile}"
    )


def capped(tile: int, plan: Plan, network: Network, channels: int) -> int:
    """Return a tile, or a smaller one whose every feature map fits into one tensor.

    The smaller one cuts the plane evenly, into as few tiles as possible.

    Parameters
    ----------
    tile : int
        As wished, in LR pixels.
    plan, network, channels
        As in `tile_by_memory`.

    Raises
    ------
    ValueError
        If the largest one is too small for the halo.
    """
    most = LARGEST_TENSOR.get(plan.device.type, LARGEST_TENSOR["cpu"])
    each = _footprint(network, channels).largest / padded(_PROBE, network) ** 2
    if min(tile, plan.height) * min(tile, plan.width) * each <= most:
        return tile
    side = math.isqrt(int(most / each)) // plan.multiple * plan.multiple
    if side < plan.least_tile:
        raise ValueError(
            f"tiles must be at least {plan.least_tile} px for a halo of {plan.halo} px, and "
            f"feature maps of {network.title} on {plan.device} allow {side} px at most: choose a "
            "smaller halo"
        )
    longer = max(plan.height, plan.width)
    halo = plan.halo or network.receptive_field or plan.network_profile.radius
    even = math.ceil(longer / math.ceil(longer / side)) + 2 * halo
    return (
        min(side, math.ceil(even / plan.multiple) * plan.multiple)
        if even >= plan.least_tile
        else side
    )


def _footprint(network: Network, channels: int) -> Footprint:
    """Return what a tile of the probe's size takes, found once as long as the network lives."""
    known = _footprints.setdefault(network, {})
    if channels not in known:
        side = padded(_PROBE, network)
        known[channels] = footprint(network, channels, side, side)
    return known[channels]
