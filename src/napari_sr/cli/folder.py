"""The command `napari-sr upscale` for the images in a folder; finished images are skipped."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING

from napari_sr.batch.folder import folder_run
from napari_sr.batch.folder_plan import plan
from napari_sr.cli import terminal
from napari_sr.cli.how import check_options
from napari_sr.cli.model import CommandError, load
from napari_sr.files import folder
from napari_sr.files.ome_zarr.locate import is_zarr
from napari_sr.files.scientific.other import is_other

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.progress import Progress as Bars

    from napari_sr.batch.folder import FolderRun
    from napari_sr.batch.folder_plan import FolderJob
    from napari_sr.batch.job import FolderReport


def wanted(source: Path, patterns: Sequence[str], to: str | None) -> bool:
    """Return whether IN is a folder of images, not a single image.

    Parameters
    ----------
    source : Path
        The command's IN.
    patterns : sequence of str
        The command's patterns.
    to : str, optional
        Suffix of all results.

    Raises
    ------
    CommandError
        If IN is a folder but no pattern is given, or an option for folders is given without one.
    """
    if not source.is_dir():
        if patterns or to is not None:
            raise CommandError(f"--pattern and --to need a folder, but there is none at {source}")
        return False
    if patterns:
        return True
    is_image = source.suffix.lower() == folder.ZARR or is_zarr(source) or is_other(source)
    if to is not None or not is_image:
        raise CommandError(
            f"{source} is a folder: say which of its files to upscale, such as --pattern '*.tif', "
            "or '**/*.tif' to include subfolders"
        )
    return False


def run(folder_job: FolderJob) -> int:
    """Upscale the images in a folder; return the exit code.

    Raises
    ------
    CommandError, ValueError, OSError, napari_sr.zoo.download.DownloadError
        If an option is wrong, no file matches, the results cannot be written, or the model cannot
        be loaded. In these cases, nothing has been computed.
    napari_sr.cli.terminal.Stopped
        If a signal ended the run; the user has been told.
    """
    check_options(folder_job.options)
    if folder_job.job.maps is not None:
        raise CommandError(
            f"--maps is for one image, got the folder {folder_job.job.source}: use napari-sr check "
            "on its results"
        )
    found = plan(folder_job)
    with ExitStack() as stack:
        bars = stack.enter_context(terminal.bars())
        stack.enter_context(terminal.warnings_as_lines(bars))
        network = load(folder_job.job.model, bars)
        images_run = stack.enter_context(folder_run(folder_job, network, found))
        try:
            _upscale(images_run, bars)
        except KeyboardInterrupt:
            raise _stopped(images_run.report, bars, signal.SIGINT) from None
        except terminal.Terminated:
            raise _stopped(images_run.report, bars, signal.SIGTERM) from None
        _tell(bars, images_run.report.counts, *images_run.report.failed)
        return terminal.FAILED if images_run.report.failures else 0


def _upscale(images_run: FolderRun, bars: Bars) -> None:
    """Upscale one image after the other; each message begins with its file's name."""
    bar = bars.add_task("files", total=len(images_run.results))
    for source, result in images_run.results:
        with terminal.about(str(source)), terminal.warnings_as_lines(bars):
            terminal.drive_file(images_run.upscale(source, result), bars)
        bars.advance(bar)
    bars.remove_task(bar)


def _stopped(report: FolderReport, bars: Bars, number: int) -> terminal.Stopped:
    """Tell the user how far the run got before a signal; return the exception to raise."""
    told = f"Stopped: {report.done} of {report.total} files are done"
    _tell(bars, f"{told}; repeat the command to continue.", *report.failed)
    return terminal.Stopped(number)


def _tell(bars: Bars, *sentences: str) -> None:
    for sentence in sentences:
        terminal.tell(bars, sentence)
