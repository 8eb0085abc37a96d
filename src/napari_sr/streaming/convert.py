"""Rewriting of a finished OME-Zarr as a TIFF, for programs that do not read OME-Zarr."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.engine.execution.context import Progress
from napari_sr.engine.execution.pace import Pace
from napari_sr.files.large_tiff import write_large_tiff
from napari_sr.files.ome_zarr.arrangement import arranged
from napari_sr.streaming.result import opened

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


def convert(result: Path, target: Path) -> Generator[Progress, None, None]:
    """Write a TIFF from a result that is complete but still has its journal.

    Nothing is at `target` until all is written.

    Parameters
    ----------
    result : Path
        Folder of the OME-Zarr; see `result.complete`.
    target : Path
        The TIFF.

    Yields
    ------
    Progress
        After some tiles of the file.

    Raises
    ------
    FileError
        If the disk has no room for it, or it cannot be written.
    """
    task, writer = opened(result)
    levels, letters = writer.levels, arranged(writer.layout).letters
    software = str(writer.provenance["software"])
    pace = Pace()
    steps = write_large_tiff(target, levels, letters, task.image, task.network.scale, software)
    for done, total in steps:
        share = done / total
        yield Progress(done, total, "", share, pace.seconds_left(share))
