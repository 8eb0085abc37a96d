"""Estimate a run's time and memory before it starts."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from napari_sr.engine.planning.budget import bytes_of_mean
from napari_sr.engine.planning.devices import choose_precision, on_device
from napari_sr.engine.planning.for_network import device_for
from napari_sr.engine.planning.memory import meta_copy
from napari_sr.engine.planning.tile_size import bytes_per_pixel, padded_length
from napari_sr.graph.flops import FlopCounter
from napari_sr.layers.colour import enlarge
from sr_kernels import chosen, use_kernels

if TYPE_CHECKING:
    from napari_sr.engine.image.arrays import Layout
    from napari_sr.engine.planning.plan import Plan
    from napari_sr.engine.planning.settings import Settings
    from napari_sr.graph.network import Network

PROBE_FLOPS = 25e9
"""Approximate number of operations in the timed probe: about one second on a laptop's CPU."""


@dataclass(frozen=True)
class Estimate:
    """Estimated size, memory and time of a run."""

    result_shape: tuple[int, ...]
    result_bytes: int
    working_bytes: int
    """Peak memory on the device, without the result."""
    tile: int
    """LR pixels along the longer side of a tile."""
    tiles: int
    """Number of tiles over all planes, stages and orientations."""
    exact: bool
    """Whether the result has no seams: it equals that of one tile."""
    seconds: float | None
    """Duration of the run; None if the network's speed has not been measured."""
    overhead: float
    """Extra work of the tiles, as a share of the work of a single tile."""
    spilled_bytes: int
    """Bytes of features between stages, and of an ensemble's mean and spread, stored in main memory
    or, if memory is short, in files."""
    orientations: int
    """How many times each plane is computed: 8 for an ensemble, otherwise 1."""


def estimate(
    layout: Layout, plan: Plan, network: Network, *, speed: float | None = None
) -> Estimate:
    """Estimate memory and time of upscaling an image, without computing a pixel.

    Parameters
    ----------
    layout : Layout
        Layout of the image.
    plan : Plan
        Plan of the run.
    network : Network
        Loaded network; only its shapes are used.
    speed : float, optional
        Speed in LR pixels per second, as `measure_speed` returns it.
    """
    larger = layout.enlarged(network.factor).shape
    height, width = plan.stages.largest_tile
    tiles = plan.count * layout.count
    own = plan.spread and network.factor == network.scale
    mean = bytes_of_mean(layout, network.scale, spread=own) if plan.ensemble else 0
    per_pixel = bytes_per_pixel(network, layout.channels, plan.precision)
    return Estimate(
        result_shape=larger,
        result_bytes=math.prod(larger) * layout.dtype.itemsize,
        working_bytes=int(per_pixel * height * width),
        tile=plan.side,
        tiles=tiles,
        exact=plan.exact_for(network),
        seconds=None if speed is None else layout.count * plan.cost / speed,
        overhead=plan.cost / (plan.orientations * plan.height * plan.width) - 1,
        spilled_bytes=plan.spilled_bytes + mean,
        orientations=plan.orientations,
    )


def flops_per_pixel(network: Network) -> float:
    """Return the floating-point operations per LR pixel: two per multiply-add."""
    side = padded_length(64, network)
    image = torch.empty(1, network.channels, side, side, device="meta")
    counter = FlopCounter()
    with torch.inference_mode(), use_kernels("reference"), counter:
        enlarge(meta_copy(network), image)
    return counter.total / side**2


def measure_speed(network: Network, settings: Settings) -> float:
    """Time the network on a small noise image; return LR pixels per second.

    It takes about a second, so call it from a worker thread.
    """
    device = device_for(network, settings)
    precision = choose_precision(settings.precision, device, network.precisions)
    moved = on_device(network, device, precision)
    pixels = PROBE_FLOPS / max(flops_per_pixel(network), 1.0)
    side = padded_length(min(512, max(24, math.isqrt(int(pixels)))), network)
    image = torch.rand(1, network.channels, side, side, device=device)
    kernels = chosen() if settings.kernels == "auto" else settings.kernels
    with torch.inference_mode(), use_kernels(kernels):
        enlarge(moved, image[..., : padded_length(24, network), : padded_length(24, network)]).cpu()
        began = time.perf_counter()
        enlarge(moved, image).cpu()
    return side**2 / (time.perf_counter() - began)
