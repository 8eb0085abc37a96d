"""The command `napari-sr upscale`: read an image file, load a network, upscale, write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.batch.by_blocks import wanted
from napari_sr.batch.whole import least_scale, upscale_whole
from napari_sr.cli import terminal
from napari_sr.cli.how import check_options
from napari_sr.cli.model import CommandError, load
from napari_sr.files.lazy import open_lazy

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

    from napari_sr.batch.job import BlockOptions, FileJob
    from napari_sr.engine.image.value_range import Percentiles
    from napari_sr.graph.network import Network


def run(job: FileJob, options: BlockOptions) -> str:
    """Upscale an image or a region of it, block by block if the image is large.

    Return a sentence on how well the result agrees with its source if a map is wanted, else "".

    Parameters
    ----------
    job : FileJob
        Source, target, model and settings.
    options : BlockOptions
        Options for large images.

    Raises
    ------
    CommandError, ValueError, OSError, napari_sr.zoo.download.DownloadError
        If a path, the image, the model or a setting is wrong, or memory runs out.
    """
    from napari_sr.cli import check, large, part, uncertainty

    check_options(options, overwrite=job.overwrite)
    if job.axial is None:
        _check_map(job, options)
    if job.region is not None and job.axial is None:
        part.check_options(options)
    # hiding libraries' warnings is safe: they concern unusual metadata, not pixels
    with terminal.bars() as bars, terminal.warnings_as_lines(bars):
        if job.axial is not None:
            from napari_sr.cli import axial  # imports torch

            axial.run(job, job.axial, options, bars)
        elif job.spread is not None:
            uncertainty.run(job, job.spread, options, bars)
        elif job.region is not None:
            part.run(job, bars)
        elif wanted(job.source, job.target, options, least_scale(job.model)):
            large.run(job, options, bars)
        else:
            run_whole(job, bars)
    if job.maps is None or job.axial is not None:
        return ""
    axes = None if job.axes is None else job.axes.upper()
    return check.run(job.source, job.target, None, job.maps, axes=axes, overwrite=job.overwrite)


def _check_map(job: FileJob, options: BlockOptions) -> None:
    """Check that the job's map, if any, can be written, before anything is computed."""
    from napari_sr.cli import check

    if job.maps is None:
        return
    if options.part is not None:
        raise CommandError(
            f"--maps {job.maps} needs the whole result: give it with --finish, not with --part"
        )
    image = open_lazy(job.source, None if job.axes is None else job.axes.upper())
    others = {"the image to upscale": job.source, "the result": job.target}
    others |= {} if job.spread is None else {"the spread": job.spread}
    check.check_map(job.maps, image, others, overwrite=job.overwrite)


def run_whole(job: FileJob, bars: Bars, network: Network | None = None) -> None:
    """Read an image whole, upscale it, and write it.

    Parameters
    ----------
    job : FileJob
        Source, target, model and settings.
    bars : Bars
        Where progress and messages appear.
    network : Network, optional
        The job's model if it is loaded already.

    Raises
    ------
    CommandError, ValueError, OSError, napari_sr.zoo.download.DownloadError
        If a path, the image, the model or a setting is wrong, or memory runs out.
    """
    from napari_sr.engine.planning.devices import OutOfMemoryError

    scale = least_scale(job.model) if network is None else network.scale
    steps = upscale_whole(job, lambda: load(job.model, bars) if network is None else network, scale)
    try:
        told = terminal.drive_file(steps, bars)
    except OutOfMemoryError as error:
        raise CommandError(str(error)) from error
    if bars.console.is_terminal:
        terminal.tell(bars, told)


def declared(
    value_range: tuple[float, float] | None, percentiles: tuple[float, float] | None
) -> tuple[float, float] | Percentiles | None:
    """Return the value range for `Settings`.

    Raises
    ------
    CommandError
        If both a range and percentiles are given.
    """
    from napari_sr.engine.image.value_range import Percentiles

    if value_range is not None and percentiles is not None:
        raise CommandError(
            f"give --value-range or --percentiles, not both, got {value_range} and {percentiles}"
        )
    return value_range if percentiles is None else Percentiles(*percentiles)
