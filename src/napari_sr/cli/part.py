"""Upscale a part of an image in memory, for `napari-sr upscale --region` and `napari-sr run`."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from napari_sr.cli import terminal
from napari_sr.cli.model import CommandError, load
from napari_sr.files.place import check_apart
from napari_sr.files.save import check, save
from napari_sr.runs.file_range import with_range
from napari_sr.runs.file_record import software
from napari_sr.streaming.part import part_of, upscale_part

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from rich.progress import Progress as Bars

    from napari_sr.batch.job import BlockOptions, FileJob
    from napari_sr.engine.execution.context import Progress
    from napari_sr.files.lazy_image import LazyImage


def check_options(options: BlockOptions, name: str = "--region") -> None:
    """Check that no option requires blocks, because a region or a spread is computed in memory.

    Parameters
    ----------
    options : BlockOptions
        The options.
    name : str
        The option that computes in memory.

    Raises
    ------
    CommandError
        If an option requires blocks.
    """
    if options.asks:
        raise CommandError(
            f"{name} computes in memory: give it without --resume, --workers, --scheduler, --part, "
            "--finish and --ome-zarr"
        )


def run(job: FileJob, bars: Bars) -> None:
    """Upscale a rectangle of each plane of a file, and write the result with its position.

    Parameters
    ----------
    job : FileJob
        Source, target, model, settings and region.
    bars : Bars
        Where progress and messages appear.

    Raises
    ------
    CommandError, ValueError, OSError, napari_sr.zoo.download.DownloadError
        If a path, the image, the region, the model or a setting is wrong, or memory runs out.
    """
    from napari_sr.engine.execution.region import RegionWarning
    from napari_sr.files.lazy import open_lazy

    axes = None if job.axes is None else job.axes.upper()
    image = open_lazy(job.source, axes)
    check_target(job.target, image, job.source, overwrite=job.overwrite)
    part = part_of(image, None, job.region)
    network = load(job.model, bars)
    for note in (*image.notes, *with_range(image, job.settings)[1]):
        terminal.tell(bars, note, job.source.name)
    steps = upscale_part(part, job.source, network, job.settings, job.axes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RegionWarning)  # `write` tells it as a note
        write(steps, job.target, bars, overwrite=job.overwrite)


def check_target(target: Path, image: LazyImage, source: Path | None, *, overwrite: bool) -> None:
    """Check that the result can be written, before it is computed.

    Parameters
    ----------
    target : Path
        Path of the result.
    image : LazyImage
        The source.
    source : Path, optional
        The file of the source.
    overwrite : bool
        Whether to replace an existing file.

    Raises
    ------
    FileError
        If the path cannot be written or is the source, or its format cannot hold the image.
    """
    if source is not None:
        check_apart(target, source)
    check(target, image.axes, image.pixels.dtype, overwrite=overwrite)


def write(
    steps: Generator[Progress, None, LazyImage], target: Path, bars: Bars, *, overwrite: bool
) -> None:
    """Compute a result, and write it.

    Parameters
    ----------
    steps : generator
        Computes and returns the result.
    target : Path
        Path of the result.
    bars : Bars
        Where progress appears.
    overwrite : bool
        Whether to replace an existing file.

    Raises
    ------
    CommandError, ValueError, OSError
        If the image or a setting is wrong, memory runs out, or the result cannot be written.
    """
    write_result(terminal.drive(steps, bars, "tiles"), target, bars, overwrite=overwrite)


def write_result(result: LazyImage, target: Path, bars: Bars, *, overwrite: bool) -> None:
    """Write a result; show the notes of its run."""
    record = result.record or {}
    for note in record.get("notes", ()):
        terminal.tell(bars, note, target.name)
    for _ in save(target, result, software=software(record), overwrite=overwrite):
        pass
