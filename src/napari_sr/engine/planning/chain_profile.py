"""Count arithmetic and memory of a chain, link by link, without computing a pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from napari_sr.graph.chain import IMAGE, ChunkedAttention, PooledGrid, Step, Window, outputs_of
from napari_sr.graph.flops import FlopCounter
from napari_sr.graph.run import attend, compute
from napari_sr.layers.colour import values_for
from sr_kernels import use_kernels

if TYPE_CHECKING:
    from fractions import Fraction

    from torch import Tensor

    from napari_sr.graph.chain import Chain, GlobalStats
    from napari_sr.graph.network import Network

ELEMENTWISE = 20
"""Cost of writing one value, as a number of floating-point operations, added to those of
convolutions."""
_PROBE = 96
"""Height and width of the image that is profiled, in pixels."""


@dataclass(frozen=True)
class PlaneFormat:
    """Channels, scale and data type of a plane."""

    channels: int
    scale: int | Fraction
    """Size of the plane relative to the image."""
    dtype: torch.dtype

    @property
    def bytes(self) -> float:
        """Bytes per pixel of the image."""
        return float(self.channels * self.scale**2 * self.dtype.itemsize)


@dataclass(frozen=True)
class Profile:
    """Arithmetic of each link and format of each plane of a chain."""

    flops: tuple[float, ...]
    """Floating-point operations of each link per pixel of the image."""
    planes: dict[str, PlaneFormat]
    """Format of each plane, by name."""
    attention_flops: float
    """The part of `flops` that grows with the number of pixels of the image: attention."""
    probe_pixels: int
    """Number of pixels of the image that was profiled."""

    def flops_at(self, pixels: int) -> float:
        """Return the floating-point operations per pixel of an image with this many pixels."""
        return sum(self.flops) + self.attention_flops * (pixels / self.probe_pixels - 1)


def profile(chain: Chain, network: Network, channels: int) -> Profile:
    """Count the operations of every link and the bytes of every plane.

    Parameters
    ----------
    chain : Chain
        Chain of a network on the meta device (`memory.meta_copy`), with one writer for each name.
    network : Network
        Network of the chain; only its least size and multiple are used.
    channels : int
        Channels of the image.
    """
    side = math.ceil(max(_PROBE, network.least_size) / network.multiple) * network.multiple
    window = Window(0, 0, side, side, side, side)
    image = torch.empty(1, channels, side, side, device="meta")
    tensors: dict[str, Tensor] = {IMAGE: image, **values_for(network, 0.0, "meta")}
    formats = {IMAGE: PlaneFormat(channels, 1, image.dtype)}
    flops: list[float] = []
    for link in chain:
        counter = FlopCounter()
        with torch.inference_mode(), use_kernels("reference"), counter:
            if isinstance(link, Step):
                tensors |= compute(link, tensors, window)[0]
            elif isinstance(link, ChunkedAttention):
                tensors[link.writes] = attend(link, tensors)
            else:
                tensors[link.writes] = _gather(link, tensors[link.reads])
        outputs = {name: tensors[name] for name in outputs_of(link)}
        if isinstance(link, (Step, ChunkedAttention)):
            scale = link.scale if isinstance(link, Step) else 1
            formats |= {
                name: PlaneFormat(x.shape[1], scale, x.dtype) for name, x in outputs.items()
            }
        written = sum(x.numel() for x in outputs.values())
        flops.append((counter.total + ELEMENTWISE * written) / side**2)
    attention_flops = sum(
        each for each, link in zip(flops, chain, strict=True) if isinstance(link, ChunkedAttention)
    )
    return Profile(tuple(flops), formats, attention_flops, side**2)


def _gather(link: GlobalStats | PooledGrid, plane: Tensor) -> Tensor:
    """Return the value that a link gathers from a plane on the meta device."""
    if isinstance(link, PooledGrid):
        return link.finish(link.compute(plane))
    statistic = plane.new_empty((*plane.shape[:2], 1, 1), dtype=torch.float32)
    return link.finish(statistic, statistic, plane.shape[2] * plane.shape[3])
