"""Upscale one image, tile by tile, as a generator.

A script loops over it, a thread runs it, a test steps it; closing it cancels within one tile
and gives the memory back. Only the tile and what it returns are ever on the device.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_sr import __version__
from napari_sr.engine.execution.context import Progress, RunContext
from napari_sr.engine.execution.feature_store import check_scratch_folder
from napari_sr.engine.execution.kernel_check import check_kernels, in_words
from napari_sr.engine.execution.pace import Pace
from napari_sr.engine.execution.plane import upscale_plane
from napari_sr.engine.image.arrays import ArrayLike, Layout, layout_of
from napari_sr.engine.image.guards import Diagnostics, check_outliers
from napari_sr.engine.image.value_range import Percentiles, checked_range
from napari_sr.engine.planning.budget import affordable, told_in_words
from napari_sr.engine.planning.devices import free_memory, release
from napari_sr.engine.planning.plan import Plan, make_plan
from napari_sr.engine.planning.settings import Settings
from napari_sr.engine.planning.warnings import run_warnings
from sr_kernels import chosen, distrusted, launched

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_sr.engine.image.plane_values import ValueRange
    from napari_sr.graph.network import Network


@dataclass(frozen=True)
class Upscaled:
    """The result of a run."""

    pixels: NDArray[Any]
    """In the axes and data type of the source."""
    axes: str
    record: dict[str, object]
    """What ran: enough to repeat it."""


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
        Zarr; read plane by plane. NaN is a pixel without a value, and stays one.
    network : Network
        Left as it is; a copy runs where device or precision differ.
    settings : Settings, optional
        Tile, halo, device, precision, range of values, ensemble.
    axes : str, optional
        One letter per axis, such as "TZYX" or "YXC"; see `arrays.layout_of`.

    Yields
    ------
    Progress
        `message` tells of a halved tile, of what was computed again in float32, and of impossible
        results.

    Returns
    -------
    Upscaled
        Same axes and data type as the image, Y and X `network.scale` times longer.

    Raises
    ------
    ValueError
        If the image is empty, has other axes than named or infinite values, or if a setting is
        wrong.
    OutOfMemoryError
        If the run does not fit into memory, told before anything is read, or memory runs out.
    """
    with told_in_words("upscaling the image"):
        return (yield from _upscale(image, network, settings or Settings(), axes))


def _upscale(
    image: ArrayLike, network: Network, settings: Settings, axes: str | None
) -> Generator[Progress, None, Upscaled]:
    """Upscale an image as `upscale_array` does; lack of memory may be any error."""
    began, before = time.monotonic(), launched()
    layout = layout_of(image.shape, image.dtype, axes)
    check_outliers(settings.outliers, layout.dtype)
    lazy = not isinstance(image, np.ndarray)
    plan = _affordable_plan(layout, network, settings, lazy=lazy)
    has_weights = next(network.parameters(), None) is not None
    values = checked_range(image, layout, settings.value_range, has_weights=has_weights)
    run_context = _run_context(layout, network, settings, values, plan.views)
    pace = Pace()
    try:
        distrust = _check_kernels(run_context, plan)
        told = (*run_warnings(plan, network, settings), in_words(distrust, plan.device))
        notes = Notes("; ".join(part for part in told if part))
        done = 0
        for index, place in enumerate(layout.planes()):
            remaining = layout.count - index
            for progress, now in upscale_plane(run_context, plan, place, layout.read(image, place)):
                plan = now
                total = done + remaining * progress.total
                share = (index + progress.share) / layout.count
                left = pace.seconds_left(share)
                message = notes.of(progress.message)
                yield Progress(done + progress.done, total, message, share, left)
            done += plan.count
        later = {op: why for op, why in distrusted(plan.device).items() if op not in distrust}
        ends = (run_context.diagnostics.in_words(settings.outliers), in_words(later, plan.device))
        if any(ends):
            yield Progress(done, done, notes.of("; ".join(filter(None, ends))), 1.0, 0.0)
    finally:
        run_context.chains.clear()  # nothing of the run stays on the device
        run_context.graphs.close()
        release(plan.device)
    record = _record(run_context, plan, notes.all)
    record["kernels"] = {
        "chosen": run_context.kernels,
        "launched": _since(before),
        "distrusted": distrusted(plan.device),
    }
    record["seconds"] = time.monotonic() - began
    return Upscaled(run_context.output, layout.axes, record)


def _affordable_plan(layout: Layout, network: Network, settings: Settings, *, lazy: bool) -> Plan:
    """Return a plan that fits into memory."""
    plan = make_plan(layout, network, settings)
    plan = affordable(layout, plan, network, free_memory(torch.device("cpu")), lazy=lazy)
    if plan.spilled_bytes or plan.ensemble:
        check_scratch_folder()
    return plan


def _run_context(
    layout: Layout, network: Network, settings: Settings, values: ValueRange, views: int
) -> RunContext:
    """Return what stays the same over all planes, with memory for the result."""
    larger = layout.enlarged(network.scale)
    output = np.empty(larger.shape, layout.dtype)
    kernels = chosen() if settings.kernels == "auto" else settings.kernels
    given = settings.value_range is not None and not isinstance(settings.value_range, Percentiles)
    diagnostics = Diagnostics(views, declared=given)
    return RunContext(
        network, layout, output, larger, values, kernels, settings.outliers, diagnostics
    )


class Notes:
    """What the user should know, told once each.

    Parameters
    ----------
    first : str
        Waits for the first progress; "" for nothing.
    """

    def __init__(self, first: str) -> None:
        self.all: list[str] = []
        self._first = first

    def of(self, message: str) -> str:
        """Return a progress's message, with what has waited, and remember it."""
        told = "; ".join(part for part in (self._first, message) if part)
        self._first = ""
        self.add(told)
        return told

    def add(self, message: str) -> None:
        """Remember what the result's record should say."""
        if message:
            self.all.append(message)


def _check_kernels(run_context: RunContext, plan: Plan) -> dict[str, str]:
    """Return the kernels that cannot be used on this GPU, each with the reason."""
    if (
        run_context.kernels != "auto"
        or plan.device.type != "cuda"
        or plan.precision == torch.float32
    ):
        return {}
    chain = run_context.chain(plan, plan.precision)
    return check_kernels(chain, run_context.network, run_context.layout.channels, plan.device)


def _since(before: dict[str, int]) -> dict[str, int]:
    """Return how often each kernel was launched since then."""
    now = launched()
    return {
        name: now[name] - before.get(name, 0) for name in now if now[name] > before.get(name, 0)
    }


def _record(run_context: RunContext, plan: Plan, notes: list[str]) -> dict[str, object]:
    return {
        "network": run_context.network.title,
        "scale": run_context.network.scale,
        "tile": plan.side,
        "halo": plan.halo,
        "stages": len(plan.stages.all),
        "tiles_exact": plan.exact_for(run_context.network),
        "receptive_field": run_context.network.receptive_field,
        "device": str(plan.device),
        "ensemble": plan.ensemble,
        "precision": str(plan.precision).removeprefix("torch."),
        "value_range": (run_context.values.low, run_context.values.high),
        "notes": notes,
        "guards": run_context.diagnostics.record(),
        "cuda_graphs": {**run_context.graphs.tally, "reasons": list(run_context.graphs.reasons)},
        "versions": {
            "napari-sr": __version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
    }
