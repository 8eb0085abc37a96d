"""`napari-sr upscale --axial`: enlarge a stack along Z, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.batch.axial import upscale_axial
from napari_sr.cli import part, terminal
from napari_sr.cli.model import CommandError, load
from napari_sr.engine.planning.devices import OutOfMemoryError

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

    from napari_sr.batch.job import BlockOptions, FileJob
    from napari_sr.graph.network import Network
    from napari_sr.runs.axial import Axial

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
    steps = upscale_axial(
        job, axial, lambda: load(job.model, bars) if network is None else network, block
    )
    try:
        terminal.drive_file(steps, bars)
    except OutOfMemoryError as error:
        raise CommandError(str(error)) from error
