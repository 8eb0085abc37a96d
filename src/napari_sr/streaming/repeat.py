"""Repeat a recorded run, for scripts and for `napari-sr run`."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.axial import enlarged_along_z
from napari_sr.engine.planning.block_size import usual_grid
from napari_sr.runs import cache
from napari_sr.runs.axial import Axial, upscale_along_z
from napari_sr.runs.consistency import with_consistency
from napari_sr.runs.file_range import with_range
from napari_sr.runs.file_record import file_record, software
from napari_sr.runs.model import ModelReference
from napari_sr.runs.record import RecordError, read_record
from napari_sr.runs.recorded import Recorded
from napari_sr.runs.repeat_source import source_of
from napari_sr.runs.run import Request, drive, run_request
from napari_sr.streaming.axial import checked_factor, run_along_z
from napari_sr.streaming.block_record import block_record
from napari_sr.streaming.part import part_of, within_bits
from napari_sr.streaming.run import output_place, run_into, run_on

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from numpy.typing import NDArray

    from napari_sr.engine.execution.context import Progress
    from napari_sr.engine.planning.blocks import Block
    from napari_sr.engine.planning.settings import Settings
    from napari_sr.files.lazy_image import LazyImage
    from napari_sr.graph.network import Network
    from napari_sr.runs.repeat_source import RepeatSource
    from napari_sr.streaming.part import Part


class RecordWarning(UserWarning):
    """A repeated run has other package versions, or another source, than the recorded run."""


def run(
    record: Mapping[str, Any] | str | Path,
    image: Any = None,
    out: str | Path | None = None,
    *,
    progress: Callable[[Progress], object] | None = None,
) -> NDArray[Any]:
    """Repeat a recorded run; with the same source and versions, the pixels are the same.

    Parameters
    ----------
    record : mapping, str or Path
        A record (`layer.metadata["napari-sr"]`), or the path of a TOML file or of a result.
    image : array, str or Path, optional
        The whole image; the recorded plane and region of it are upscaled. By default, the file
        that the record names, at its path or beside the record.
    out : str or Path, optional
        Path of the result, which must not exist: an OME-TIFF (.tif) or an OME-Zarr (.zarr).
    progress : callable, optional
        Called with a `Progress` (done, total, message) after each tile.

    Returns
    -------
    array
        The result, with the axes and the type of the image.

    Warns
    -----
    RecordWarning
        If versions of packages, or the source file, differ from those of the record.

    Raises
    ------
    RecordError
        If there is no record or no source, or weights or source differ from the record's.
    ValueError, OSError
        If the image cannot be read, or the result cannot be written.
    """
    folder = None
    if isinstance(record, str | Path):
        folder = Path(record).absolute().parent
        record = read_record(Path(record))
    found = Recorded.of(record)
    network = cache.load(found.reference(folder))
    found.check_weights(network)
    source = source_of(found, image, folder)
    for told in (found.other_versions(), source.changed):
        if told:
            warnings.warn(told, RecordWarning, stacklevel=2)
    result = drive(repeat(found, network, source), progress)
    if out is not None:
        from napari_sr.files.save import save

        for _ in save(Path(out), result, software=software(result.record or {})):
            pass
    pixels: NDArray[Any] = np.asarray(result.pixels)
    return pixels


def repeat(
    found: Recorded, network: Network, source: RepeatSource
) -> Generator[Progress, None, LazyImage]:
    """Repeat a recorded run; yield progress after every tile.

    Parameters
    ----------
    found : Recorded
        The run.
    network : Network
        The run's model, loaded.
    source : RepeatSource
        The image.

    Returns
    -------
    LazyImage
        The result, with its position and its record in the form that files hold.

    Raises
    ------
    RecordError
        If the image does not have the recorded plane or region.
    ValueError
        If the image or a setting is wrong.
    napari_sr.engine.planning.devices.OutOfMemoryError
        If the smallest tile does not fit.
    """
    image, settings = source.image, _settings(found, source)
    part = part_of(image, found.plane, found.region)
    if found.axial is not None:
        axial = Axial(found.axial, found.axial_by)
        result, record = yield from _along_z(found, network, part, settings, axial)
    elif found.block is None:
        request = Request(part.pixels, ModelReference(network), settings, image.axes, part.region)
        whole = yield from run_request(request, network)
        result, record = whole.pixels, whole.record
    else:
        result, record = yield from _blocks(found, network, part, settings)
    if source.path is not None:
        asked = found.chosen() if found.is_file else settings
        record = file_record(record, source.path, image, asked, found.source_axes)
        if found.is_file:
            result = within_bits(result, image)
    if found.kept is None and found.axial is None:
        shown = {**record, "region": None if part.region is None else part.region.spans}
        record = with_consistency(shown, part.pixels, result, image.axes)
    image = part.enlarged(result, network.factor, found.model, record, found.axial or 1)
    return image if found.kept is None else _kept(image, found.kept)


def _settings(found: Recorded, source: RepeatSource) -> Settings:
    """Return the recorded settings, with a value range that fits this source."""
    settings, image = found.chosen(), source.image
    if source.path is not None and found.is_file:
        return with_range(image, settings)[0]
    alike = settings.value_range is not None or str(image.pixels.dtype) == found.source_dtype
    return replace(settings, value_range=found.value_range if alike else None)


def _blocks(
    found: Recorded, network: Network, part: Part, settings: Settings
) -> Generator[Progress, None, tuple[NDArray[Any], dict[str, Any]]]:
    """Compute the recorded blocks; return the result and its record."""
    pixels, axes = part.pixels, part.image.axes
    layout = layout_of(pixels.shape, pixels.dtype, axes)
    grid = usual_grid(layout, network, settings, found.block, part.region)
    larger = grid.enlarged(network.scale)
    result = np.empty(larger.shape, larger.dtype)
    blocks = run_on(pixels, grid, network, settings)
    report = yield from run_into(blocks, result)
    source = {"source_shape": tuple(pixels.shape), "source_dtype": str(layout.dtype)}
    return result, {**block_record(blocks, report), **source, "axes": axes}


def _along_z(
    found: Recorded, network: Network, part: Part, settings: Settings, axial: Axial
) -> Generator[Progress, None, tuple[NDArray[Any], dict[str, Any]]]:
    """Repeat a run that enlarged Z, too; return the result and its record."""
    axes = part.image.axes
    request = Request(part.pixels, ModelReference(network), settings, axes, part.region)
    if found.block is None:
        return (yield from upscale_along_z(request, axial, network))
    layout = layout_of(part.pixels.shape, part.pixels.dtype, axes)
    grid = usual_grid(layout, network, settings, found.block, part.region)
    factor = checked_factor(axial, layout)
    larger = enlarged_along_z(grid.enlarged(network.scale), factor)
    result = np.empty(larger.shape, larger.dtype)
    blocks = run_on(part.pixels, grid, network, settings)

    def into(block: Block, values: NDArray[Any]) -> None:
        larger.write(result, block.plane, *output_place(block, network.scale), values)

    report = yield from run_along_z(blocks, factor, into)
    source = {"source_shape": layout.shape, "source_dtype": str(layout.dtype), "axes": axes}
    return result, {**block_record(blocks, report), **axial.record, **source}


def _kept(image: LazyImage, spans: tuple[tuple[int, int], ...]) -> LazyImage:
    """Return the part of a result, with its position, that a cancelled run had finished."""
    shape = tuple(image.pixels.shape)
    inside = all(last <= size for (_, last), size in zip(spans, shape, strict=False))
    if len(spans) != len(shape) or not inside:
        raise RecordError(
            f"the record names the part {spans} of a result, but the result of this image has the "
            f"shape {shape}"
        )
    starts = dict(zip(image.axes, (first for first, _ in spans), strict=False))
    places = {
        letter: replace(axis, origin=axis.origin + starts.get(letter, 0) * axis.size)
        for letter, axis in image.places.items()
    }
    pixels = np.ascontiguousarray(image.pixels[tuple(slice(*span) for span in spans)])
    record = {**(image.record or {}), "kept": [list(span) for span in spans]}
    return replace(image, pixels=pixels, places=places, record=record)
