"""Convert a finished OME-Zarr to a TIFF, NIfTI or MRC, for other programs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_sr.engine.execution.context import Progress
from napari_sr.engine.execution.pace import Pace
from napari_sr.files.image import FileError
from napari_sr.files.large_tiff import write_large_tiff
from napari_sr.files.ome_zarr.arrangement import arranged
from napari_sr.files.scientific.other import WRITTEN, write_other
from napari_sr.graph.factor import number_of
from napari_sr.streaming.disk import told_in_one_sentence
from napari_sr.streaming.result import KEPT, opened

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


def convert(result: Path, target: Path) -> Generator[Progress, None, None]:
    """Convert a complete result, whose journal still exists, to a file.

    `target` appears only when the file is complete.

    Parameters
    ----------
    result : Path
        Folder of the OME-Zarr; see `result.complete`.
    target : Path
        The TIFF, NIfTI or MRC; its suffix decides.

    Yields
    ------
    Progress
        Progress after each part of the file.

    Raises
    ------
    FileError
        If the disk has no room for the file, or the file cannot be written; the result stays.
    """
    try:
        with told_in_one_sentence(target, KEPT):
            yield from _parts(result, target)
    except FileError as error:
        if str(error).endswith(KEPT):
            raise
        raise FileError(f"{error}; {KEPT}") from error


def _parts(result: Path, target: Path) -> Generator[Progress, None, None]:
    """Write the file part by part."""
    task, writer = opened(result)
    image = replace(task.image, record=writer.provenance.get("record"))
    levels, letters = writer.levels, arranged(writer.layout).letters
    software = str(writer.provenance["software"])
    pace = Pace()
    scale = number_of(task.network.factor)
    if target.name.lower().endswith(WRITTEN):
        steps = write_other(target, levels[0], letters, image, scale, software, overwrite=True)
    else:
        steps = write_large_tiff(target, levels, letters, image, scale, software)
    for done, total in steps:
        share = done / total
        yield Progress(done, total, "", share, pace.seconds_left(share))
