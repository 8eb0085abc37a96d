"""Compute the main memory that a run needs, before anything is read.

Symbols: H x W pixels, S scale.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from napari_sr.engine.planning.block_size import usual_side
from napari_sr.engine.planning.devices import (
    OutOfMemoryError,
    is_out_of_memory,
    memory_for_features,
)
from napari_sr.engine.planning.tile_size import bytes_per_pixel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_sr.engine.image.arrays import Layout
    from napari_sr.engine.planning.plan import Plan
    from napari_sr.graph.network import Network

MASKS = 2
"""Extra bytes per value of a plane while it is searched for NaN, infinity and outliers."""
RESULT_OF_TILE = 4
"""Bytes per value of a tile's result. Conversion copies only few values at a time, which are not
counted."""


@dataclass(frozen=True)
class Budget:
    """Main memory of one run in bytes; a tile on a GPU is not included."""

    result: int
    """The output array, and the array of the ensemble's spread if it is wanted."""
    plane: int
    """One plane of the image, with the masks."""
    tile: int
    """One tile and its result."""
    spilled: int
    """The part of stored features, and of an ensemble's mean, that stays in memory."""

    @property
    def total(self) -> int:
        """Sum of all parts."""
        return self.result + self.plane + self.tile + self.spilled


def budget(
    layout: Layout, plan: Plan, network: Network, *, lazy: bool, shards: bool = False
) -> Budget:
    """Return the main memory that upscaling an image needs.

    Parameters
    ----------
    layout : Layout
        Layout of the image.
    plan : Plan
        Plan of the run.
    network : Network
        Network to run.
    lazy : bool
        Whether planes are read one at a time. If not, the image is in memory already.
    shards : bool
        Whether the result is written to files shard by shard, instead of staying in memory.
    """
    kind = layout.dtype
    values = layout.height * layout.width * layout.channels
    pixels = math.prod(plan.stages.largest_tile)
    tile = pixels * layout.channels * network.scale**2 * RESULT_OF_TILE
    if plan.device.type == "cpu":
        tile += int(pixels * bytes_per_pixel(network, layout.channels, plan.precision))
    spilled = plan.spilled_bytes
    if plan.ensemble:
        own = plan.spread and network.factor == network.scale
        spilled += bytes_of_mean(layout, network.scale, spread=own)
    return Budget(
        result=_result(layout, plan, network, shards=shards),
        plane=values * (lazy * kind.itemsize + MASKS),
        tile=tile,
        spilled=min(spilled, memory_for_features()),
    )


def _result(layout: Layout, plan: Plan, network: Network, *, shards: bool) -> int:
    """Return the bytes of the result, or of the shards that a row of tiles touches."""
    scale = network.scale
    itemsize = layout.dtype.itemsize + (torch.float32.itemsize if plan.spread else 0)
    if not shards:
        result = math.prod(layout.enlarged(network.factor).shape) * itemsize
        return result + _before_shrinking(layout, network, spread=plan.spread)
    side = usual_side(scale)
    rows = (math.ceil(plan.stages.largest_tile[0] / side) + 1) * side
    pixels = min(rows, layout.height) * layout.width * scale**2
    return pixels * layout.channels * itemsize


def _before_shrinking(layout: Layout, network: Network, *, spread: bool) -> int:
    """Return the bytes of a plane of the network's result that is then shrunk to a factor.

    For the spread, there is another such plane, and a shrunk one with its mean and deviations.
    """
    if network.factor == network.scale:
        return 0
    plane = layout.one_plane.enlarged(network.scale).as_floats
    values = math.prod(plane.shape)
    small = math.prod(layout.one_plane.enlarged(network.factor).shape)
    more = torch.float32.itemsize * (values + 3 * small) if spread else 0
    return values * plane.dtype.itemsize + more


def fit_to_memory(
    layout: Layout, plan: Plan, network: Network, free: int, *, lazy: bool, shards: bool = False
) -> Plan:
    """Return the plan, or one with smaller tiles if this plan does not fit into memory.

    Parameters
    ----------
    layout, plan, network, lazy, shards
        As for `budget`.
    free : int
        Bytes of free memory.

    Raises
    ------
    OutOfMemoryError
        If the run does not fit even with the smallest tiles.
    """
    smaller: Plan | None = plan
    while smaller is not None:
        plan, needed = smaller, budget(layout, smaller, network, lazy=lazy, shards=shards)
        if needed.total <= free:
            return plan
        # smaller tiles do not help if the rest alone is too much
        smaller = plan.halved() if needed.total - needed.tile <= free else None
    if shards:
        raise OutOfMemoryError(
            f"{network.title} reads whole planes, and one plane of the image with the tiles of its "
            f"result needs {in_words(needed.total)} of memory, but only {in_words(free)} are free: "
            "upscale a region of the image, or choose a network with a limited receptive field"
        )
    raise OutOfMemoryError(
        f"the result, {layout.enlarged(network.factor).shape} of {layout.dtype}, needs "
        f"{in_words(needed.result)} of memory, and one plane of the image with its tiles of "
        f"{plan.side} px needs {in_words(needed.total - needed.result)} more, but only "
        f"{in_words(free)} are free: upscale a part of the image, choose a smaller scale, or write "
        "the result block by block (upscale_lazy, upscale(out=...), or OUT.zarr as a file)"
    )


@contextmanager
def explain_memory_errors(what: str) -> Iterator[None]:
    """Turn out-of-memory errors of a `with` block into an `OutOfMemoryError` naming the action.

    Parameters
    ----------
    what : str
        The action, such as "upscaling the image".
    """
    try:
        yield
    except OutOfMemoryError:
        raise
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        why = " ".join(str(error).split())[:200]
        raise OutOfMemoryError(
            f"memory ran out while {what}: close other programs, or upscale a part of the image"
            + (f" ({why})" if why else "")
        ) from error


def in_words(size: int) -> str:
    """Format a number of bytes in MiB or GiB."""
    return f"{size / 2**20:.1f} MiB" if size < 2**30 else f"{size / 2**30:.1f} GiB"


def bytes_of_mean(layout: Layout, scale: int, *, spread: bool = False) -> int:
    """Return the bytes of an `ensemble.Mean` of one plane, in memory or in files."""
    each = torch.float32.itemsize * layout.channels * scale**2
    return layout.height * layout.width * (1 + each * (1 + spread))
