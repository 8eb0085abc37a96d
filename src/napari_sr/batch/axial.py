"""Upscale a stack in a file along all three axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.batch.job import FileStep
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.axial import checked_axial
from napari_sr.files.lazy import open_lazy
from napari_sr.files.place import check_apart
from napari_sr.files.save import check
from napari_sr.graph.factor import number_of
from napari_sr.runs.axial import CUBES, Axial, ratio_of
from napari_sr.runs.file_range import with_range
from napari_sr.runs.run import translate
from napari_sr.streaming.axial_file import remark, write_along_z
from napari_sr.streaming.part import part_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari_sr.batch.job import FileJob
    from napari_sr.engine.execution.context import Progress
    from napari_sr.files.lazy_image import LazyImage
    from napari_sr.graph.network import Network

STEPS = "steps"
"""The unit of progress."""


def upscale_axial(
    job: FileJob,
    axial: Axial,
    load: Callable[[], Network],
    block: tuple[int, int] | None = None,
) -> Generator[FileStep, None, None]:
    """Upscale a stack along all three axes, and write an OME-TIFF or an OME-Zarr.

    Parameters
    ----------
    job : FileJob
        Source, target, model, settings and region.
    axial : Axial
        The enlargement along Z; `CUBES` is decided by the file's pixel sizes.
    load : callable
        Returns the job's network. It is called when the image has been checked.
    block : (int, int), optional
        Rows and columns of a block, to repeat a run.

    Raises
    ------
    ValueError, OSError, napari_sr.zoo.download.DownloadError
        If a path, the image, the model or a setting is wrong.
    napari_sr.engine.planning.devices.OutOfMemoryError
        If memory runs out.
    """
    axial.check()
    image = open_lazy(job.source, None if job.axes is None else job.axes.upper())
    check_apart(job.target, job.source)
    check(job.target, image.axes, image.pixels.dtype, overwrite=job.overwrite)
    whole = part_of(image, None, job.region)
    layout = layout_of(image.pixels.shape, image.pixels.dtype, image.axes)
    checked_axial(1 if axial.factor == CUBES else axial.factor, layout)
    network = load()
    finer = number_of(network.factor)
    axial = _decided(axial, image, finer)
    told = remark(image, axial, finer)
    for note in (*image.notes, *with_range(image, job.settings)[1], *filter(None, [told])):
        yield FileStep(message=note, about=job.source.name)
    steps = write_along_z(
        whole, job.source, network, job.settings, axial, job.target,
        axes=job.axes, overwrite=job.overwrite, block=block,
    )  # fmt: skip
    record = yield from translate(steps, _step)
    for note in record.get("notes", ()):
        yield FileStep(message=note, about=job.target.name)


def _step(progress: Progress) -> FileStep:
    return FileStep(progress.done, progress.total, STEPS, progress.message)


def _decided(axial: Axial, image: LazyImage, scale: float) -> Axial:
    """Return the enlargement; "cubes" becomes the number that the pixel sizes give.

    Raises
    ------
    ValueError
        If the pixel sizes are unknown, or planes are closer to each other than the result's pixels.
    """
    if axial.factor != CUBES:
        return axial
    ratio = ratio_of(image.places)
    if ratio is None:
        raise ValueError(
            "--axial cubes needs pixel sizes along Z and X, but the file lacks them: give a number"
        )
    if ratio * scale < 1:
        raise ValueError(
            f"--axial cubes: planes are {ratio * scale:.3g} pixels of the result apart, so they "
            "would have to be removed: give --axial 1 or more"
        )
    return Axial(ratio * scale, axial.by)
