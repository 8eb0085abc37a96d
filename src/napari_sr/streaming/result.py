"""Write results block by block into an OME-Zarr, and resume them after an interruption."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.planning.settings import Settings
from napari_sr.files.image import FileError
from napari_sr.files.lazy import open_lazy
from napari_sr.files.ome_zarr import write as ome_zarr
from napari_sr.files.place import check_apart
from napari_sr.runs import cache
from napari_sr.runs.file_range import with_range
from napari_sr.streaming.block_record import ended_record
from napari_sr.streaming.creation import check_free, create_result, space
from napari_sr.streaming.disk import told_in_one_sentence
from napari_sr.streaming.journal import Journal
from napari_sr.streaming.run import run_blocks
from napari_sr.streaming.shards import size_of, write_block
from napari_sr.streaming.task import begin, check_unchanged, key_of, reopen

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from numpy.typing import NDArray

    from napari_sr.engine.execution.context import Progress
    from napari_sr.engine.planning.blocks import Block
    from napari_sr.files.ome_zarr.block_writer import OmeZarrWriter, Version
    from napari_sr.graph.network import Network
    from napari_sr.runs.model import ModelReference
    from napari_sr.streaming.lock import Lock
    from napari_sr.streaming.report import Report
    from napari_sr.streaming.task import Opened

KEPT = "finished blocks are kept, and --resume continues"
"""End of error messages: which data are kept."""


@dataclass(frozen=True)
class FileRequest:
    """A request to upscale a file into an OME-Zarr."""

    source: Path
    result: Path
    """Folder of the OME-Zarr."""
    model: ModelReference
    settings: Settings = field(default_factory=Settings)
    axes: str | None = None
    """One letter per axis of the source; None to take the axes that the file names."""
    version: Version = "0.5"
    """Version of OME-Zarr to write."""
    resume: bool = False
    """Whether to resume an unfinished result."""
    overwrite: bool = False
    """Whether to replace an existing result."""


def start(
    request: FileRequest, network: Network | None = None, lock: Lock | None = None
) -> list[str]:
    """Begin or resume a result; return notes for the user.

    Parameters
    ----------
    request : FileRequest
        Source, model, settings and the result's folder.
    network : Network, optional
        The request's model if it is loaded already.
    lock : Lock, optional
        The result's lock. This function takes it, so that no other process computes or replaces
        the result meanwhile.

    Raises
    ------
    FileError
        If another process writes the result, if the result exists and the request neither resumes
        nor replaces it, or if the result would replace the source or be in it.
    napari_sr.streaming.journal.JournalError
        If the unfinished result belongs to another run.
    ValueError, OSError
        If the source, the model or a setting is wrong.
    """
    opened.cache_clear()  # the cache may hold an earlier task at this path
    journal = Journal(request.result)
    check_apart(request.result, request.source)
    check_free(request, journal)
    network = cache.load(request.model) if network is None else network
    image = open_lazy(request.source, request.axes)
    for part in image.identity.get("parts", ()):
        check_apart(request.result, Path(part["path"]))
    settings, of_range = with_range(image, request.settings)
    told = [*image.notes, *of_range]
    key = key_of(request.source, image, request.model, network, settings)
    key["result"] = {"OME-Zarr": request.version}
    if not (request.resume and journal.exists):
        task, new = begin(image, network, settings, key, request.axes)
        if create_result(request, new, task, lock):
            return [*told, *_whole_planes(new), *space(request.result, new)]
    if lock is not None:
        lock.take(request.result)
    again = reopen(journal.task(), key)
    ome_zarr.open_writer(request.result).clean()
    done = again.grid.count - len(missing(request.result))
    told.append(f"resumed: {done} of {again.grid.count} blocks are done")
    if lost := len(journal.done()) - done:
        told.append(f"finished blocks whose files are lost or cut off, computed again: {lost}")
    return told


def _whole_planes(new: Opened) -> list[str]:
    """Return a note for the user if each block is a whole plane."""
    if not new.grid.whole:
        return []
    return [
        f"{new.network.title} reads whole planes: each of the {new.grid.count} planes is computed "
        "at once. A plane must fit into memory; its result and features need not"
    ]


@lru_cache(maxsize=1)
def opened(result: Path) -> tuple[Opened, OmeZarrWriter]:
    """Open an unfinished result and its task; a process opens each result only once."""
    journal = Journal(result)
    text, task = journal.text(), journal.task()
    task["key"].pop("result", None)
    return replace(reopen(task), text=text), ome_zarr.open_writer(result)


def _current(result: Path) -> tuple[Opened, OmeZarrWriter]:
    """Return `opened(result)`; open it again if another run has begun a result at this path."""
    found = opened(result)
    if found[0].text != Journal(result).text():
        opened.cache_clear()
        found = opened(result)
    return found


def missing(result: Path) -> list[int]:
    """Return the indices of an unfinished result's missing blocks, in order.

    A block whose files are lost or cut off is missing, even if the journal lists it as done.
    """
    task, writer = _current(result)
    marks = Journal(result).marks()

    def is_whole(number: int) -> bool:
        size = size_of(writer, task.grid.block(number), task.network.scale)
        return size > 0 and marks[number] in ("", str(size))  # older journals have no sizes

    return [one for one in range(task.grid.count) if one not in marks or not is_whole(one)]


def compute(
    result: Path, numbers: Sequence[int], finished: Callable[[Block], object] | None = None
) -> Generator[Progress, None, Report]:
    """Compute blocks of an unfinished result; return a report for the user.

    Several processes may call it at once, each with different blocks.

    Parameters
    ----------
    result : Path
        Folder of the unfinished result.
    numbers : sequence of int
        Indices of the blocks to compute, from those that `missing` returns.
    finished : callable, optional
        Called in a thread, with each block after it has been written to the disk.

    Raises
    ------
    FileError
        If the disk is full, or the source or the result cannot be reached.
    ValueError
        If the source has infinite values.
    napari_sr.engine.planning.devices.OutOfMemoryError
        If a block does not fit into memory.
    """
    task, writer = _current(result)
    journal = Journal(result)

    def write(block: Block, values: NDArray[Any]) -> None:
        _check_same(result, journal, task)
        if task.image.significant_bits is not None and values.dtype.kind != "f":  # as within_bits
            values = np.minimum(values, np.array(task.image.white, values.dtype))
        write_block(writer, block, task.network.scale, values)
        _check_same(result, journal, task)
        if block.last:
            journal.add(block.number, str(size_of(writer, block, task.network.scale)))
            if finished is not None:
                finished(block)

    try:
        with told_in_one_sentence(result, KEPT):
            return (yield from run_blocks(task.run, numbers, write))
    finally:
        journal.close()


def _check_same(result: Path, journal: Journal, task: Opened) -> None:
    """Raise an error if another command has begun a new result at this path."""
    if journal.text() != task.text:
        raise FileError(
            f"another command replaced the result {result} meanwhile: nothing more is written"
        )


def blocks_of(result: Path) -> int:
    """Return the total number of blocks of an unfinished result."""
    return _current(result)[0].grid.count


def complete(result: Path) -> None:
    """Compute the coarsest pyramid levels of a result whose blocks are all done.

    Raises
    ------
    FileError
        If blocks are missing, or the result cannot be written.
    napari_sr.streaming.journal.JournalError
        If the source has changed since the result was begun.
    """
    absent = missing(result)
    if absent:
        raise FileError(
            f"{result} lacks {len(absent)} of {blocks_of(result)} blocks, the first is number "
            f"{absent[0]}: compute them with --resume"
        )
    check_unchanged(Journal(result).task())
    task, writer = _current(result)
    with told_in_one_sentence(result, KEPT):
        writer.finish(ended_record(task.image, writer))


def finish(result: Path) -> None:
    """Complete a result and remove its journal.

    Raises
    ------
    FileError, napari_sr.streaming.journal.JournalError
        As `complete` does.
    """
    complete(result)
    Journal(result).remove()
    opened.cache_clear()
