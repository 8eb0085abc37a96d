"""The command `napari-sr upscale`: read an image file, load a network, upscale, write."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_sr.cli import terminal
from napari_sr.cli.model import CommandError, load
from napari_sr.runs.file_range import with_range
from napari_sr.runs.file_record import file_record, software
from napari_sr.runs.record import for_file
from napari_sr.runs.run import Request, run_request

if TYPE_CHECKING:
    from pathlib import Path

    from rich.progress import Progress as Bars

    from napari_sr.cli.how import How
    from napari_sr.engine.execution.upscale import Upscaled
    from napari_sr.engine.image.value_range import Percentiles
    from napari_sr.engine.planning.settings import Settings
    from napari_sr.files.image import ImageFile
    from napari_sr.graph.network import Network
    from napari_sr.runs.model import ModelReference


def read(source: Path, axes: str | None, scale: int) -> ImageFile:
    """Read an image, and check that it can be upscaled. By default, the file names the axes.

    If image and result do not fit into memory together, an error is raised before reading.

    Raises
    ------
    ValueError, OSError
        If the image cannot be read or upscaled.
    """
    from napari_sr.engine.image.arrays import layout_of
    from napari_sr.files import formats, room

    with room.for_result(scale):
        image = formats.read(source, None if axes is None else axes.upper())
    layout_of(image.pixels.shape, image.pixels.dtype, image.axes)  # raises if the axes do not fit
    return image


def least_scale(model: ModelReference) -> int:
    """Return the scale of a model, or 1 if only its file shows it."""
    with suppress(ValueError):  # loading the model will raise the error again
        return model.known_scale or 1
    return 1


@dataclass(frozen=True)
class Job:
    """The task of the command: source, target, model and settings."""

    source: Path
    target: Path
    model: ModelReference
    settings: Settings
    axes: str | None = None
    """One letter per axis; None to take the axes that the file names."""
    overwrite: bool = False
    region: tuple[tuple[int, int], tuple[int, int]] | None = None
    """Rows and columns of each plane to upscale; None for all."""


def run(job: Job, how: How) -> None:
    """Upscale an image whole or a region of it; block by block if it is large.

    Parameters
    ----------
    job : Job
        Source, target, model and settings.
    how : How
        Options for large images.

    Raises
    ------
    CommandError, ValueError, OSError, napari_sr.zoo.download.DownloadError
        If a path, the image, the model or a setting is wrong, or memory runs out.
    """
    from napari_sr.cli import large, part

    how.check(overwrite=job.overwrite)
    if job.region is not None:
        part.check_how(how)
    # libraries warn about unusual metadata, not about pixels
    with terminal.bars() as bars, terminal.warnings_as_lines(bars):
        if job.region is not None:
            part.run(job, bars)
        elif large.wanted(job.source, job.target, how, least_scale(job.model)):
            large.run(job, how, bars)
        else:
            run_whole(job, bars)


def run_whole(job: Job, bars: Bars, network: Network | None = None) -> None:
    """Read an image whole, upscale it, and write it.

    Parameters
    ----------
    job : Job
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
    from napari_sr.files import formats

    target = job.target
    formats.check_target(target, job.source, overwrite=job.overwrite)
    scale = least_scale(job.model) if network is None else network.scale
    image = read(job.source, job.axes, scale)
    settings, of_range = with_range(image, job.settings)
    network = load(job.model, bars) if network is None else network
    told = formats.check_holds(target, image, network.scale)
    for note in (*image.notes, *of_range, *told):
        terminal.tell(bars, note, job.source.name)
    result = _upscale(Request(image.pixels, job.model, settings, image.axes), network, bars)
    record = file_record(result.record, job.source, image, job.settings, job.axes)
    made_by = software(record)
    larger = image.enlarged(result.pixels, network.scale, made_by, for_file(record))
    formats.write(target, larger)
    if bars.console.is_terminal:
        terminal.tell(bars, f"{target}: {larger.axes} {larger.pixels.shape}, {made_by}")


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


def _upscale(request: Request, network: Network, bars: Bars) -> Upscaled:
    from napari_sr.engine.planning.devices import OutOfMemoryError

    try:
        return terminal.drive(run_request(request, network), bars, "tiles")
    except OutOfMemoryError as error:
        raise CommandError(str(error)) from error
