"""Upscale one image, tile by tile, as a generator.

A script loops over it, a thread runs it, a test steps it; closing it cancels within one tile
and gives the memory back. Only the tile and what it returns are ever on the device.
"""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_sr import __version__
from napari_sr.engine.arrays import (
    ArrayLike,
    Layout,
    ValueRange,
    check_values,
    layout_of,
    value_range_of,
)
from napari_sr.engine.colour import enlarge
from napari_sr.engine.devices import OutOfMemoryError, free_memory, is_out_of_memory, release
from napari_sr.engine.plan import Plan, Settings, make_plan
from sr_kernels import chosen, failures, launched, use_kernels

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_sr.engine.tiling import Tile
    from napari_sr.models._network import Network


@dataclass(frozen=True)
class Progress:
    """Told after every tile."""

    done: int
    total: int
    message: str = ""
    """Not empty where the user should know something."""


@dataclass(frozen=True)
class Upscaled:
    """The result of a run."""

    pixels: NDArray[Any]
    """In the axes and data type of the source."""
    axes: str
    record: dict[str, object]
    """What ran: enough to repeat it."""


@dataclass(frozen=True)
class _Job:
    """What stays the same over all planes of one image."""

    image: ArrayLike
    layout: Layout
    output: NDArray[Any]
    larger: Layout
    values: ValueRange
    network: Network
    kernels: str


@torch.inference_mode()
def upscale_array(
    image: ArrayLike,
    network: Network,
    settings: Settings | None = None,
    *,
    axes: str | None = None,
) -> Generator[Progress, None, Upscaled]:
    """Yield progress after every tile; return the upscaled image.

    Parameters
    ----------
    image : array
        Of integers or floats: (Y, X), (..., Y, X), or with RGB or RGBA last. NumPy, dask or
        Zarr; read plane by plane.
    network : Network
        Left as it is; a copy runs where device or precision differ.
    settings : Settings, optional
        Tile, halo, device, precision, range of values.
    axes : str, optional
        One letter per axis, such as "TZYX" or "YXC"; see `arrays.layout_of`.

    Yields
    ------
    Progress
        `message` tells of a halved tile or a tile computed again in float32.

    Returns
    -------
    Upscaled
        Same axes and data type as the image, Y and X `network.scale` times longer.

    Raises
    ------
    ValueError
        If the image is empty, has other axes than named, or has NaN or infinite values, or if
        a setting is wrong.
    OutOfMemoryError
        If the result does not fit into memory, or not even the smallest tile does.
    """
    settings = settings or Settings()
    began, before = time.monotonic(), launched()
    layout = layout_of(image.shape, image.dtype, axes)
    plan = make_plan(layout, network, settings)
    check_values(image, layout, settings.value_range)
    values = value_range_of(image, layout, settings.value_range)
    larger = layout.enlarged(network.scale)
    output = _allocate(larger, np.dtype(image.dtype))
    kernels, note = _trusted_kernels(settings.kernels, plan)
    notes: list[str] = []
    try:
        here = placed(network, plan.device, plan.precision)
        job = _Job(image, layout, output, larger, values, here, kernels)
        done = 0
        for index, plane in enumerate(layout.planes()):
            remaining = layout.count - index
            for progress, now in _plane(job, plan, plane):
                plan = now
                total = done + remaining * progress.total
                message = "; ".join(part for part in (note, progress.message) if part)
                progress, note = replace(progress, message=message), ""
                if progress.message:
                    notes.append(progress.message)
                yield replace(progress, done=done + progress.done, total=total)
            done += len(plan.tiles)
    finally:
        job = here = None  # type: ignore[assignment]  # nothing of the run stays on the device
        release(plan.device)
    record = _record(network, plan, values, notes)
    record["kernels"] = {"chosen": kernels, "launched": _since(before)}
    record["seconds"] = time.monotonic() - began
    return Upscaled(output, layout.axes, record)


def placed(network: Network, device: torch.device, precision: torch.dtype) -> Network:
    """Return the network on a device in a precision: itself where it is there already."""
    weight = next(network.parameters())
    here = device.index in (None, weight.device.index) and weight.device.type == device.type
    if here and weight.dtype == precision and not network.training:
        return network
    moved = copy.deepcopy(network).to(device=device, dtype=precision).eval()
    if device.type == "cuda" and precision != torch.float32:
        # matrix units and our kernels want channels fastest; the features follow the weights
        moved.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return moved


def _trusted_kernels(word: str, plan: Plan) -> tuple[str, str]:
    """Return which kernels to use, and what to say where this GPU cannot be trusted with them."""
    word = chosen() if word == "auto" else word
    if word != "auto" or plan.device.type != "cuda" or plan.precision == torch.float32:
        return word, ""
    wrong = failures(plan.device, plan.precision)
    if not wrong:
        return word, ""
    return "reference", (
        f"the kernels {', '.join(wrong)} do not compute on {plan.device} what PyTorch does, so "
        "plain PyTorch is used: slower, and right"
    )


