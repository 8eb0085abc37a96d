"""The command `napari-sr upscale` for images larger than memory: block by block, resumable."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from napari_sr.cli import terminal
from napari_sr.cli.model import load
from napari_sr.files import formats
from napari_sr.files.ome_zarr.locate import is_zarr
from napari_sr.files.scientific.other import WRITTEN, is_other

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from rich.progress import Progress as Bars

    from napari_sr.cli.how import How
    from napari_sr.cli.upscale import Job
    from napari_sr.engine.execution.context import Progress
    from napari_sr.graph.network import Network
    from napari_sr.streaming.lock import Lock
    from napari_sr.streaming.report import Report
    from napari_sr.streaming.result import FileRequest

ZARR = ".zarr"
"""Suffix of OME-Zarr folders."""
UNFINISHED = ".unfinished.zarr"
"""Added to a TIFF's name (or similar) to name the OME-Zarr in which its blocks are computed."""


def wanted(source: Path, target: Path, how: How, scale: int) -> bool:
    """Return whether an image is upscaled block by block.

    Parameters
    ----------
    source, target : Path
        The files.
    how : How
        Options of the command.
    scale : int
        Enlargement factor, or 1 if it is not known yet.
    """
    if how.asks or target.suffix.lower() == ZARR or target.name.lower().endswith(WRITTEN):
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


def run(job: Job, how: How, bars: Bars, network: Network | None = None) -> None:
    """Upscale a file block by block; or resume or finish such a run.

    Parameters
    ----------
    job : Job
        Source, target, model and settings. If the target is not an OME-Zarr, its blocks are first
        written to an OME-Zarr beside it.
    how : How
        Options of the command.
    bars : Bars
        Where progress and messages appear.
    network : Network, optional
        The job's model if it is loaded already.

    Raises
    ------
    CommandError, ValueError, OSError, napari_sr.zoo.download.DownloadError
        If something is wrong. Finished blocks are kept.
    """
    from napari_sr.streaming import result
    from napari_sr.streaming.journal import Journal
    from napari_sr.streaming.lock import Lock

    request = _request(job, how)
    network = load(request.model, bars) if network is None else network
    lock = Lock(shared=how.part is not None)
    try:
        if not how.finish:
            for note in result.start(request, network, lock):
                terminal.tell(bars, note, request.source.name)
            report = terminal.drive(_steps(request.result, how, lock), bars, "blocks")
            told = report.diagnostics.in_words(job.settings.outliers)
            for note in (*(report.notes if how.elsewhere else ()), told):
                terminal.tell(bars, note)
        elif Journal(request.result).exists:
            lock.take(request.result)
        if how.part is None:
            _finish(request.result, job.target, bars)
    except KeyboardInterrupt:
        raise _stopped(request.result, bars, signal.SIGINT) from None
    except terminal.Terminated:
        raise _stopped(request.result, bars, signal.SIGTERM) from None
    finally:
        lock.release()


def _request(job: Job, how: How) -> FileRequest:
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
    resume = how.resume or how.part is not None
    axes = None if job.axes is None else job.axes.upper()
    return FileRequest(
        job.source, result, job.model, job.settings, axes, how.version or "0.5", resume,
        job.overwrite,
    )  # fmt: skip


def store_of(target: Path) -> Path:
    """Return the OME-Zarr whose blocks are computed: the target, or one beside it."""
    if target.suffix.lower() == ZARR:
        return target
    return target.with_name(f"{target.name}{UNFINISHED}")


def _check_file(job: Job) -> None:
    """Check that a file can be written at the end.

    Raises
    ------
    FileError
        If the file cannot be written, or is the source or a part of it.
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


def _stopped(result: Path, bars: Bars, number: int) -> BaseException:
    """Tell the user which files remain after a signal; return the exception to raise."""
    from napari_sr.streaming.journal import Journal

    if not Journal(result).exists:
        return KeyboardInterrupt() if number == signal.SIGINT else terminal.Terminated()
    terminal.tell(bars, f"Stopped: {result} is unfinished; --resume continues it.")
    return terminal.Stopped(number)


def _steps(result: Path, how: How, lock: Lock) -> Generator[Progress, None, Report]:
    """Compute the missing blocks of a result, in this process or in others."""
    from napari_sr.streaming import cluster, workers
    from napari_sr.streaming.report import Report
    from napari_sr.streaming.result import blocks_of, compute, missing

    numbers = missing(result)
    if how.part is not None:
        numbers = workers.part_of(numbers, how.part, blocks_of(result))
    if not numbers:
        return Report()
    if how.workers:
        return (yield from workers.run_workers(result, numbers, how.workers, lock.handles))
    if how.scheduler is not None:
        return (yield from cluster.run_distributed(result, numbers, how.scheduler))
    return (yield from compute(result, numbers))


def _finish(store: Path, target: Path, bars: Bars) -> None:
    """Complete the pyramid; if the target is another file, convert the pyramid to it."""
    from napari_sr.streaming import result

    if target == store:
        result.finish(target)
        return
    from napari_sr.files.ome_zarr.folder import discard
    from napari_sr.streaming.convert import convert

    result.complete(store)
    terminal.drive(convert(store, target), bars, "parts of the file")
    discard(store)
