"""Choose the size of a training step, and of validation, by the network's cost on its device.

Symbols: N crops, P pixels along an LR crop.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from napari_sr.engine.image.digits import counted
from napari_sr.engine.planning.memory import WORKSPACE, learning_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_sr.graph.network import Network


@dataclass(frozen=True)
class Size:
    """Number and size of the crops in a training step."""

    batch: int
    """N, the number of crops."""
    crop: int
    """P, the side of a crop in LR pixels."""

    @property
    def pixels(self) -> int:
        """LR pixels in a step: N * P * P."""
        return self.batch * self.crop**2

    @property
    def words(self) -> str:
        """The size as text."""
        return f"{counted(self.batch, 'crop')} of {self.crop} x {self.crop} pixels"


LADDER = (
    Size(16, 24), Size(12, 24), Size(8, 24), Size(6, 24), Size(4, 24), Size(4, 20), Size(4, 16),
    Size(3, 16), Size(2, 16), Size(1, 16), Size(1, 12), Size(1, 8),
)  # fmt: skip
"""Sizes of a step from largest to smallest. Larger steps train better, but take longer."""
NOISY_LADDER = (
    Size(8, 32), Size(6, 32), Size(4, 32), Size(3, 32), Size(2, 32), Size(1, 32), Size(1, 24),
    Size(1, 16), Size(1, 8),
)  # fmt: skip
"""The same for noisy images: crops are larger, because their borders are not compared."""
STEP, STEPS = 1.0, 300
"""Longest step in seconds, and the number of steps that should fit into the time."""
PART = 4
"""Training may use 1 / PART of the free memory."""
COPIES = 5
"""Tensors of the weights' size in memory: weights, gradient, Adam's two moments, running mean."""
SIDES = (64, 128, 256)
"""Possible sides, in HR pixels, of the part of a plane that is validated."""
MOST_JUDGED = 8
"""Largest number of planes that are validated."""
TIMINGS, SHORT = 4, 0.2
"""A plane is timed at most TIMINGS times, and for little more than SHORT seconds."""


def sizes(network: Network, room: int, ladder: Sequence[Size] | None = None) -> tuple[Size, ...]:
    """Return the possible sizes of a step, best first.

    Parameters
    ----------
    network : Network
        A network with weights; only its shapes are used.
    room : int
        Side in LR pixels of the largest crop that fits into the images.
    ladder : sequence of Size, optional
        Sizes from largest to smallest; by default `LADDER`.

    Raises
    ------
    ValueError
        If the images are too small for the network's smallest crop.
    """
    multiple = network.multiple
    least = max(1, math.ceil(network.least_size / multiple)) * multiple
    most = room // multiple * multiple
    if most < least:
        raise ValueError(
            f"{network.title} needs crops of at least {least} x {least} LR pixels, but the "
            f"largest that fits has {room} x {room}: choose larger images, or another network"
        )
    fitted = (
        Size(size.batch, min(max(size.crop // multiple * multiple, least), most))
        for size in ladder or LADDER
    )
    return tuple(dict.fromkeys(fitted))


def affordable(offered: Sequence[Size], network: Network, free: int) -> tuple[Size, ...]:
    """Return the sizes that fit into memory, or only the smallest if none fits.

    Parameters
    ----------
    offered : sequence of Size
        Sizes, best first.
    network : Network
        The network, in the precision of training; only its shapes are used.
    free : int
        Free bytes on the device; 1 / `PART` of them may be used.
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
    """Return the seconds that a step may take at most if training takes `minutes` minutes."""
    return min(STEP, 60 * minutes / STEPS)


def choose(offered: Sequence[Size], seconds_per_pixel: float, longest: float) -> Size:
    """Return the best size with short enough steps, or the smallest size if there is none.

    Parameters
    ----------
    offered : sequence of Size
        Sizes, best first.
    seconds_per_pixel : float
        Time of a step divided by its N * P * P pixels.
    longest : float
        Longest time of a step in seconds.
    """
    short = (size for size in offered if size.pixels * seconds_per_pixel <= longest)
    return next(short, offered[-1])


@torch.no_grad()
def judgeable(network: Network, device: torch.device, seconds: float) -> tuple[int, int]:
    """Return the side in HR pixels and the number of planes that can be validated in some seconds.

    The network is timed on larger and larger parts, as long as two of them fit into this time.

    Parameters
    ----------
    network : Network
        In eval mode, on the device.
    device : torch.device
        The device of the network.
    seconds : float
        Time for validating all planes and showing one.
    """
    found, took, growth = SIDES[0], math.inf, 4.0
    _seconds(network, device, found)  # the first run includes preparations
    for side in SIDES:
        # time for two planes is needed: one is validated, one is shown
        if side > found and 2 * took * growth > seconds:
            break
        now = _seconds(network, device, side)
        if side > found and 2 * now > seconds:
            break
        growth = max(4.0, now / took)
        found, took = side, now
    return found, min(MOST_JUDGED, max(1, int(seconds / took) - 1))


def _seconds(network: Network, device: torch.device, side: int) -> float:
    """Return the seconds for a plane; short times are measured repeatedly, and the least counts."""
    lr_side = max(side // network.scale, network.least_size)
    lr_side = math.ceil(lr_side / network.multiple) * network.multiple
    image = torch.zeros(1, network.inputs, lr_side, lr_side, device=device)
    took: list[float] = []
    while not took or (len(took) < TIMINGS and sum(took) < SHORT):
        began = time.monotonic()
        network(image).cpu()
        took.append(max(time.monotonic() - began, 1e-6))
    return min(took)
