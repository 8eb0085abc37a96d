"""Upscale the images of a folder from a script or a form: plain arguments, progress, a report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from napari_sr.batch.folder_arguments import FILE, axial_of, patterns_in, range_of, reference_of
from napari_sr.batch.job import PARTS, BlockOptions, FileJob, FileStep, FolderReport
from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.job import Step, loaded, named_errors
from napari_sr.runs.run import drive, translate

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from napari_sr.engine.image.value_range import Percentiles
    from napari_sr.files.ome_zarr.block_writer import Version

PER_FILE = 1000
"""Steps of the progress bar for each file."""


@dataclass(frozen=True)
class FolderStep(Step):
    """Progress of a run over a folder."""

    file: str = ""
    """Path of the image that is being upscaled, relative to the folder."""
    note: str = ""
    """A message about that image."""
    report: FolderReport | None = None
    """The outcome for each image so far."""


def upscale_folder(
    source: Path,
    target: Path,
    pattern: str = "*.tif; *.tiff; *.png",
    model: str = "fsrcnn",
    scale: float = 2,
    to: str = "",
    values: str = FILE,
    black: float = 0.0,
    white: float = 4095.0,
    consistent: bool = False,
    ensemble: bool = False,
    border: str = "auto",
    device: str = "auto",
    overwrite: bool = False,
    *,
    blend: str | Path | None = None,
    weight: float = 0.5,
    then: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    value_range: tuple[float, float] | Percentiles | None = None,
    axes: str | None = None,
    tile: int | None = None,
    halo: int | None = None,
    precision: str = "auto",
    kernels: str = "auto",
    engine: str = "auto",
    outliers: str = "clip",
    noise: float | None = None,
    workers: int = 0,
    scheduler: str | None = None,
    ome_zarr: Version | None = None,
    axial: float | Literal["cubes"] | None = None,
    axial_by: str = "interpolation",
    progress: Callable[[Step], object] | None = None,
) -> FolderReport:
    """Upscale the images of a folder into another folder; finished images are skipped.

    An image that fails does not stop the others. After an interruption, the same call continues.
    `napari-sr upscale FOLDER OUT --pattern GLOB` has the same options.

    Parameters
    ----------
    source : Path
        Folder of the images.
    target : Path
        Folder of the results. It gets the same subfolders, and is created if it is missing.
    pattern : str
        Which files to upscale, separated by semicolons: *.tif in the folder itself,
        **/*.tif also in its subfolders.
    model : str
        Name of a model, or path of a checkpoint. Missing models are downloaded once.
    scale : float
        How many times larger the results are, from 1 to 16; see `napari_sr.upscale`. With `then`,
        by both models together.
    to : str
        Format of the results as a suffix, such as .ome.tif; "" keeps the format of each image.
    values : str
        How to find black and white: "as the file says" (an integer type's whole range, unless the
        file names fewer bits), "percentiles" (0.1 and 99.9 of each image),
        or "from black to white".
    black, white : float
        Values of black and white, for "from black to white": 0 and 4095 for 12 bits.
    consistent : bool
        Whether to correct results until they agree with their images when they are shrunk. Not for
        noisy images.
    ensemble : bool
        Whether to average over all flips and quarter turns: a little better, 8 times the time.
    border : str
        Pixels beyond the border: auto (reflected where the network allows it), reflect, or zeros
        (as in papers).
    device : str
        Where to compute: auto, cpu, cuda, cuda:1 or mps.
    overwrite : bool
        Whether to recompute results that came from another source, model or setting.
        Results of other programs are never replaced.
    blend, weight : str or Path, float
        A second checkpoint of the same network, and its share from 0 to 1; see `napari_sr.blend`.
    then : str or Path, optional
        Another model, which reads the result of the first; see `napari_sr.series`.
    options : mapping, optional
        Arguments of the network that are not stored in a checkpoint, such as
        {"res_scale": 0.1}.
    value_range : (low, high) or Percentiles, optional
        Black and white, instead of `values`.
    axes : str, optional
        One letter per axis, such as "TZYX"; by default, as each file says.
    tile, halo, precision, kernels, engine, outliers, noise
        As for `napari_sr.upscale`.
    workers : int
        Number of worker processes for images larger than memory; 0 to compute in this process.
    scheduler : str, optional
        Address of a dask.distributed scheduler that computes images larger than memory.
    ome_zarr : {"0.5", "0.4"}, optional
        Version of OME-Zarr to write.
    axial : float or "cubes", optional
        Enlarge Z of stacks, too: how many planes for each plane of an image, or "cubes" for cubic
        voxels by each file's pixel sizes. Results are OME-TIFF, or OME-Zarr by `to`.
    axial_by : str
        How to enlarge Z: "interpolation", or "network"; see `napari_sr.upscale`.
    progress : callable, optional
        Called with the progress (done, total, doing) after each tile or block.

    Returns
    -------
    FolderReport
        Images that were upscaled, had been upscaled before, or failed, with the reason.

    Raises
    ------
    ValueError
        If a folder, the pattern, the model or a setting cannot be used; nothing is computed.
    napari_sr.zoo.download.DownloadError
        If the model cannot be downloaded.
    """
    chosen = range_of(values, black, white) if value_range is None else value_range
    settings = Settings(
        tile, halo, device, precision, chosen, kernels, outliers, ensemble, engine, border, noise
    )
    reference = reference_of(model, scale, blend, weight, options, then=then, consistent=consistent)
    job = FileJob(
        Path(source), Path(target), reference, settings, axes, overwrite,
        axial=axial_of(axial, axial_by),
    )  # fmt: skip
    blocks = BlockOptions(workers=workers, scheduler=scheduler, version=_checked(ome_zarr))
    if workers and scheduler is not None:
        raise ValueError(f"give workers or scheduler, not both, got {workers} and {scheduler!r}")
    return drive(folder_steps(job, pattern, to, blocks), progress)


def _checked(version: Version | None) -> Version | None:
    if version not in (None, "0.4", "0.5"):
        raise ValueError(f'ome_zarr must be "0.4" or "0.5", got {version!r}')
    return version


def folder_steps(
    job: FileJob, pattern: str, to: str = "", blocks: BlockOptions | None = None
) -> Generator[Step, None, FolderReport]:
    """Upscale the images of a folder and yield the progress; closing the generator cancels the run.

    Parameters
    ----------
    job : FileJob
        Both folders, model and settings.
    pattern, to : str
        As for `upscale_folder`.
    blocks : BlockOptions, optional
        Options for large images.

    Raises
    ------
    ValueError, napari_sr.zoo.download.DownloadError
        For the reasons that `upscale_folder` lists.
    napari_sr.runs.job.UpscaleError
        If there is not enough memory to load the model.
    """
    steps = _steps(job, patterns_in(pattern), to or None, blocks or BlockOptions())
    return (yield from named_errors(steps, job.model.label))


def _steps(
    job: FileJob, patterns: list[str], to: str | None, blocks: BlockOptions
) -> Generator[Step, None, FolderReport]:
    from napari_sr.batch.folder import folder_run  # late: imports readers of files
    from napari_sr.batch.folder_plan import FolderJob, plan

    folder_job = FolderJob(job, patterns, to, blocks)
    found = plan(folder_job)
    network = yield from loaded(folder_job.job.model)
    with folder_run(folder_job, network, found) as run:
        for number, (source, result) in enumerate(run.results):
            about = _Progress(number, str(source), run.report)
            yield about.folder_step(FileStep())
            yield from translate(run.upscale(source, result), about.folder_step)
    return run.report


@dataclass
class _Progress:
    """Progress of one image within the whole run."""

    number: int
    file: str
    report: FolderReport
    share: float = 0.0
    """Finished share of the image, 0 to 1."""

    def folder_step(self, step: FileStep) -> FolderStep:
        if step.unit:
            self.share = 1.0 if step.unit == PARTS else step.done / max(step.total, 1)
        counted = f": {step.unit} {step.done} of {step.total}" if step.unit else ""
        return FolderStep(
            done=round(PER_FILE * (self.number + self.share)),
            total=PER_FILE * self.report.total,
            doing=f"File {self.number + 1} of {self.report.total}: {self.file}{counted}",
            file=self.file,
            note=step.message,
            report=self.report,
        )
