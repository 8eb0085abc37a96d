"""Upscale the images of a folder one after the other, even if some of them fail."""

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
def folder_run(folder_job: FolderJob, network: Network, found: FolderPlan) -> Iterator[FolderRun]:
    """Context: a run over a folder. It locks the folder of results against other runs.

    Parameters
    ----------
    folder_job : FolderJob
        The images to upscale, and how.
    network : Network
        The job's model, loaded.
    found : FolderPlan
        The images and their results, from `plan`.

    Raises
    ------
    FileError
        If another run writes into the folder of results.
    """
    folder_job.job.target.mkdir(parents=True, exist_ok=True)
    with journal_of(folder_job.job.target) as journal:
        yield FolderRun(folder_job, network, journal, FolderReport(len(found.results)), found)


class FolderRun:
    """A run over the images of a folder; `folder_run` creates it.

    Parameters
    ----------
    folder_job : FolderJob
        The images to upscale, and how.
    network : Network
        The job's model, loaded.
    journal : FolderJournal
        The journal of the folder of results.
    report : FolderReport
        Receives results and failures.
    found : FolderPlan
        The images and their results, from `plan`.
    """

    def __init__(
        self,
        folder_job: FolderJob,
        network: Network,
        journal: FolderJournal,
        report: FolderReport,
        found: FolderPlan,
    ) -> None:
        self.results = found.results
        self.report = report
        report.failures.update(found.unreadable)
        self._folder_job = folder_job
        self._network = network
        self._journal = journal

    def upscale(
        self, source: PurePosixPath, result: PurePosixPath
    ) -> Generator[FileStep, None, None]:
        """Upscale an image unless its result is finished, and report the outcome."""
        try:
            made = yield from self._one(self._folder_job.job.source / source, str(result))
        except EXPECTED as error:
            self.report.failures[str(source)] = in_words(error)
        else:
            (self.report.made if made else self.report.kept).append(str(source))

    def _one(self, source: Path, name: str) -> Generator[FileStep, None, bool]:
        """Upscale an image unless its result is finished; return whether it was upscaled.

        Raises
        ------
        ValueError, OSError
            If upscaling fails, or another file is at the result's path.
        """
        job = self._folder_job.job
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
        """Return, as JSON, everything that determines a result except the source."""
        from napari_sr.engine.execution.run_record import versions

        job, options = self._folder_job.job, self._folder_job.options
        run = {
            "model": without_names(self._network.provenance),
            "full range": self._network.full_range,
            "settings": job.settings.of_result,
            "axes": job.axes,
            "versions": versions(),
            "OME-Zarr": (options.version or "0.5") if target.suffix.lower() == ZARR else None,
        }
        if job.axial is not None:
            run["axial"] = [job.axial.factor or "cubes", job.axial.by]
        found: dict[str, Any] = json.loads(json.dumps(run))
        return found

    def _upscale(self, job: FileJob) -> Generator[FileStep, None, None]:
        """Upscale one image, by blocks if it is large."""
        from napari_sr.streaming.journal import JournalError

        network = self._network
        if job.axial is not None:
            from napari_sr.batch.axial import upscale_axial

            yield from upscale_axial(job, job.axial, lambda: network)
            return
        if not wanted(job.source, job.target, BlockOptions(), network.scale):
            yield from upscale_whole(job, lambda: network, network.scale)
            return
        options = replace(self._folder_job.options, resume=True)
        try:
            yield from upscale_by_blocks(job, options, lambda: network)
        except JournalError:
            if not self._folder_job.job.overwrite:
                raise
            again = replace(options, resume=False)
            yield from upscale_by_blocks(job, again, lambda: network)


def _remove_store(target: Path) -> None:
    """Remove the temporary OME-Zarr that a killed run left beside a finished TIFF."""
    from napari_sr.files.ome_zarr.folder import discard
    from napari_sr.streaming.journal import Journal

    store = store_of(target)
    if store != target and Journal(store).exists:
        discard(store)
