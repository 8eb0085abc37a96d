"""The command `napari-sr upscale` for the images in a folder; finished ones are skipped."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from napari_sr.cli import terminal
from napari_sr.cli.folder_batch import Batch
from napari_sr.cli.model import CommandError, load
from napari_sr.files import folder, formats
from napari_sr.files.folder_journal import journal_of
from napari_sr.files.ome_zarr.locate import is_zarr
from napari_sr.files.scientific.other import is_other

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import PurePosixPath

    from napari_sr.cli.folder_batch import FolderJob


def wanted(source: Path, patterns: Sequence[str], to: str | None) -> bool:
    """Return whether a command is about the images in a folder.

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
        If a pattern is missing, or an option is given that is only for folders.
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


def run(wish: FolderJob) -> int:
    """Upscale the images in a folder; return the exit code.

    Raises
    ------
    CommandError, ValueError, OSError, napari_sr.zoo.download.DownloadError
        If an option is wrong, no file matches, the results cannot be written, or the model cannot
        be loaded. Nothing has been computed then.
    napari_sr.cli.terminal.Stopped
        If a signal ended the run; the user has been told.
    """
    job = wish.job
    _check(wish)
    results, unreadable = _plan(wish)
    job.target.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        bars = stack.enter_context(terminal.bars())
        stack.enter_context(terminal.warnings_as_lines(bars))
        journal = stack.enter_context(journal_of(job.target))
        batch = Batch(wish, bars, load(job.model, bars), journal, unreadable)
        try:
            batch.run(results)
        except KeyboardInterrupt:
            raise batch.stopped(signal.SIGINT, len(results)) from None
        except terminal.Terminated:
            raise batch.stopped(signal.SIGTERM, len(results)) from None
        except terminal.Stopped as stopped:
            raise batch.stopped(stopped.number, len(results)) from None
        return batch.report(len(results))


def _check(wish: FolderJob) -> None:
    """Check options and folders before anything is computed.

    Raises
    ------
    CommandError, ValueError
        If an option does not fit a folder, or a folder cannot be used.
    """
    from napari_sr.engine.planning.devices import choose_device
    from napari_sr.files.place import check_folder

    source, out = wish.job.source, wish.job.target
    wish.how.check()
    if wish.how.part is not None or wish.how.finish:
        raise CommandError("--part and --finish are for one image, not for a folder")
    if wish.job.region is not None:
        raise CommandError("--region is for one image, not for a folder")
    is_file = out.suffix.lower() in (*formats.SUFFIXES, folder.ZARR) and not out.is_dir()
    if is_file or is_zarr(out):
        raise CommandError(f"{source} is a folder, so OUT must be a folder, too, got {out}")
    inner, outer = Path(os.path.realpath(source)), Path(os.path.realpath(out))
    if outer in (inner, *inner.parents):
        raise CommandError(
            f"{source} is in {out}, where the results go, and results are never upscaled "
            "again: give another folder"
        )
    check_folder(out)
    choose_device(wish.job.settings.device)  # raises here, once, and not for every image


def _plan(
    wish: FolderJob,
) -> tuple[list[tuple[PurePosixPath, PurePosixPath]], dict[str, str]]:
    """Return each source with its result, and reasons why subfolders could not be searched.

    Raises
    ------
    CommandError, ValueError
        If no file matches, or two results would have one name.
    """
    patterns = folder.read_patterns(wish.patterns)
    suffix = None if wish.to is None else folder.check_suffix(wish.to)
    source, out = wish.job.source, wish.job.target
    found = folder.find(source, patterns, out)
    if not found.files and not found.unreadable:
        names = " or ".join(wish.patterns)
        raise CommandError(f"no file in {source} matches {names} (--pattern)")
    results = [(one, folder.name_of_result(one, suffix)) for one in found.files]
    folder.check_distinct(results)
    return results, found.unreadable
