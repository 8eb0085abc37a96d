"""Upscale the images of a folder one after the other; a failed one does not stop the others."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from napari_sr.cli import large, terminal, upscale
from napari_sr.cli.failure import EXPECTED, in_words
from napari_sr.cli.folder_done import identity_of, is_done, without_names
from napari_sr.cli.how import How

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path, PurePosixPath

    from rich.progress import Progress as Bars

    from napari_sr.cli.upscale import Job
    from napari_sr.files.folder_journal import FolderJournal
    from napari_sr.graph.network import Network


@dataclass(frozen=True)
class FolderJob:
    """The task: which images of a folder to upscale, and how."""

    job: Job
    """Folder of the sources, folder of the results, model and settings."""
    patterns: Sequence[str]
    """Which files are sources, relative to the folder."""
    to: str | None = None
    """Suffix of all results; None to keep those of the sources."""
    how: How = field(default_factory=How)
    """Options for large images. Unfinished results are always resumed."""


class Batch:
    """The run over all images of a folder.

    Parameters
    ----------
    wish : FolderJob
        What to upscale.
    bars : Bars
        Where progress and messages appear.
    network : Network
        The job's model, loaded.
    journal : FolderJournal
        The journal of the folder of results.
    failures : mapping
        Failures so far: a sentence for each name.
    """

    def __init__(
        self,
        wish: FolderJob,
        bars: Bars,
        network: Network,
        journal: FolderJournal,
        failures: Mapping[str, str],
    ) -> None:
        self._wish = wish
        self._bars = bars
        self._network = network
        self._journal = journal
        self._failures = dict(failures)
        self._made = self._kept = 0

    def run(self, results: Sequence[tuple[PurePosixPath, PurePosixPath]]) -> None:
        """Upscale one image after the other; note those that fail."""
        bar = self._bars.add_task("files", total=len(results))
        for source, result in results:
            with terminal.about(str(source)), terminal.warnings_as_lines(self._bars):
                try:
                    self._one(self._wish.job.source / source, str(result))
                except EXPECTED as error:
                    self._failures[str(source)] = in_words(error)
            self._bars.advance(bar)
        self._bars.remove_task(bar)

    def _one(self, source: Path, name: str) -> None:
        """Upscale an image, unless its result is finished.

        Raises
        ------
        CommandError, ValueError, OSError
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
            self._kept += 1
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        self._journal.begin(name, identity, run)
        overwrite = job.overwrite or entry is not None
        self._upscale(replace(job, source=source, target=target, overwrite=overwrite))
        self._journal.done(name)
        self._made += 1

    def _run_of(self, target: Path) -> dict[str, Any]:
        """Return all that determines a result except its source, as JSON."""
        from napari_sr.engine.execution.run_record import versions

        job, how = self._wish.job, self._wish.how
        run = {
            "model": without_names(self._network.provenance),
            "full range": self._network.full_range,
            "settings": asdict(job.settings),
            "axes": job.axes,
            "versions": versions(),
            "OME-Zarr": (how.version or "0.5") if target.suffix.lower() == large.ZARR else None,
        }
        found: dict[str, Any] = json.loads(json.dumps(run))
        return found

    def _upscale(self, job: Job) -> None:
        """Upscale one image, by blocks if it is large."""
        from napari_sr.streaming.journal import JournalError

        if not large.wanted(job.source, job.target, How(), self._network.scale):
            upscale.run_whole(job, self._bars, self._network)
            return
        how = replace(self._wish.how, resume=True)
        try:
            large.run(job, how, self._bars, self._network)
        except JournalError:
            if not self._wish.job.overwrite:
                raise
            large.run(job, replace(how, resume=False), self._bars, self._network)

    def stopped(self, number: int, total: int) -> terminal.Stopped:
        """Tell the user how far the run came before a signal; return the exception to raise."""
        done = self._made + self._kept
        told = f"Stopped: {done} of {total} files are done; repeat the command to continue."
        terminal.tell(self._bars, told)
        self._tell_failures()
        return terminal.Stopped(number)

    def report(self, total: int) -> int:
        """Tell the user which files are done and which failed; return the exit code."""
        counts = {
            "upscaled": self._made,
            "done before": self._kept,
            "failed": total - self._made - self._kept,
        }
        told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        terminal.tell(self._bars, f"{total} file{'s' * (total != 1)}: {told or 'none'}")
        self._tell_failures()
        return terminal.FAILED if self._failures else 0

    def _tell_failures(self) -> None:
        for name, why in self._failures.items():
            terminal.tell(self._bars, f"Failed: {name}: {why}")


def _remove_store(target: Path) -> None:
    """Remove the blocks of a finished TIFF that a killed run left."""
    from napari_sr.files.ome_zarr.folder import discard
    from napari_sr.streaming.journal import Journal

    store = large.store_of(target)
    if store != target and Journal(store).exists:
        discard(store)
