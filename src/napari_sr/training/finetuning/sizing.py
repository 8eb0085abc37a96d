"""How much a step learns from, and how much is judged, by what a network costs where it computes.

Letters: N crops, P pixels along an LR crop.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from napari_sr.engine.planning.memory import WORKSPACE, learning_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_sr.graph.network import Network


@dataclass(frozen=True)
class Size:
    """What a step learns from."""

    batch: int
    """N."""
    crop: int
    """P."""

    @property
    def pixels(self) -> int:
        """N * P * P."""
        return self.batch * self.crop**2

    @property
    def words(self) -> str:
        """The same for people."""
        crops = "1 crop" if self.batch == 1 else f"{self.batch} crops"
        return f"{crops} of {self.crop} x {self.crop} pixels"


LADDER = (
    Size(16, 24), Size(12, 24), Size(8, 24), Size(6, 24), Size(4, 24), Size(4, 20), Size(4, 16),
    Size(3, 16), Size(2, 16), Size(1, 16), Size(1, 12), Size(1, 8),
)  # fmt: skip
"""From what is best to what is least: fewer crops first, as each still shows a network its whole
surroundings, and smaller ones where that is not enough."""
STEP, STEPS = 1.0, 300
"""Seconds that a step may take at most, and how many steps a training should have."""
PART = 4
"""Learning may take one part in so many of the free memory."""
COPIES = 5
"""Of weights: themselves, their gradient, two that Adam keeps, and the running mean."""
SIDES = (64, 128, 256)
"""HR pixels along each side of what is judged of a plane."""
MOST_JUDGED = 8
"""Planes."""
TIMINGS, SHORT = 4, 0.2
"""How often a plane is timed at most, and the seconds after which no more."""


def sizes(network: Network, room: int) -> tuple[Size, ...]:
    """Return what a step may learn from, the best first.

    Parameters
    ----------
    network : Network
        With weights; its shapes alone are used.
    room : int
        LR pixels along each side of a crop for which the images have room.

    Raises
    ------
    ValueError
        If the images have no room for the network's least crop.
    """
    multiple = network.multiple
    least = max(1, math.ceil(network.least_size / multiple)) * multiple
    most = room // multiple * multiple
    if most < least:
        raise ValueError(
            f"{network.title} learns from crops of at least {least} x {least} LR pixels, and an "
            f"image has room for {room} x {room}: choose larger images, or another network"
        )
    fitted = (
        Size(size.batch, min(max(size.crop // multiple * multiple, least), most)) for size in LADDER
    )
    return tuple(dict.fromkeys(fitted))


def affordable(offered: Sequence[Size], network: Network, free: int) -> tuple[Size, ...]:
    """Return those for which there is memory, and the least in any case.

    Parameters
    ----------
    offered : sequence of Size
        The best first.
    network : Network
        In the precision it will learn in; its shapes alone are used.
    free : int
        Bytes that the device has left, of which one in `PART` may be taken.
    """
    each = {crop: learning_bytes(network, crop, crop) for crop in {one.crop for one in offered}}
    weights = COPIES * sum(one.nbytes for one in network.parameters())
    enough = [
        size
        for size in offered
        if weights + WORKSPACE * size.batch * each[size.crop] <= free / PART
    ]
    return tuple(enough) or tuple(offered[-1:])


def longest(minutes: float) -> float:
    """Return how many seconds a step of a training of so many minutes may take."""
    return min(STEP, 60 * minutes / STEPS)


def choose(offered: Sequence[Size], seconds_per_pixel: float, longest: float) -> Size:
    """Return the best size whose step is short enough, or else the least.

    Parameters
    ----------
    offered : sequence of Size
        The best first.
    seconds_per_pixel : float
        That a step takes for each of its N * P * P pixels.
    longest : float
        Seconds that it may take.
    """
    short = (size for size in offered if size.pixels * seconds_per_pixel <= longest)
    return next(short, offered[-1])


@torch.no_grad()
def judgeable(network: Network, device: torch.device, seconds: float) -> tuple[int, int]:
    """Return of how much is judged in so many seconds: HR pixels a side, and planes.

    The network is timed on more and more, no longer than that.

    Parameters
    ----------
    network : Network
        In eval mode, on the device.
    device : torch.device
        Where it computes.
    seconds : float
        That judging and showing one plane may take.
    """
    found, took, growth = SIDES[0], math.inf, 4.0
    _seconds(network, device, found)  # the first time prepares things
    for side in SIDES:
        # one plane is shown, too
        if side > found and 2 * took * growth > seconds:
            break
        now = _seconds(network, device, side)
        if side > found and 2 * now > seconds:
            break
        growth = max(4.0, now / took)
        found, took = side, now
    return found, min(MOST_JUDGED, max(1, int(seconds / took) - 1))


def _seconds(network: Network, device: torch.device, side: int) -> float:
    """Return how long a plane takes; what is short is timed again, as other programs disturb it."""
    lr_side = max(side // network.scale, network.least_size)
    lr_side = math.ceil(lr_side / network.multiple) * network.multiple
    image = torch.zeros(1, network.channels, lr_side, lr_side, device=device)
    took: list[float] = []
    while not took or (len(took) < TIMINGS and sum(took) < SHORT):
        began = time.monotonic()
        network(image).cpu()
        took.append(max(time.monotonic() - began, 1e-6))
    return min(took)
