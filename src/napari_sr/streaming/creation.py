"""Create a result: an empty OME-Zarr with its journal, both at once."""

from __future__ import annotations

import math
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_sr import __version__
from napari_sr.atomic_write import FOLDER, private_name, remove_leftovers
from napari_sr.files.image import FileError
from napari_sr.files.ome_zarr import write as ome_zarr
from napari_sr.files.ome_zarr.folder import make_room
from napari_sr.files.room import in_words
from napari_sr.graph.factor import number_of
from napari_sr.runs.file_record import file_record
from napari_sr.runs.record import for_file
from napari_sr.streaming.block_record import block_record
from napari_sr.streaming.journal import Journal, sync_folder
from napari_sr.streaming.lock import Lock
from napari_sr.streaming.shards import shard_of_block

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_sr.streaming.result import FileRequest
    from napari_sr.streaming.task import Opened

PYRAMID = 4 / 3
"""Size of a result with all its pyramid levels, as a multiple of its finest level."""


def check_free(request: FileRequest, journal: Journal) -> None:
    """Check that a result can be begun or resumed at its path.

    Raises
    ------
    FileError
        If the parent folder does not exist, or if the result exists and the request neither resumes
        nor replaces it.
    """
    result = request.result
    if not result.exists():
        if not result.absolute().parent.is_dir():
            raise FileError(f"{result} cannot be written: there is no folder {result.parent}")
        return
    if request.overwrite or (request.resume and journal.exists):
        return
    unfinished = "is unfinished: --resume continues it, --overwrite replaces it"
    finished = "exists: give another name, or --overwrite"
    raise FileError(f"{result} {unfinished if journal.exists else finished}")


def space(result: Path, new: Opened) -> list[str]:
    """Return a note for the user on the disk space that a result needs."""
    layout = new.layout.enlarged(new.network.factor)
    needed = int(math.prod(layout.shape) * layout.dtype.itemsize * PYRAMID)
    free = shutil.disk_usage(result).free
    told = f"the result needs up to {in_words(needed)}; {in_words(free)} are free"
    if needed > free:
        told += ": if the disk gets full, free some space and continue with --resume"
    return [told]


def create_result(
    request: FileRequest, new: Opened, task: dict[str, Any], lock: Lock | None
) -> bool:
    """Create a result's folder with its journal: both appear at once, or neither does.

    Parameters
    ----------
    request : FileRequest
        The user's request.
    new : Opened
        The opened task.
    task, lock
        As for `publish`, whose result is returned and whose errors are raised.
    """
    return publish(
        request.result,
        lambda draft: _create(draft, request, new),
        task,
        lock,
        resume=request.resume,
        overwrite=request.overwrite,
    )


def publish(
    result: Path,
    create: Callable[[Path], object],
    task: dict[str, Any],
    lock: Lock | None,
    *,
    resume: bool = False,
    overwrite: bool = False,
) -> bool:
    """Create an empty OME-Zarr with its journal under another name, and move it to its path.

    Parameters
    ----------
    result : Path
        Folder of the result.
    create : callable
        Called with a path, at which it creates the empty OME-Zarr.
    task : dict
        The task as JSON.
    lock : Lock, optional
        The result's lock; this function takes it.
    resume : bool
        Whether there may be an unfinished result that another process has begun.
    overwrite : bool
        Whether to replace an existing result.

    Returns
    -------
    bool
        Whether this call created the result; False if another process created it meanwhile.

    Raises
    ------
    FileError
        If the result exists and must not be overwritten, or cannot be written.
    """
    target = Path(os.path.realpath(result))
    remove_leftovers(target.parent)
    draft = target.with_name(private_name(FOLDER))
    try:
        create(draft)
        Journal(draft).begin(task)
        if lock is not None:
            lock.take(draft)
        _move(draft, target, resume=resume, overwrite=overwrite)
    except (OSError, FileError) as error:
        if resume and Journal(target).exists:
            return False
        reason = error.strerror if isinstance(error, OSError) else None
        told = reason or str(error).replace(str(draft), str(result))
        about = "" if told.startswith(str(result)) else f"{result} could not be written: "
        raise FileError(f"{about}{told}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return True


def _move(draft: Path, target: Path, *, resume: bool, overwrite: bool) -> None:
    """Move a folder to the result's path; if there is a result, it must be one to overwrite."""
    old = Lock()
    unfinished = Journal(target).exists
    if unfinished and overwrite:
        old.take(target)
    try:
        make_room(target, overwrite=overwrite and not (resume and unfinished))
        os.rename(draft, target)
        sync_folder(target.parent)
    finally:
        old.release()


def _create(path: Path, request: FileRequest, new: Opened) -> None:
    """Create the empty OME-Zarr."""
    scale = new.network.scale
    ome_zarr.create(
        path,
        new.grid.enlarged(scale),
        block=shard_of_block(new.grid, scale),
        places=new.image.enlarged_places(number_of(new.network.factor)),
        channels=new.image.channels,
        name=new.image.name,
        version=request.version,
        provenance={
            "software": f"napari-sr {__version__}",
            "record": for_file(
                file_record(
                    block_record(new.run), request.source, new.image, request.settings, request.axes
                )
            ),
        },
    )
