"""`napari-sr upscale --axial`: enlarge a stack along Z, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.cli import part, terminal
from napari_sr.cli.model import CommandError, load
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.axial import checked_axial
from napari_sr.engine.planning.devices import OutOfMemoryError
from napari_sr.files.lazy import open_lazy
from napari_sr.graph.factor import number_of
from napari_sr.runs.axial import CUBES, Axial, ratio_of
from napari_sr.runs.file_range import with_range
from napari_sr.streaming.axial_file import remark, write_along_z
from napari_sr.streaming.part import part_of

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

    from napari_sr.batch.job import BlockOptions, FileJob
    from napari_sr.files.lazy_image import LazyImage
    from napari_sr.graph.network import Network

OPTION = "--axial"


def run(
    job: FileJob,
    axial: Axial,
    options: BlockOptions,
    bars: Bars,
    network: Network | None = None,
    block: tuple[int, int] | None = None,
) -> None:
    """Upscale a stack along all three axes, and write an OME-TIFF or an OME-Zarr.

    Parameters
    ----------
    job : FileJob
        Source, target, model, settings and region.
    axial : Axial
        The enlargement along Z.
    options : BlockOptions
        Options for large images; none may be set.
    bars : Bars
        Where progress and messages appear.
    network : Network, optional
        The job's model if it is loaded already.
    block : (int, int), optional
        Rows and columns of a block, to repeat a run.

    Raises
    ------
    CommandError, ValueError, OSError, napari_sr.zoo.download.DownloadError
        If a path, the image, the model or a setting is wrong, or memory runs out.
    """
    part.check_options(options, OPTION)
    for name, given in (("--uncertainty", job.spread), ("--maps", job.maps)):
        if given is not None:
            raise CommandError(f"{OPTION} works without {name}, got {name} {given}")
    axial.check()
    image = open_lazy(job.source, None if job.axes is None else job.axes.upper())
    part.check_target(job.target, image, job.source, overwrite=job.overwrite)
    whole = part_of(image, None, job.region)
    layout = layout_of(image.pixels.shape, image.pixels.dtype, image.axes)
    checked_axial(1 if axial.factor == CUBES else axial.factor, layout)
    network = load(job.model, bars) if network is None else network
    finer = number_of(network.factor)
    axial = _decided(axial, image, finer)
    told = remark(image, axial, finer)
    for note in (*image.notes, *with_range(image, job.settings)[1], *filter(None, [told])):
        terminal.tell(bars, note, job.source.name)
    steps = write_along_z(
        whole, job.source, network, job.settings, axial, job.target,
        axes=job.axes, overwrite=job.overwrite, block=block,
    )  # fmt: skip
    try:
        record = terminal.drive(steps, bars, "steps")
    except OutOfMemoryError as error:
        raise CommandError(str(error)) from error
    for note in record.get("notes", ()):
        terminal.tell(bars, note, job.target.name)


def _decided(axial: Axial, image: LazyImage, scale: float) -> Axial:
    """Return the enlargement; "cubes" becomes the number that the pixel sizes give.

    Raises
    ------
    CommandError
        If the pixel sizes are unknown, or planes are closer to each other than the result's pixels.
    """
    if axial.factor != CUBES:
        return axial
    ratio = ratio_of(image.places)
    if ratio is None:
        raise CommandError(
            "--axial cubes needs pixel sizes along Z and X, but the file lacks them: give a number"
        )
    if ratio * scale < 1:
        raise CommandError(
            f"--axial cubes: planes are {ratio * scale:.3g} pixels of the result apart, so they "
            "would have to be removed: give --axial 1 or more"
        )
    return Axial(ratio * scale, axial.by)
