"""Upscale the images of a folder one after the other; a failed one does not stop the others."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_sr.batch.by_blocks import ZARR, store_of, upscale_by_blocks, wanted
from napari_sr.batch.folder_done import identity_of, is_done, without_names
from napari_sr.batch.job import BlockOptions, FolderReport
from napari_sr.batch.whole import upscale_whole
from napari_sr.files.folder_journal import journal_of
from napari_sr.runs.failure import EXPECTED, in_words

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path, PurePosixPath

    from napari_sr.batch.folder_plan import FolderJob, FolderPlan
    from napari_sr.batch.job import FileJob, FileStep
    from napari_sr.files.folder_journal import FolderJournal
    from napari_sr.graph.network import Network


@contextmanager
def folder_run(wish: FolderJob, network: Network, found: FolderPlan) -> Iterator[FolderRun]:
    """Context: a run over a folder; no other run may write into the same folder meanwhile.

    Parameters
    ----------
    wish : FolderJob
        What to upscale.
    network : Network
        The job's model, loaded.
    found : FolderPlan
        What `plan` returned.

    Raises
    ------
    FileError
        If another run writes into the folder of results.
    """
    wish.job.target.mkdir(parents=True, exist_ok=True)
    with journal_of(wish.job.target) as journal:
        yield FolderRun(wish, network, journal, FolderReport(len(found.results)), found)


class FolderRun:
    """The run over all images of a folder; get it from `folder_run`.

    Parameters
    ----------
    wish : FolderJob
        What to upscale.
    network : Network
        The job's model, loaded.
    journal : FolderJournal
        The journal of the folder of results.
    report : FolderReport
        Where results and failures are noted.
    found : FolderPlan
        The images.
    """

    def __init__(
        self,
        wish: FolderJob,
        network: Network,
        journal: FolderJournal,
        report: FolderReport,
        found: FolderPlan,
    ) -> None:
        self.results = found.results
        self.report = report
        report.failures.update(found.unreadable)
        self._wish = wish
        self._network = network
        self._journal = journal

    def upscale(
        self, source: PurePosixPath, result: PurePosixPath
    ) -> Generator[FileStep, None, None]:
        """Upscale an image, unless its result is finished; note it in the report."""
        try:
            made = yield from self._one(self._wish.job.source / source, str(result))
        except EXPECTED as error:
            self.report.failures[str(source)] = in_words(error)
        else:
            (self.report.made if made else self.report.kept).append(str(source))

    def _one(self, source: Path, name: str) -> Generator[FileStep, None, bool]:
        """Upscale an image, unless its result is finished; return whether it was upscaled.

        Raises
        ------
        ValueError, OSError
            If upscaling fails, or another file is at the result's path.
        """
        job = self._wish.job
        target = job.target / name
        identity, run = identity_of(source, job.axes), self._run_of(target)
        entry = self._journal.entry(name)
        if is_done(target, entry, {"source": identity, **run}, overwrite=job.overwrite):
            if entry is not None and entry.open:  # a run was killed right after it wrote the result
                _remove_store(target)
                self._journal.done(name)
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        self._journal.begin(name, identity, run)
        overwrite = job.overwrite or entry is not None
        yield from self._upscale(replace(job, source=source, target=target, overwrite=overwrite))
        self._journal.done(name)
        return True

    def _run_of(self, target: Path) -> dict[str, Any]:
        """Return all that determines a result except its source, as JSON."""
        from napari_sr.engine.execution.run_record import versions

        job, options = self._wish.job, self._wish.options
        run = {
            "model": without_names(self._network.provenance),
            "full range": self._network.full_range,
            "settings": job.settings.of_result,
            "axes": job.axes,
            "versions": versions(),
            "OME-Zarr": (options.version or "0.5") if target.suffix.lower() == ZARR else None,
        }
        found: dict[str, Any] = json.loads(json.dumps(run))
        return found

    def _upscale(self, job: FileJob) -> Generator[FileStep, None, None]:
        """Upscale one image, by blocks if it is large."""
        from napari_sr.streaming.journal import JournalError

        network = self._network
        if not wanted(job.source, job.target, BlockOptions(), network.scale):
            yield from upscale_whole(job, lambda: network, network.scale)
            return
        options = replace(self._wish.options, resume=True)
        try:
            yield from upscale_by_blocks(job, options, lambda: network)
        except JournalError:
            if not self._wish.job.overwrite:
                raise
            again = replace(options, resume=False)
            yield from upscale_by_blocks(job, again, lambda: network)


def _remove_store(target: Path) -> None:
    """Remove the blocks of a finished TIFF that a killed run left."""
    from napari_sr.files.ome_zarr.folder import discard
    from napari_sr.streaming.journal import Journal

    store = store_of(target)
    if store != target and Journal(store).exists:
        discard(store)
