"""Upscale a rectangle of each plane of an image; only the rectangle and a margin are read."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_sr.engine.execution.block_reader import BlockReader
from napari_sr.engine.execution.prepared import prepare
from napari_sr.engine.execution.shrunk_planes import into_region
from napari_sr.engine.execution.upscale import Planes, Upscaled, upscale_planes
from napari_sr.engine.image.arrays import Cropped, layout_of
from napari_sr.engine.image.value_range import Percentiles, check_values, value_range_of
from napari_sr.engine.planning.block_size import CONTEXT, is_local, usual_grid
from napari_sr.engine.planning.budget import explain_memory_errors
from napari_sr.engine.planning.for_network import result_layout, settings_for
from napari_sr.engine.planning.region import checked_region
from napari_sr.engine.planning.settings import Settings
from napari_sr.engine.planning.tiling import Region

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_sr.engine.execution.context import Progress
    from napari_sr.engine.execution.partial_result import PartialResult
    from napari_sr.engine.execution.prepared import Prepared
    from napari_sr.engine.image.arrays import ArrayLike, Layout
    from napari_sr.engine.image.conversion import Filled
    from napari_sr.engine.image.plane_values import ValueRange
    from napari_sr.engine.planning.blocks import BlockGrid
    from napari_sr.graph.network import Network


class RegionWarning(UserWarning):
    """The result of a region differs from the same part of the whole result."""


@torch.inference_mode()
def upscale_region(
    image: ArrayLike,
    network: Network,
    region: object,
    settings: Settings | None = None,
    *,
    axes: str | None = None,
    partial: PartialResult | None = None,
) -> Generator[Progress, None, Upscaled]:
    """Yield progress after every tile; return the upscaled rectangle of every plane.

    With a local network, the result equals the same part of the whole image's result. A network
    with global values, such as BSRN, reads `blocks.CONTEXT` pixels around the region instead of the
    whole plane; a `RegionWarning` and a note in the record then say so.

    Parameters
    ----------
    image, network, settings, axes, partial
        As for `upscale_array`.
    region : Region or ((top, bottom), (left, right))
        First row, the row after the last, and the same for columns, in pixels of the image.

    Returns
    -------
    Upscaled
        The rectangle, with the axes and data type of the image. Its record names the region.

    Raises
    ------
    ValueError
        As `upscale_array` does, or if the region is empty or reaches beyond the image.
    OutOfMemoryError
        As `upscale_array` does.
    """
    with explain_memory_errors("upscaling the region"):
        settings = settings or Settings()
        return (yield from _upscale(image, network, region, settings, axes, partial))


def _upscale(
    image: ArrayLike,
    network: Network,
    region: object,
    settings: Settings,
    axes: str | None,
    partial: PartialResult | None,
) -> Generator[Progress, None, Upscaled]:
    layout = layout_of(image.shape, image.dtype, axes)
    core = checked_region(region, layout)
    settings = settings_for(settings, network, image, layout)
    grid = usual_grid(layout, network, settings, core.size, core)
    first = grid.block(0)
    window = first.window
    cropped = Cropped(image, layout, window.rows, window.columns)
    inside = layout.resized(window.size)
    kind = result_layout(inside, network, settings)
    lazy = not isinstance(image, np.ndarray)
    prepared = prepare(kind, network, settings, lazy=lazy, size=first.extended.size)
    values = _value_range(image, layout, cropped, prepared)
    larger = inside.enlarged(network.scale)
    rows, columns = core.slices_in(window, network.scale)
    if first.output is not None:  # the output has nothing but the region
        larger = grid.enlarged(network.scale)
        rows, columns = first.output.rows, first.output.columns
    output = np.empty(larger.shape, kind.dtype)
    spread = np.empty(larger.shape, np.float32) if settings.spread else None
    if partial is not None:
        partial.begin(output, larger, Region(rows, columns))
    told = _difference(prepared, grid)
    if told:
        warnings.warn(told, RegionWarning, stacklevel=2)
    reader = BlockReader(image, grid, network.receptive_field)
    blocks = dict(zip(layout.planes(), grid, strict=True))

    def read(index: tuple[int, ...]) -> Filled:
        return reader.read(blocks[index])

    into = into_region(partial or output, kind, grid, first, spread)
    planes = Planes(inside, read, values, **into, partial=partial)
    try:
        record = yield from upscale_planes(prepared, planes)
    finally:
        if partial is not None and "notes" in partial.record:
            partial.record |= _region_record(partial.record, prepared, grid, core)
    found = {**record, **_region_record(record, prepared, grid, core)}

    def kept(whole: NDArray[Any]) -> NDArray[Any]:
        part = Cropped(whole, larger, rows, columns)[(slice(None),) * whole.ndim]
        return np.ascontiguousarray(part)

    return Upscaled(kept(output), layout.axes, found, None if spread is None else kept(spread))


def _value_range(
    image: ArrayLike, layout: Layout, cropped: Cropped, prepared: Prepared
) -> ValueRange:
    """Check the values, and return black and white of the whole image."""
    declared = prepared.settings.value_range
    has_weights = next(prepared.network.parameters(), None) is not None
    if isinstance(image, np.ndarray) and layout.dtype.kind != "f":
        # a dark region of a bright image is not faint
        check_values(image, layout, declared, has_weights=has_weights)
    else:
        check_values(cropped, prepared.layout, declared, has_weights=False)
    whole = image if isinstance(declared, Percentiles) else cropped
    return value_range_of(whole, layout if whole is image else prepared.layout, declared)


def _region_record(
    record: dict[str, object], prepared: Prepared, grid: BlockGrid, core: Region
) -> dict[str, object]:
    """Return the region's entries in the record: its position, and whether the result is exact."""
    told = _difference(prepared, grid)
    return {
        "region": core.spans,
        "tiles_exact": bool(record["tiles_exact"]) and not told,
        "notes": [*record["notes"], *([told] if told else [])],  # type: ignore[misc]
    }


def _difference(prepared: Prepared, grid: BlockGrid) -> str:
    """Return a sentence if the result differs from that of the whole plane, else ""."""
    network, layout = prepared.network, grid.layout
    if grid.reads_plane(grid.block(0)):
        return ""
    if is_local(network, layout.channels, prepared.plan.precision):
        return ""
    return (
        f"{network.title} needs the whole plane, but got only this region and {CONTEXT} px around "
        "it: its result differs a little from that of the whole layer"
    )
