"""Upscale an image, and also write the spread over views, for `napari-sr upscale --uncertainty`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.cli import part, terminal
from napari_sr.cli.model import CommandError, load
from napari_sr.evaluation.spread_figures import ranks_in_words
from napari_sr.files.place import check_apart, same_file
from napari_sr.files.save import check, save
from napari_sr.runs.file_range import with_range
from napari_sr.runs.file_record import software
from napari_sr.runs.record import known_model
from napari_sr.streaming.part import part_of, upscale_with_spread

if TYPE_CHECKING:
    from pathlib import Path

    from rich.progress import Progress as Bars

    from napari_sr.batch.job import BlockOptions, FileJob

OPTION = "--uncertainty"


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
    from napari_sr.files.lazy import open_lazy

    part.check_options(options, OPTION)
    if same_file(target, job.target):
        raise CommandError(f"result and spread need two files, got {target} for both")
    axes = None if job.axes is None else job.axes.upper()
    image = open_lazy(job.source, axes)
    part.check_target(job.target, image, job.source, overwrite=job.overwrite)
    check_apart(target, job.source, what="the spread")
    check(target, image.axes, "float32", overwrite=job.overwrite)
    whole = part_of(image, None, job.region)
    network = load(job.model, bars)
    for note in (*image.notes, *with_range(image, job.settings)[1]):
        terminal.tell(bars, note, job.source.name)
    steps = upscale_with_spread(whole, job.source, network, job.settings, job.axes)
    result, spread = terminal.drive(steps, bars, "tiles")
    part.write_result(result, job.target, bars, overwrite=job.overwrite)
    told = f"{software(result.record or {})}, spread"
    for _ in save(target, spread, software=told, overwrite=job.overwrite):
        pass
    ranks = ranks_in_words(known_model(result.record or {}) or "")
    limits = "see docs/uncertainty.md for what the spread cannot show"
    terminal.tell(bars, f"{ranks}; {limits}", target.name)
