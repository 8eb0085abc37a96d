"""What a run takes of the computer's memory, found before anything is read.

Letters: H x W pixels, S scale.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from napari_sr.engine.planning.devices import OutOfMemoryError, budget_in_memory, is_out_of_memory
from napari_sr.engine.planning.tile_size import bytes_per_pixel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_sr.engine.image.arrays import Layout
    from napari_sr.engine.planning.plan import Plan
    from napari_sr.graph.network import Network

MASKS = 2
"""Bytes beside each value of a plane while it is searched for NaN, infinity and outliers."""
RESULT_OF_TILE = 4
"""Bytes for each value of a tile's result; the few that become integers at a time do not count."""


@dataclass(frozen=True)
class Budget:
    """Bytes of the computer's memory that one run takes; a tile on a GPU is not in it."""

    result: int
    plane: int
    """One plane of the image as it is read, with what is found out about it."""
    tile: int
    """A tile, and its result on its way to the output."""
    waiting: int
    """Features between stages, and the mean of an ensemble, as far as they stay in memory."""

    @property
    def total(self) -> int:
        """All of it."""
        return self.result + self.plane + self.tile + self.waiting


def budget(layout: Layout, plan: Plan, network: Network, *, lazy: bool) -> Budget:
    """Return what upscaling an image takes.

    Parameters
    ----------
    layout : Layout
        Of the image.
    plan : Plan
        How it would run.
    network : Network
        That would run.
    lazy : bool
        Whether planes are read one at a time; else the image is in memory already.
    """
    kind = layout.dtype
    values = layout.height * layout.width * layout.channels
    padding = (plan.height, plan.width) != (layout.height, layout.width)
    copies = lazy + padding
    pixels = min(plan.tile, plan.height) * min(plan.tile, plan.width)
    tile = pixels * layout.channels * network.scale**2 * RESULT_OF_TILE
    if plan.device.type == "cpu":
        tile += int(pixels * bytes_per_pixel(network, layout.channels, plan.precision))
    waiting = plan.spilled_bytes
    if plan.ensemble:
        waiting += bytes_of_mean(layout.height, layout.width, layout.channels, network.scale)
    return Budget(
        result=math.prod(layout.enlarged(network.scale).shape) * kind.itemsize,
        plane=values * (copies * kind.itemsize + MASKS),
        tile=tile,
        waiting=min(waiting, budget_in_memory()),
    )


def affordable(layout: Layout, plan: Plan, network: Network, free: int, *, lazy: bool) -> Plan:
    """Return the plan, with smaller tiles where that makes it fit into memory.

    Parameters
    ----------
    layout, plan, network, lazy
        As for `budget`.
    free : int
        Bytes of memory.

    Raises
    ------
    OutOfMemoryError
        If it does not fit even so.
    """
    smaller: Plan | None = plan
    while smaller is not None:
        plan, needed = smaller, budget(layout, smaller, network, lazy=lazy)
        if needed.total <= free:
            return plan
        # no tile helps where the rest alone is too much
        smaller = plan.halved() if needed.total - needed.tile <= free else None
    raise OutOfMemoryError(
        f"the result, {layout.enlarged(network.scale).shape} of {layout.dtype}, needs "
        f"{in_words(needed.result)} of memory, one plane of the image with its tiles of "
        f"{plan.side} px {in_words(needed.total - needed.result)} more, and {in_words(free)} are "
        "free: upscale a part of the image, or by less"
    )


@contextmanager
def told_in_words(what: str) -> Iterator[None]:
    """Turn any error of lacking memory into an `OutOfMemoryError` that says what ran.

    Parameters
    ----------
    what : str
        Such as "upscaling the image".
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
            f"memory ran out while {what}: close other programs, or take a part of the image"
            + (f" ({why})" if why else "")
        ) from error


def in_words(size: int) -> str:
    """Return a number of bytes in MiB or GiB."""
    return f"{size / 2**20:.1f} MiB" if size < 2**30 else f"{size / 2**30:.1f} GiB"


def bytes_of_mean(height: int, width: int, channels: int, scale: int) -> int:
    """Return what a `Mean` takes, in memory or in files."""
    return height * width * (1 + torch.float32.itemsize * channels * scale**2)
