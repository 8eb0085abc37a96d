"""What running a chain takes, link by link, found without computing a pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.utils.flop_counter import FlopCounterMode

from napari_sr.graph.chain import IMAGE, ChunkedAttention, PooledGrid, Step, Window, outputs_of
from napari_sr.graph.run import attend, compute
from sr_kernels import use_kernels

if TYPE_CHECKING:
    from fractions import Fraction

    from torch import Tensor

    from napari_sr.graph.chain import Chain, GlobalStats
    from napari_sr.graph.network import Network

ELEMENTWISE = 20
"""What writing a value costs beside the convolutions, as floating-point operations."""
_PROBE = 96


@dataclass(frozen=True)
class Kind:
    """What a plane is like."""

    channels: int
    scale: int | Fraction
    """How many times larger it is than the image."""
    dtype: torch.dtype

    @property
    def bytes(self) -> float:
        """What it takes per pixel of the image."""
        return float(self.channels * self.scale**2 * self.dtype.itemsize)


@dataclass(frozen=True)
class Profile:
    """What running a chain takes, found without computing a pixel."""

    flops: tuple[float, ...]
    """Floating-point operations of each link per pixel of the image."""
    planes: dict[str, Kind]
    """Of each plane what it is like."""
    attending: float
    """The part of `flops` that grows with the number of pixels, as those look at more."""
    pixels: int
    """How many there were."""

    def work(self, pixels: int) -> float:
        """Return the floating-point operations per pixel of an image of so many."""
        return sum(self.flops) + self.attending * (pixels / self.pixels - 1)


def profile(chain: Chain, network: Network, channels: int) -> Profile:
    """Count what every link computes and every plane holds.

    Parameters
    ----------
    chain : Chain
        Of a `memory.meta_copy`, whose names have one writer each.
    network : Network
        Its least size and multiple count.
    channels : int
        Of the image.
    """
    side = math.ceil(max(_PROBE, network.least_size) / network.multiple) * network.multiple
    window = Window(0, 0, side, side, side, side)
    image = torch.empty(1, channels, side, side, device="meta")
    held: dict[str, Tensor] = {IMAGE: image}
    kinds = {IMAGE: Kind(channels, 1, image.dtype)}
    flops: list[float] = []
    for link in chain:
        counter = FlopCounterMode(display=False)
        with torch.inference_mode(), use_kernels("reference"), counter:
            if isinstance(link, Step):
                held |= compute(link, held, window)[0]
            elif isinstance(link, ChunkedAttention):
                held[link.writes] = attend(link, held)
            else:
                held[link.writes] = _gathered(link, held[link.reads])
        made = {name: held[name] for name in outputs_of(link)}
        if isinstance(link, (Step, ChunkedAttention)):
            scale = link.scale if isinstance(link, Step) else 1
            kinds |= {name: Kind(x.shape[1], scale, x.dtype) for name, x in made.items()}
        written = sum(x.numel() for x in made.values())
        flops.append((counter.get_total_flops() + ELEMENTWISE * written) / side**2)
    looks = [isinstance(link, ChunkedAttention) for link in chain]
    attending = sum(many for many, look in zip(flops, looks, strict=True) if look)
    return Profile(tuple(flops), kinds, attending, side**2)


def _gathered(link: GlobalStats | PooledGrid, plane: Tensor) -> Tensor:
    """Return what a link gathers from a plane without data."""
    if isinstance(link, PooledGrid):
        return link.finish(link.compute(plane))
    statistic = plane.new_empty((*plane.shape[:2], 1, 1), dtype=torch.float32)
    return link.finish(statistic, statistic, plane.shape[2] * plane.shape[3])
