"""Read an image file whole, upscale it, and write the result."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_sr.batch.job import TILES, FileStep
from napari_sr.files import formats, room
from napari_sr.graph.factor import number_of
from napari_sr.runs.consistency import with_consistency
from napari_sr.runs.file_range import with_range
from napari_sr.runs.file_record import file_record, software
from napari_sr.runs.record import for_file
from napari_sr.runs.run import Request, run_request, translate

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from napari_sr.batch.job import FileJob
    from napari_sr.engine.execution.context import Progress
    from napari_sr.files.image import ImageFile
    from napari_sr.graph.network import Network
    from napari_sr.runs.model import ModelReference


def upscale_whole(
    job: FileJob, load: Callable[[], Network], scale: int
) -> Generator[FileStep, None, str]:
    """Read an image whole, upscale it, and write it; return a sentence about the result.

    Parameters
    ----------
    job : FileJob
        Source, target, model and settings.
    load : callable
        Returns the job's network. It is called when the image has been read.
    scale : int
        Enlargement factor, or 1 if it is not known yet.

    Raises
    ------
    ValueError, OSError, napari_sr.zoo.download.DownloadError
        If a path, the image, the model or a setting is wrong.
    napari_sr.engine.planning.devices.OutOfMemoryError
        If the smallest tile does not fit.
    """
    target = job.target
    formats.check_target(target, job.source, overwrite=job.overwrite)
    image = read(job.source, job.axes, scale)
    settings, of_range = with_range(image, job.settings)
    network = load()
    factor = number_of(network.factor)
    floats = network.processing is not None and image.pixels.dtype.kind != "f"
    like = replace(image, pixels=image.pixels.astype(np.float32)) if floats else image
    told = formats.check_holds(target, like, factor)
    for note in (*image.notes, *of_range, *told):
        yield FileStep(message=note, about=job.source.name)
    request = Request(image.pixels, job.model, settings, image.axes)
    result = yield from translate(run_request(request, network), _tiles)
    record = file_record(result.record, job.source, image, job.settings, job.axes)
    made_by = software(record)
    larger = image.enlarged(result.pixels, factor, made_by)
    record = with_consistency(record, image.pixels, larger.pixels, image.axes)
    formats.write(target, replace(larger, record=for_file(record)))
    return f"{target}: {larger.axes} {larger.pixels.shape}, {made_by}"


def read(source: Path, axes: str | None, scale: int) -> ImageFile:
    """Read an image, and check that it can be upscaled.

    If `axes` is None, the file names the axes. If image and result do not fit into memory together,
    an error is raised before reading.

    Raises
    ------
    ValueError, OSError
        If the image cannot be read or upscaled.
    """
    from napari_sr.engine.image.arrays import layout_of

    with room.for_result(scale):
        image = formats.read(source, None if axes is None else axes.upper())
    layout_of(image.pixels.shape, image.pixels.dtype, image.axes)  # raises if the axes do not fit
    return image


def least_scale(model: ModelReference) -> int:
    """Return the scale of a model, or 1 if the scale is unknown until the model is loaded."""
    with suppress(ValueError):  # loading the model will raise the error again
        return model.known_scale or 1
    return 1


def _tiles(progress: Progress) -> FileStep:
    return FileStep(progress.done, progress.total, TILES, progress.message)
