"""Size and margin of the blocks that an image is cut into, for a network and its settings.

Networks without global values compute blocks of some hundred pixels. Global values are gathered
from a whole plane, so for networks that have them, a block is a whole plane.

Symbols: S scale.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_sr.engine.planning.blocks import BlockGrid
from napari_sr.engine.planning.border import border_width
from napari_sr.engine.planning.devices import choose_precision
from napari_sr.engine.planning.for_network import device_for, result_layout
from napari_sr.engine.planning.network_profile import profile_of
from napari_sr.engine.planning.shrinking import Shrinking
from napari_sr.engine.planning.tiling import Region

if TYPE_CHECKING:
    import torch

    from napari_sr.engine.image.arrays import Layout
    from napari_sr.engine.planning.settings import Settings
    from napari_sr.graph.network import Network

SIDE = 2048
"""Approximate side of a block's result in pixels. Such a result, written as one shard (a file with
several chunks of a Zarr array), has some MB and is computed within seconds."""
SIDES = (1024, 512, 256)
"""Sides that blocks may have, in LR pixels."""
LEAST_WINDOW = 32
"""Smallest side, in LR pixels, of the window that is read for a block. For windows below about 20
pixels, libraries add in another order, which changes the last bits of FSRCNN x4 in float32."""
CONTEXT = 64
"""Number of LR pixels that networks with global values read around a region, instead of the whole
plane."""


def margin_of(network: Network, halo: int | None = None) -> int:
    """Return the margin of blocks in LR pixels, a multiple of the network's alignment.

    Parameters
    ----------
    network : Network
        A network without global values.
    halo : int, optional
        Margin that the user chose; by default the receptive field.

    Raises
    ------
    ValueError
        If the network's receptive field is the whole image.
    """
    field = network.receptive_field if halo is None else halo
    if field is None:
        raise ValueError(
            f"blocks need a network with a limited receptive field, but {network.title} reads the "
            "whole image"
        )
    return math.ceil(field / network.tile_alignment) * network.tile_alignment


def is_local(network: Network, channels: int, precision: torch.dtype) -> bool:
    """Return whether blocks smaller than a plane give the same result as the whole plane."""
    local = profile_of(network, channels, precision).local
    return local and not network.whole and network.receptive_field is not None


def make_grid(
    layout: Layout,
    network: Network,
    *,
    local: bool,
    halo: int | None = None,
    border: int = 0,
    side: tuple[int, int] | None = None,
    region: Region | None = None,
) -> BlockGrid:
    """Cut an image into blocks.

    Parameters
    ----------
    layout : Layout
        Layout of the image.
    network : Network
        The network that will run.
    local : bool
        Whether blocks may be smaller than planes, as `is_local` returns it.
    halo : int, optional
        Margin that the user chose.
    border : int
        Number of LR pixels by which each plane is extended; see `border_width`.
    side : (int, int), optional
        Height and width of a block in LR pixels, multiples of the network's alignment. By default
        the largest of `SIDES` whose result has sides of about `SIDE` pixels.
    region : Region, optional
        A rectangle of each plane; only this is cut into blocks. A network that is not local then
        reads `CONTEXT` pixels around the rectangle instead of the whole plane, so its results
        differ from the same part of the whole result.
    """
    area = region or Region(slice(0, layout.height), slice(0, layout.width))
    shrinking = Shrinking.of(network)
    if not local:
        outputs = shrinking.target(area).size if shrinking else (0, 0)
        margin = CONTEXT if region else border
        if region and network.processing is not None and network.processing.gathers:
            margin = max(layout.height, layout.width)  # the whole plane, for its statistics
        return BlockGrid(
            layout, *area.size, margin, whole=True, region=region, border=border,
            shrinking=shrinking, output_sides=outputs,
        )  # fmt: skip
    if side is None:
        side = (usual_side(network.scale),) * 2
    alignment = network.tile_alignment
    least = max(network.least_size, LEAST_WINDOW)
    margin = margin_of(network, halo)
    return BlockGrid(
        layout, *side, margin, alignment, least, region=region, border=border,
        shrinking=shrinking, output_sides=_output_sides(shrinking, side, region),
    )  # fmt: skip


def _output_sides(
    shrinking: Shrinking | None, side: tuple[int, int], region: Region | None
) -> tuple[int, int]:
    """Return the sides of a block of the result; a whole region is one block."""
    if shrinking is None:
        return 0, 0
    if region is not None and side == region.size:
        return shrinking.target(region).size
    return shrinking.side(side[0]), shrinking.side(side[1])


def usual_side(scale: int) -> int:
    """Return the usual side, in LR pixels, of a block, or of a shard if blocks are whole planes."""
    fitting = [one for one in SIDES if one * scale <= SIDE]
    return max(fitting, default=SIDES[-1])


def usual_grid(
    layout: Layout,
    network: Network,
    settings: Settings,
    side: tuple[int, int] | None = None,
    region: Region | None = None,
) -> BlockGrid:
    """Cut an image into the blocks that a run with these settings computes.

    Parameters
    ----------
    layout, network, side, region
        As for `make_grid`.
    settings : Settings
        Settings of the run.

    Raises
    ------
    ValueError
        If a setting is wrong.
    """
    device = device_for(network, settings)
    layout = result_layout(layout, network, settings)
    precision = choose_precision(settings.precision, device, network.precisions)
    local = is_local(network, layout.channels, precision)
    border = border_width(network, settings)
    return make_grid(
        layout, network, local=local, halo=settings.halo, border=border, side=side, region=region
    )
