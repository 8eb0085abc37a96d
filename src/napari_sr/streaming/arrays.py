"""Upscale from one array into another, block by block."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.block_size import SIDES, usual_grid
from napari_sr.engine.planning.for_network import result_layout
from napari_sr.runs import cache
from napari_sr.streaming.run import run_into, run_on

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_sr.engine.execution.context import Progress
    from napari_sr.engine.image.arrays import Layout
    from napari_sr.graph.network import Network
    from napari_sr.runs.run import Request
    from napari_sr.streaming.report import Report


def upscale_into(
    request: Request, out: Any, network: Network | None = None, spread: Any = None
) -> Generator[Progress, None, Report]:
    """Upscale an image into an array, block by block; yield progress after every tile.

    Parameters
    ----------
    request : Request
        Image, settings and axes.
    out : array
        Zarr, NumPy, h5py or similar, with the shape and the data type of the result. If it has
        chunks, blocks are whole chunks where the scale allows it.
    network : Network, optional
        The request's model if it is already loaded.
    spread : array, optional
        Array of float32 with the same shape, for the spread of an ensemble; see `Settings.spread`.

    Raises
    ------
    ValueError
        If `out` has another shape or data type, is read-only or shares memory with the image; or if
        the image, its axes, the model or a setting is wrong.
    OutOfMemoryError
        If a block does not fit into memory.
    """
    image: Any = request.image
    network = cache.load(request.model) if network is None else network
    layout = layout_of(image.shape, image.dtype, request.axes)
    layout = result_layout(layout, network, request.settings)
    region = request.region
    whole = usual_grid(layout, network, request.settings, region=region)
    larger = whole.enlarged(network.scale)
    check_out(out, larger, image)
    if spread is not None:
        check_out(spread, replace(larger, dtype=np.dtype(np.float32)), image)
    grid = usual_grid(layout, network, request.settings, side_of(out, larger, network), region)
    return (yield from run_into(run_on(image, grid, network, request.settings), out, spread))


def check_out(out: Any, layout: Layout, image: Any) -> None:
    """Check that a result can be written into an array.

    Raises
    ------
    ValueError
        If `out` has another shape or data type than the layout, is read-only or shares memory with
        the image.
    """
    shape, kind = getattr(out, "shape", None), getattr(out, "dtype", None)
    if shape != layout.shape or kind != layout.dtype or not hasattr(out, "__setitem__"):
        raise ValueError(
            f"out must be an array of shape {layout.shape} and type {layout.dtype} that can be "
            f"written into, got {type(out).__name__} of shape {shape} and type {kind}"
        )
    in_file = getattr(getattr(out, "file", None), "mode", None)  # of h5py
    fixed = getattr(out, "read_only", False) or in_file == "r"
    if fixed or (isinstance(out, np.ndarray) and not out.flags.writeable):
        raise ValueError(f"out must be an array that can be written into, got {type(out).__name__}")
    both = isinstance(out, np.ndarray) and isinstance(image, np.ndarray)
    if out is image or (both and np.may_share_memory(out, image)):
        raise ValueError(
            "out must not share memory with the image, because blocks of the image are read after "
            "others are written"
        )


def side_of(out: Any, layout: Layout, network: Network) -> tuple[int, int] | None:
    """Return the block sides that cover whole chunks of an array; None if there are none."""
    chunks = getattr(out, "shards", None) or getattr(out, "chunks", None)
    if not isinstance(chunks, tuple) or len(chunks) != len(layout.axes):
        return None
    sides = []
    for letter in "YX":
        chunk = chunks[layout.axes.index(letter)]
        unit = math.lcm(chunk, network.scale * network.tile_alignment) // network.scale
        sides.append(unit * max(1, SIDES[0] // unit))
    return (sides[0], sides[1]) if max(sides) <= 4 * SIDES[0] else None
