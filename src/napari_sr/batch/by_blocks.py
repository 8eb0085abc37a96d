"""Upscale an image file larger than memory: block by block, resumable."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from napari_sr.batch.job import BLOCKS, PARTS, FileStep
from napari_sr.files import formats
from napari_sr.files.ome_zarr.locate import is_zarr
from napari_sr.files.scientific.other import WRITTEN, is_other
from napari_sr.runs.run import translate

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from napari_sr.batch.job import BlockOptions, FileJob
    from napari_sr.engine.execution.context import Progress
    from napari_sr.graph.network import Network
    from napari_sr.streaming.lock import Lock
    from napari_sr.streaming.report import Report
    from napari_sr.streaming.result import FileRequest

ZARR = ".zarr"
"""Suffix of OME-Zarr folders."""
UNFINISHED = ".unfinished.zarr"
"""Suffix of the temporary OME-Zarr that collects the blocks of a target in another format."""


def wanted(source: Path, target: Path, options: BlockOptions, scale: int) -> bool:
    """Return whether to upscale an image block by block.

    Parameters
    ----------
    source, target : Path
        Paths of the image and of the result.
    options : BlockOptions
        The user's options for large images.
    scale : int
        Enlargement factor, or 1 if it is not known yet.
    """
    if options.asks or target.suffix.lower() == ZARR or target.name.lower().endswith(WRITTEN):
        return True
    if is_zarr(source) or is_other(source):
        return True
    return target.suffix.lower() in formats.TIFF and _is_too_large(source, scale)


def _is_too_large(source: Path, scale: int) -> bool:
    """Return whether a TIFF and its result do not fit into memory."""
    import math

    import psutil

    from napari_sr.files.image import FileError
    from napari_sr.files.lazy_tiff import open_tiff

    try:
        if not formats.is_tiff(source):
            return False
        pixels = open_tiff(source).pixels
    except FileError:
        return False  # the run will report what is wrong
    size = math.prod(pixels.shape) * pixels.dtype.itemsize
    free: int = psutil.virtual_memory().available
    return bool(size * (1 + scale**2) > free)


def upscale_by_blocks(
    job: FileJob, options: BlockOptions, load: Callable[[], Network]
) -> Generator[FileStep, None, None]:
    """Upscale a file block by block, or resume or finish an earlier run.

    Parameters
    ----------
    job : FileJob
        Source, target, model and settings. If the target is not an OME-Zarr, its blocks are first
        written to an OME-Zarr beside it.
    options : BlockOptions
        Processes to compute in, blocks to compute, and version of OME-Zarr.
    load : callable
        Returns the job's network. It is called after the target has been checked.

    Raises
    ------
    ValueError, OSError, napari_sr.zoo.download.DownloadError
        If a path, the image, the model or a setting is wrong. Finished blocks are kept.
    """
    from napari_sr.streaming import result
    from napari_sr.streaming.journal import Journal
    from napari_sr.streaming.lock import Lock

    request = _request(job, options)
    network = load()
    lock = Lock(shared=options.part is not None)
    try:
        if not options.finish:
            for note in result.start(request, network, lock):
                yield FileStep(message=note, about=request.source.name)
            steps = _missing_blocks(request.result, options, lock)
            report = yield from translate(steps, partial(_counted, BLOCKS))
            told = report.diagnostics.in_words(job.settings.outliers)
            for note in (*(report.notes if options.elsewhere else ()), told):
                yield FileStep(message=note)
        elif Journal(request.result).exists:
            lock.take(request.result)
        if options.part is None:
            yield from _finish_or_repair(request.result, job.target)
    finally:
        lock.release()


def _request(job: FileJob, options: BlockOptions) -> FileRequest:
    """Return the request for the blocks, after checking the target.

    Raises
    ------
    FileError
        If the target cannot be written.
    """
    from napari_sr.streaming.result import FileRequest

    result = store_of(job.target)
    if result != job.target:
        _check_file(job)
    resume = options.resume or options.part is not None
    axes = None if job.axes is None else job.axes.upper()
    return FileRequest(
        job.source, result, job.model, job.settings, axes, options.version or "0.5", resume,
        job.overwrite,
    )  # fmt: skip


def store_of(target: Path) -> Path:
    """Return the OME-Zarr whose blocks are computed: the target, or one beside it."""
    if target.suffix.lower() == ZARR:
        return target
    return target.with_name(f"{target.name}{UNFINISHED}")


def _check_file(job: FileJob) -> None:
    """Check that a file can be written at the end.

    Raises
    ------
    FileError
        If the file cannot be written, or is the source or one of the source's files.
    """
    from napari_sr.files.image import FileError
    from napari_sr.files.lazy_tiff import check_no_part
    from napari_sr.files.place import check_apart, check_place

    suffixes = (*formats.TIFF, *WRITTEN)
    if not job.target.name.lower().endswith(suffixes):
        raise FileError(f"{job.target} must end in one of {', '.join((ZARR, *suffixes))}")
    check_apart(job.target, job.source)
    check_place(job.target, (job.target.suffix.lower(),), overwrite=job.overwrite)
    if job.source.is_file():
        check_no_part(job.target, job.source)


def _missing_blocks(
    result: Path, options: BlockOptions, lock: Lock
) -> Generator[Progress, None, Report]:
    """Compute the missing blocks of a result, in this process or in others."""
    from napari_sr.streaming import cluster, workers
    from napari_sr.streaming.report import Report
    from napari_sr.streaming.result import blocks_of, compute, missing

    numbers = missing(result)
    if options.part is not None:
        numbers = workers.part_of(numbers, options.part, blocks_of(result))
    if not numbers:
        return Report()
    if options.workers:
        return (yield from workers.run_workers(result, numbers, options.workers, lock.handles))
    if options.scheduler is not None:
        return (yield from cluster.run_distributed(result, numbers, options.scheduler))
    return (yield from compute(result, numbers))


def _finish_or_repair(store: Path, target: Path) -> Generator[FileStep, None, None]:
    """Finish a result; if blocks cannot be read, remove them, so that the run can be resumed."""
    from napari_sr.files.image import FileError
    from napari_sr.streaming.journal import Journal, JournalError
    from napari_sr.streaming.repair import remove_unreadable

    try:
        yield from _finish(store, target)
    except JournalError:
        raise  # the source has changed
    except FileError as error:
        told = remove_unreadable(store) if Journal(store).exists else ""
        if not told:
            raise
        raise FileError(told) from error


def _finish(store: Path, target: Path) -> Generator[FileStep, None, None]:
    """Complete the pyramid; if the target is another file, convert the pyramid to it."""
    from napari_sr.streaming import result

    if target == store:
        result.finish(target)
        return
    from napari_sr.files.ome_zarr.folder import discard
    from napari_sr.streaming.convert import convert

    result.complete(store)
    yield from translate(convert(store, target), partial(_counted, PARTS))
    discard(store)


def _counted(unit: str, progress: Progress) -> FileStep:
    return FileStep(progress.done, progress.total, unit, progress.message)
