"""Begin the result of a layer in a folder, or resume it: the folder, its journal and its lock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_sr import __version__
from napari_sr.engine.execution.run_record import versions
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.plane_values import ValueRange
from napari_sr.engine.planning.block_size import usual_grid
from napari_sr.engine.planning.region import checked_region
from napari_sr.files.image import FileError
from napari_sr.files.ome_zarr import write as ome_zarr
from napari_sr.files.ome_zarr.locate import is_zarr
from napari_sr.files.place import check_apart
from napari_sr.runs.job import Step
from napari_sr.runs.record import for_file
from napari_sr.runs.run import translate
from napari_sr.streaming.block_record import block_record
from napari_sr.streaming.creation import publish
from napari_sr.streaming.engine import fixed_as, fixed_of, fixing
from napari_sr.streaming.hashing_reader import HashingReader
from napari_sr.streaming.journal import Journal, JournalError, differences
from napari_sr.streaming.lock import Lock
from napari_sr.streaming.run import run_on
from napari_sr.streaming.shards import shard_of_block, size_of
from napari_sr.streaming.task import weights_of
from napari_sr.streaming.unfinished import LAYER, check_kind, told_differences

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_sr.engine.execution.context import Progress
    from napari_sr.engine.planning.blocks import Block
    from napari_sr.files.ome_zarr.block_writer import OmeZarrWriter
    from napari_sr.graph.network import Network
    from napari_sr.streaming.layer_request import LayerRequest, Record
    from napari_sr.streaming.report import Report
    from napari_sr.streaming.run import BlockRun


@dataclass(frozen=True)
class LayerTask:
    """A result that a run writes, locked against other processes."""

    run: BlockRun
    reader: HashingReader
    """The run's reader."""
    writer: OmeZarrWriter
    journal: Journal
    lock: Lock
    text: bytes
    """The task's text in the journal, which is different for every run."""
    done: frozenset[int] = frozenset()
    """Indices of the blocks that are done already."""

    @property
    def is_there(self) -> bool:
        """Whether the folder still contains this run's journal."""
        try:
            return self.journal.text() == self.text
        except (JournalError, OSError):
            return False

    def check(self) -> None:
        """Check that the folder is still there, and that no other run has begun in it.

        Raises
        ------
        FileError
            If someone has removed it; writing would create an image without metadata. Or if
            another run has begun at its path; writing would mix two results.
        """
        if self.is_there:
            return
        how = "replaced by another run" if self.journal.exists else "removed"
        raise FileError(f"{self.writer.path} was {how} meanwhile: nothing more is written")

    def note(self, block: Block) -> None:
        """Note in the journal that a block is on the disk."""
        self.journal.add(block.number, self.mark_of(block))

    def mark_of(self, block: Block) -> str:
        """Return the size of a block's files, and the hash of the source pixels last read for it.

        The size is 0 if a file is missing.
        """
        size = size_of(self.writer, block, self.run.network.scale)
        return f"{size}:{self.reader.hashes.pop(block.number)}"

    def close(self) -> None:
        """Close the journal's file, and release the lock."""
        self.journal.close()
        self.lock.release()


def opened(request: LayerRequest, network: Network) -> Generator[Step, None, LayerTask]:
    """Create the folder of a result, or open the unfinished result in it.

    Raises
    ------
    FileError
        If the folder exists, but the request does not resume it; if it cannot be written, or
        another process writes into it; or if OME-Zarr cannot hold the result.
    JournalError
        If the unfinished result belongs to another run, or the layer's pixels have changed.
    ValueError
        If the image or a setting is wrong.
    napari_sr.engine.planning.devices.OutOfMemoryError
        If a block does not fit into memory.
    """
    if request.source.path is not None and is_zarr(Path(request.source.path)):
        check_apart(request.folder, Path(request.source.path), other="the layer's image")
    lock = Lock()
    try:
        if request.resume:
            return (yield from _resumed(request, network, lock))
        return (yield from _begun(request, network, lock))
    except BaseException:
        lock.release()
        raise


