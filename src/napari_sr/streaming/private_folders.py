"""Collect the blocks of a result in a private folder, and publish it when it is complete."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_sr.atomic_write import FOLDER, private_name, remove_leftovers
from napari_sr.engine.execution.context import Progress
from napari_sr.engine.execution.pace import Pace
from napari_sr.files.ome_zarr.folder import make_room
from napari_sr.files.ome_zarr.pyramid import views
from napari_sr.files.save import ZARR, save

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from napari_sr.files.lazy_image import LazyImage
    from napari_sr.files.ome_zarr.block_writer import OmeZarrWriter


@contextmanager
def private_folders(*files: Path) -> Iterator[tuple[Path, ...]]:
    """Context: a private path of a folder beside each file; the folders are removed at the end."""
    places = [Path(os.path.realpath(one)).parent for one in files]
    for place in places:
        remove_leftovers(place)
    folders = tuple(place / private_name(FOLDER) for place in places)
    try:
        yield folders
    finally:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)


def published(
    writer: OmeZarrWriter, target: Path, image: LazyImage, *, overwrite: bool
) -> Generator[Progress, None, None]:
    """Complete an OME-Zarr, and move it to its path, or convert it to a TIFF.

    Parameters
    ----------
    writer : OmeZarrWriter
        The result, with all blocks.
    target : Path
        Path of the result, in the format that its suffix names.
    image : LazyImage
        Axes, positions, channels, name and record of the result.
    overwrite : bool
        Whether to replace an existing TIFF. Folders are never replaced.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    told = str(writer.provenance["software"])
    writer.finish(image.record)
    if target.suffix.lower() in ZARR:
        place = Path(os.path.realpath(target))
        make_room(place, overwrite=False)
        os.rename(writer.path, place)
        return
    pixels, *levels = views(writer, writer.levels)
    pace = Pace()
    shown = replace(image, pixels=pixels)
    for done, total in save(target, shown, levels, software=told, overwrite=overwrite):
        share = done / total
        yield Progress(done, total, "", share, pace.seconds_left(share))
