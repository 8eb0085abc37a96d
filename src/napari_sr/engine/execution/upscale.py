"""Upscale one image tile by tile, as a generator.

Closing the generator cancels the run within one tile and frees the memory. The device's memory
never contains more than one tile and its result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_sr.engine.execution.context import Finished, Notes, Output, Progress, RunContext
from napari_sr.engine.execution.kernel_check import in_words, wrong_kernels
from napari_sr.engine.execution.pace import Pace
from napari_sr.engine.execution.plane import upscale_plane
from napari_sr.engine.execution.prepared import prepare
from napari_sr.engine.execution.run_record import record_of
from napari_sr.engine.execution.shrunk_planes import shrunk
from napari_sr.engine.image.arrays import ArrayLike, layout_of
from napari_sr.engine.image.conversion import Extension, fill_missing
from napari_sr.engine.image.guards import Diagnostics
from napari_sr.engine.image.value_range import Percentiles, checked_range
from napari_sr.engine.planning.border import border_width
from napari_sr.engine.planning.budget import explain_memory_errors
from napari_sr.engine.planning.devices import release
from napari_sr.engine.planning.for_network import result_layout, settings_for
from napari_sr.engine.planning.noise_level import noise_of_run
from napari_sr.engine.planning.settings import Settings
from napari_sr.engine.planning.warnings import run_warnings
from sr_kernels import chosen, distrusted

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from numpy.typing import NDArray

    from napari_sr.engine.execution.partial_result import PartialResult
    from napari_sr.engine.execution.prepared import Prepared
    from napari_sr.engine.execution.shrunk_spread import ShrunkSpread
    from napari_sr.engine.image.arrays import Layout
    from napari_sr.engine.image.conversion import Filled
    from napari_sr.engine.image.plane_values import ValueRange
    from napari_sr.graph.network import Network


@dataclass(frozen=True)
class Upscaled:
    """The result of a run."""

    pixels: NDArray[Any]
    """Upscaled image, with the axes and data type of the source."""
    axes: str
    """One letter per axis."""
    record: dict[str, object]
    """Model, settings, versions and diagnostics: enough to repeat the run."""
    spread: NDArray[np.float32] | None = None
    """Standard deviation over the eight orientations, with the unit, axes and shape of `pixels`;
    None unless `Settings.spread` is True."""


@dataclass(frozen=True)
class Planes:
    """The planes of a run, and the output for their results."""

    layout: Layout
    """Layout of all planes together."""
    read: Callable[[tuple[int, ...]], Filled]
    """Takes the index of a plane along the looped axes; returns its pixels."""
    values: ValueRange
    """Black and white."""
    output: Output
    """Array with the enlarged `layout`."""
    finish: Callable[[tuple[int, ...]], Finished | None] | None = None
    """Called with the index of each plane whose result is complete; returns what it shrank."""
    diagnostics: Diagnostics | None = None
    """Counts of a longer run, which get those of these planes; None for a run with own counts."""
    partial: PartialResult | None = None
    """Receives the record at the end, also after a cancellation."""
    spread: Output | ShrunkSpread | None = None
    """Array of float32 like `output`, or what computes the spread of shrunk results."""


@torch.inference_mode()
def upscale_array(
    image: ArrayLike,
    network: Network,
    settings: Settings | None = None,
    *,
    axes: str | None = None,
    partial: PartialResult | None = None,
) -> Generator[Progress, None, Upscaled]:
    """Yield progress after every tile; return the upscaled image.

    Parameters
    ----------
    image : array
        Integers or floats, (Y, X), (..., Y, X), or with RGB or RGBA last. NumPy, dask or Zarr; read
        plane by plane. NaN marks a pixel without a value, and stays NaN in the result.
    network : Network
        Network to run. It is not changed; a copy runs if device or precision differ.
    settings : Settings, optional
        Tile, halo, device, precision, range of values, ensemble.
    axes : str, optional
        One letter per axis, such as "TZYX" or "YXC"; see `arrays.layout_of`.
    partial : PartialResult, optional
        Receives the result, so that finished pixels are not lost if the run is cancelled.

    Yields
    ------
    Progress
        Its `message` tells of smaller tiles, repetitions in float32 and implausible results.

    Returns
    -------
    Upscaled
        Image with the same axes and data type, Y and X `network.factor` times longer.

    Raises
    ------
    ValueError
        If the image is empty or has infinite values, or its axes or a setting are wrong.
    OutOfMemoryError
        If the run does not fit into memory, before anything is read or later.
    """
    with explain_memory_errors("upscaling the image"):
        return (yield from _upscale(image, network, settings or Settings(), axes, partial))


def _upscale(
    image: ArrayLike,
    network: Network,
    settings: Settings,
    axes: str | None,
    partial: PartialResult | None,
) -> Generator[Progress, None, Upscaled]:
    """Upscale an image as `upscale_array` does, but do not translate memory errors."""
    layout = layout_of(image.shape, image.dtype, axes)
    if network.takes_noise or network.processing is not None:
        settings = settings_for(settings, network, image, layout)
    kind = result_layout(layout, network, settings)
    prepared = prepare(kind, network, settings, lazy=not isinstance(image, np.ndarray))
    has_weights = next(network.parameters(), None) is not None
    values = checked_range(image, layout, settings.value_range, has_weights=has_weights)
    larger = layout.enlarged(network.factor)
    output = np.empty(larger.shape, kind.dtype)
    spread = np.empty(larger.shape, np.float32) if settings.spread else None
    if partial is not None:
        partial.begin(output, larger)
    extension, reach = Extension.around(border_width(network, settings)), network.receptive_field

    def read(index: tuple[int, ...]) -> Filled:
        pixels = layout.read(image, index)
        filled = fill_missing(pixels if layout.samples else pixels[..., None], reach)
        return filled._replace(extension=extension, channel=layout.channel_of(index))

    planes = Planes(layout, read, values, partial or output, partial=partial, spread=spread)
    if network.factor != network.scale:
        planes = replace(planes, **shrunk(planes.output, kind, network, spread))
    record = yield from upscale_planes(prepared, planes)
    return Upscaled(output, layout.axes, record, spread)


@torch.inference_mode()
def upscale_planes(
    prepared: Prepared, planes: Planes
) -> Generator[Progress, None, dict[str, object]]:
    """Upscale planes one after the other; yield progress after every tile.

    Parameters
    ----------
    prepared : Prepared
        The run, from `prepare`.
    planes : Planes
        The planes.

    Returns
    -------
    dict
        Settings, versions and diagnostics, for the record of the result.
    """
    plan, layout = prepared.plan, planes.layout
    run_context = _run_context(prepared, planes)
    pace = Pace()
    try:
        distrust = wrong_kernels(run_context, plan)
        warned = run_warnings(plan, prepared.network, prepared.settings)
        known = (prepared.doubt, *warned, in_words(distrust, plan.device))
        notes = Notes("; ".join(part for part in known if part))
        done = 0
        for number, index in enumerate(layout.planes()):
            remaining = layout.count - number
            # no variable holds the plane, so that it is freed before the next one is read
            for progress, next_plan in upscale_plane(run_context, plan, index, planes.read(index)):
                plan = next_plan
                total = done + remaining * progress.total
                share = (number + progress.share) / layout.count
                left = pace.seconds_left(share)
                message = notes.take(progress.message)
                yield Progress(done + progress.done, total, message, share, left)
                pace.go_on()
            done += plan.count
            if planes.finish is not None:
                run_context.count_shrunk(planes.finish(index))
        later = {op: why for op, why in distrusted(plan.device).items() if op not in distrust}
        alone = planes.diagnostics is None
        found = run_context.diagnostics.in_words(prepared.settings.outliers) if alone else ""
        ends = (found, in_words(later, plan.device))
        if any(ends):
            yield Progress(done, done, notes.take("; ".join(filter(None, ends))), 1.0, 0.0)
    except GeneratorExit:
        if planes.partial is not None:
            planes.partial.end(record_of(run_context, plan, notes.all, prepared, pace.away))
        raise
    finally:
        run_context.chains.clear()  # so that no copy of the network stays on the device
        run_context.backend.close()
        release(plan.device)
    record = record_of(run_context, plan, notes.all, prepared, pace.away)
    if planes.partial is not None:
        planes.partial.end(record)
    return record


def _run_context(prepared: Prepared, planes: Planes) -> RunContext:
    """Return the state that all planes share."""
    network, settings, layout = prepared.network, prepared.settings, planes.layout
    kernels = chosen() if settings.kernels == "auto" else settings.kernels
    return RunContext(
        network,
        layout,
        planes.output,
        layout.enlarged(network.scale),
        planes.values,
        kernels,
        settings.outliers,
        planes.diagnostics or diagnostics_of(settings),
        spread=planes.spread,
        noise=noise_of_run(network, settings, planes.values),
        backend=prepared.backend,
    )


def diagnostics_of(settings: Settings) -> Diagnostics:
    """Return the diagnostics of a run that has not started."""
    value_range = settings.value_range
    declared = value_range is not None and not isinstance(value_range, Percentiles)
    return Diagnostics(8 if settings.ensemble else 1, declared, final=not settings.unrounded)