def _run(
    request: LayerRequest, network: Network, side: tuple[int, int] | None = None
) -> tuple[BlockRun, HashingReader]:
    """Return the run with the user's settings; some blocks are read to find the value range."""
    source = request.source
    layout = layout_of(source.shape, source.dtype, request.axes)
    region = None if request.region is None else checked_region(request.region, layout)
    grid = usual_grid(layout, network, request.settings, side, region)
    run = run_on(source.pixels, grid, network, request.settings)
    reader = HashingReader(run.reader.image, grid, run.reader.reach)
    return replace(run, reader=reader), reader


def _begun(request: LayerRequest, network: Network, lock: Lock) -> Generator[Step, None, LayerTask]:
    """Decide tile and engine, and create the folder of an empty image."""
    run, reader = _run(request, network)
    run = yield from translate(fixing(run), _choosing)
    grid, scale = reader.grid, network.scale

    def create(path: Path) -> None:
        ome_zarr.create(
            path,
            grid.enlarged(scale),
            block=shard_of_block(grid, scale),
            places=request.places,
            channels=request.channels,
            name=request.name,
            provenance={
                "software": f"napari-sr {__version__}",
                "record": for_file(record_of(request, run)),
            },
        )

    publish(request.folder, create, _as_json(request, run), lock)
    writer = ome_zarr.open_writer(request.folder)
    journal = Journal(request.folder)
    return LayerTask(run, reader, writer, journal, lock, journal.text())


def _as_json(request: LayerRequest, run: BlockRun) -> dict[str, Any]:
    """Return the task for the journal."""
    grid = run.reader.grid
    return {
        "kind": LAYER,
        "key": {**request.key, **_of_network(run.network)},
        "block": [grid.rows, grid.columns],
        "blocks": grid.count,
        "fixed": fixed_of(run),
    }


def _of_network(network: Network) -> dict[str, Any]:
    """Return the entries of a key that only a loaded network shows."""
    return {"weights": weights_of(network.provenance), "versions": versions()}


def _resumed(
    request: LayerRequest, network: Network, lock: Lock
) -> Generator[Step, None, LayerTask]:
    """Open an unfinished result, and check that it belongs to the same run of the same pixels."""
    journal = Journal(request.folder)
    task = journal.task()
    check_kind(task)
    lock.take(request.folder)
    changed = differences(task["key"], {**request.key, **_of_network(network)})
    if changed:
        raise JournalError(told_differences(changed))
    rows, columns = task["block"]
    run, reader = _run(request, network, (rows, columns))
    fixed = task["fixed"]
    values = ValueRange(*fixed["values"])
    if values != run.values:
        raise JournalError(_changed_pixels(request, "black and white differ"))
    settings = fixed_as(run.settings, fixed)
    run = replace(run, settings=settings, values=values)
    writer = ome_zarr.open_writer(request.folder)
    writer.clean()
    result = LayerTask(run, reader, writer, journal, lock, journal.text())
    return replace(result, done=(yield from _checked(request, result)))


def _checked(request: LayerRequest, task: LayerTask) -> Generator[Step, None, frozenset[int]]:
    """Return the blocks that are done, after checking that their source pixels are unchanged.

    Raises
    ------
    JournalError
        If the pixels have changed.
    """
    reader = task.reader
    marks, done = task.journal.marks(), set()
    for count, (number, mark) in enumerate(sorted(marks.items())):
        yield Step(count, len(marks), "Comparing finished blocks with the layer …")
        block = reader.grid.block(number)
        reader.read(block)
        size, read = task.mark_of(block).split(":")
        size_before, read_before = mark.split(":")
        if read != read_before:
            top, left = block.core.rows.start, block.core.columns.start
            raise JournalError(_changed_pixels(request, f"at row {top}, column {left}"))
        if size == size_before:  # otherwise, its files are lost or cut off
            done.add(number)
    return frozenset(done)


def _changed_pixels(request: LayerRequest, where: str) -> str:
    return (
        f"the pixels of {request.source.name} have changed since {request.folder} was begun "
        f"({where}): choose another folder"
    )


def _choosing(progress: Progress) -> Step:
    return Step(0, 0, "Choosing the fastest engine …")


def record_of(request: LayerRequest, run: BlockRun, report: Report | None = None) -> Record:
    """Return the record of a run: at its end if there is a report, otherwise at its start."""
    region = None if request.region is None else request.region.spans
    source = {**request.source.record, "axes": request.axes, "region": region}
    return {**block_record(run, report), **source, "folder": str(request.folder)}
