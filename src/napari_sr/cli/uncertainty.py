"""Upscale an image, and also write the spread over views, for `napari-sr upscale --uncertainty`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from napari_sr.batch.by_blocks import wanted
from napari_sr.batch.job import BlockOptions
from napari_sr.cli import part, terminal
from napari_sr.cli.model import CommandError, load
from napari_sr.consistency.sampling import windows
from napari_sr.engine.image.arrays import layout_of
from napari_sr.evaluation.conformal import CalibrationError, width_of
from napari_sr.evaluation.known_calibration import calibration_for
from napari_sr.evaluation.spread_figures import ranks_in_words
from napari_sr.files.lazy import open_lazy
from napari_sr.files.place import check_apart, same_file
from napari_sr.files.save import check, save
from napari_sr.runs.file_range import with_range
from napari_sr.runs.file_record import software
from napari_sr.runs.record import known_model
from napari_sr.streaming.part import part_of, upscale_with_spread
from napari_sr.streaming.spread import SpreadFiles, write_with_spread

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rich.progress import Progress as Bars

    from napari_sr.batch.job import FileJob
    from napari_sr.files.lazy_image import LazyImage
    from napari_sr.graph.network import Network
    from napari_sr.streaming.part import Part

OPTION = "--uncertainty"
IN_MEMORY = 12
"""Bytes of memory for each value of the result: the spread, and mean and spread of a plane."""
WINDOWS = 64
"""Number of windows of the spread from which the bounds are taken."""
LEVEL = 0.9
"""Probability with which errors are below the bounds that the user is told."""


def run(job: FileJob, target: Path, options: BlockOptions, bars: Bars) -> None:
    """Upscale a file, or a region of it, in eight flips and rotations; write mean and spread.

    Parameters
    ----------
    job : FileJob
        Source, target, model, settings and region.
    target : Path
        Path of the spread, an OME-TIFF or an OME-Zarr.
    options : BlockOptions
        Options for large images; none may be set.
    bars : Bars
        Where progress and messages appear.

    Raises
    ------
    CommandError, ValueError, OSError, napari_sr.zoo.download.DownloadError
        If a path, the image, the region, the model or a setting is wrong, or memory runs out.
    """
    part.check_options(options, OPTION)
    if same_file(target, job.target):
        raise CommandError(f"result and spread need two files, got {target} for both")
    axes = None if job.axes is None else job.axes.upper()
    image = open_lazy(job.source, axes)
    part.check_target(job.target, image, job.source, overwrite=job.overwrite)
    check_apart(target, job.source, what="the spread")
    check(target, image.axes, "float32", overwrite=job.overwrite)
    part_of(image, None, job.region)  # raises if the region is wrong, before the model is loaded
    network = load(job.model, bars)
    for note in (*image.notes, *with_range(image, job.settings)[1]):
        terminal.tell(bars, note, job.source.name)
    if job.region is None and _by_blocks(job, target, image, network.scale):
        files = SpreadFiles(job.target, target, job.overwrite)
        steps = write_with_spread(image, job.source, network, job.settings, files, job.axes)
        record = terminal.drive(steps, bars, "blocks")
        for note in record.get("notes", ()):
            terminal.tell(bars, note, job.target.name)
    else:
        record = _in_memory(job, target, part_of(image, None, job.region), network, bars)
    _tell(record, target, bars)


def _by_blocks(job: FileJob, target: Path, image: LazyImage, scale: int) -> bool:
    """Return whether to compute block by block, because memory might not suffice otherwise."""
    if any(wanted(job.source, one, BlockOptions(), scale) for one in (job.target, target)):
        return True
    count = math.prod(image.pixels.shape) * scale**2
    free: int = psutil.virtual_memory().available
    return bool((2 * image.pixels.dtype.itemsize + IN_MEMORY) * count > free)


def _in_memory(
    job: FileJob, target: Path, whole: Part, network: Network, bars: Bars
) -> dict[str, Any]:
    """Compute result and spread at once, and write both; return the record."""
    steps = upscale_with_spread(whole, job.source, network, job.settings, job.axes)
    result, spread = terminal.drive(steps, bars, "tiles")
    part.write_result(result, job.target, bars, overwrite=job.overwrite)
    told = f"{software(result.record or {})}, spread"
    for _ in save(target, spread, software=told, overwrite=job.overwrite):
        pass
    return dict(result.record or {})


def _tell(record: Mapping[str, Any], target: Path, bars: Bars) -> None:
    """Tell the user what the spread says about errors, and how well."""
    ranks = ranks_in_words(known_model(record) or "")
    terminal.tell(bars, f"{ranks}; see docs/uncertainty.md for what it cannot show", target.name)
    terminal.tell(bars, _bounds(record, target), target.name)


def _bounds(record: Mapping[str, Any], spread: Path) -> str:
    """Return a sentence on the errors, from some windows of the spread; "" without calibration."""
    try:
        known = calibration_for(record)
        bound = known.bound(_sampled(spread), LEVEL, width_of(record))
    except CalibrationError as error:
        return str(error)
    bound = bound[np.isfinite(bound)]
    if not bound.size:
        return ""
    half, most = np.percentile(bound, (50, 99))
    return known.in_words(LEVEL, f"{half:.3g} in half of the pixels, {most:.3g} in 99% of them,")


def _sampled(path: Path) -> Any:
    """Return values of some windows of an image, in one row."""
    image = open_lazy(path)
    layout = layout_of(image.pixels.shape, image.pixels.dtype, image.axes)
    parts = [layout.read(image.pixels, *where) for where in windows(layout, WINDOWS)]
    return np.concatenate([np.ravel(one) for one in parts])