def _allocate(layout: Layout, dtype: np.dtype[Any]) -> NDArray[Any]:
    needed = math.prod(layout.shape) * dtype.itemsize
    free = free_memory(torch.device("cpu"))
    if needed > free:
        raise OutOfMemoryError(
            f"the result, {layout.shape} of {dtype}, needs {needed / 2**30:.1f} GiB, and "
            f"{free / 2**30:.1f} GiB are free: upscale a part of the image, or by less"
        )
    return np.empty(layout.shape, dtype)


def _plane(
    job: _Job, plan: Plan, index: tuple[int, ...]
) -> Generator[tuple[Progress, Plan], None, None]:
    """Upscale one plane; where memory runs out, begin it again with tiles of half the side."""
    pixels = job.layout.read(job.image, index)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    missing = (plan.height - pixels.shape[0], plan.width - pixels.shape[1])
    if any(missing):
        pixels = np.pad(pixels, [*((0, more) for more in missing), (0, 0)], mode="reflect")
    message = ""
    while True:
        tiles = plan.tiles
        smaller: Plan | None = None
        for number, tile in enumerate(tiles, start=1):
            try:
                note = _tile(job, plan, index, pixels, tile)
            except (RuntimeError, MemoryError) as error:
                smaller = _smaller(plan, error)
                break
            message = "; ".join(part for part in (message, note) if part)
            yield Progress(number, len(tiles), message), plan
            message = ""
        if smaller is None:
            return
        release(plan.device)
        told = f"out of memory with tiles of {plan.side} px: going on with {smaller.side} px"
        message = "; ".join(part for part in (message, told) if part)
        plan = smaller


def _smaller(plan: Plan, error: Exception) -> Plan:
    """Return a plan with smaller tiles, or raise what went wrong."""
    if not is_out_of_memory(error):
        raise error
    smaller = plan.halved()
    if smaller is None:
        raise OutOfMemoryError(
            f"not even tiles of {plan.side} px with a halo of {plan.halo} px fit into the memory "
            f"of {plan.device}: choose a smaller network or another device ({error})"
        ) from error
    return smaller


def _tile(job: _Job, plan: Plan, index: tuple[int, ...], pixels: NDArray[Any], tile: Tile) -> str:
    """Upscale one tile into the output; return what the user should know, or nothing."""
    block = job.values.encode(pixels[tile.rows.read, tile.columns.read])
    small = torch.from_numpy(block).permute(2, 0, 1)[None].contiguous().to(plan.device)
    with use_kernels(job.kernels):
        large = enlarge(job.network, small)
    note = ""
    if not torch.isfinite(large).all():
        note = _note_of_repetition(plan, tile)
        with use_kernels("reference"):
            large = enlarge(placed(job.network, plan.device, torch.float32), small)
        if not torch.isfinite(large).all():
            raise ValueError(f"the network returned NaN or infinite values, {note}")
    scale = job.network.scale
    rows, columns = tile.rows, tile.columns
    kept = large[0, :, _times(rows.crop, scale), _times(columns.crop, scale)]
    result = job.values.decode(kept.permute(1, 2, 0).cpu().numpy(), job.output.dtype)
    # padding by reflection, where there was any, ends at the image's own size
    bottom = min(rows.keep.stop * scale, job.larger.height)
    right = min(columns.keep.stop * scale, job.larger.width)
    target = slice(rows.keep.start * scale, bottom), slice(columns.keep.start * scale, right)
    result = result[: bottom - target[0].start, : right - target[1].start]
    block = result if job.layout.samples else result[..., 0]
    job.larger.write(job.output, index, *target, block)
    return note


def _note_of_repetition(plan: Plan, tile: Tile) -> str:
    corner = f"at y={tile.rows.keep.start}, x={tile.columns.keep.start}"
    return f"{plan.precision} overflowed in the tile {corner}, which was computed in float32"


def _times(span: slice, scale: int) -> slice:
    return slice(span.start * scale, span.stop * scale)


def _since(before: dict[str, int]) -> dict[str, int]:
    """Return how often each kernel was launched since then."""
    now = launched()
    return {
        name: now[name] - before.get(name, 0) for name in now if now[name] > before.get(name, 0)
    }


def _record(
    network: Network, plan: Plan, values: ValueRange, notes: list[str]
) -> dict[str, object]:
    return {
        "network": type(network).__name__,
        "scale": network.scale,
        "tile": plan.side,
        "halo": plan.halo,
        "tiles_exact": plan.exact_for(network),
        "receptive_field": network.receptive_field,
        "device": str(plan.device),
        "precision": str(plan.precision).removeprefix("torch."),
        "value_range": (values.low, values.high),
        "notes": notes,
        "versions": {
            "napari-sr": __version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
    }
