"""The command `napari-sr upscale` for images larger than memory: block by block, resumable."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from napari_sr.batch.by_blocks import store_of, upscale_by_blocks
from napari_sr.cli import terminal
from napari_sr.cli.model import load

if TYPE_CHECKING:
    from pathlib import Path

    from rich.progress import Progress as Bars

    from napari_sr.batch.job import BlockOptions, FileJob
    from napari_sr.graph.network import Network


def run(job: FileJob, options: BlockOptions, bars: Bars, network: Network | None = None) -> None:
    """Upscale a file block by block, or resume or finish an earlier run.

    Parameters
    ----------
    job : FileJob
        Source, target, model and settings.
    options : BlockOptions
        The command's options for large images.
    bars : Bars
        Where progress and messages appear.
    network : Network, optional
        The job's model if it is loaded already.

    Raises
    ------
    CommandError, ValueError, OSError, napari_sr.zoo.download.DownloadError
        If a path, the image, the model or a setting is wrong. Finished blocks are kept.
    napari_sr.cli.terminal.Stopped
        If a signal ended the run, and an unfinished result remains; the user has been told.
    """
    steps = upscale_by_blocks(
        job, options, lambda: load(job.model, bars) if network is None else network
    )
    try:
        terminal.drive_file(steps, bars)
    except KeyboardInterrupt:
        raise _stopped(store_of(job.target), bars, signal.SIGINT) from None
    except terminal.Terminated:
        raise _stopped(store_of(job.target), bars, signal.SIGTERM) from None


def _stopped(result: Path, bars: Bars, number: int) -> BaseException:
    """Tell the user which files remain after a signal; return the exception to raise."""
    from napari_sr.streaming.journal import Journal

    if not Journal(result).exists:
        return KeyboardInterrupt() if number == signal.SIGINT else terminal.Terminated()
    terminal.tell(bars, f"Stopped: {result} is unfinished; --resume continues it.")
    return terminal.Stopped(number)
