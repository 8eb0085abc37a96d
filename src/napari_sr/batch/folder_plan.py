"""Plan a run over a folder: find its images, and name their results."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from napari_sr.batch.job import BlockOptions
from napari_sr.files import folder, formats
from napari_sr.files.image import FileError
from napari_sr.files.ome_zarr.locate import is_zarr
from napari_sr.files.place import check_folder
from napari_sr.files.save import TIFF, ZARR

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import PurePosixPath

    from napari_sr.batch.job import FileJob


STACKS = ".ome.tif"
"""The usual format of results that are enlarged along Z."""


@dataclass(frozen=True)
class FolderJob:
    """The images of a folder to upscale, and how."""

    job: FileJob
    """Folder of the sources, folder of the results, model and settings."""
    patterns: Sequence[str]
    """Glob patterns of the sources, relative to their folder."""
    to: str | None = None
    """Suffix of all results; None to keep each source's suffix."""
    options: BlockOptions = field(default_factory=BlockOptions)
    """Options for large images. Unfinished results are always resumed."""


@dataclass(frozen=True)
class FolderPlan:
    """The images to upscale, and the paths of their results."""

    results: list[tuple[PurePosixPath, PurePosixPath]]
    """Pairs of source and result, relative to their folders."""
    unreadable: dict[str, str]
    """Subfolders that could not be searched: path, and reason."""


def plan(folder_job: FolderJob) -> FolderPlan:
    """Check folders and options, and find the images; nothing is computed.

    Raises
    ------
    ValueError
        If a folder or an option cannot be used, no file matches, or two results would have the
        same name.
    """
    from napari_sr.engine.planning.devices import choose_device

    source, out = folder_job.job.source, folder_job.job.target
    if folder_job.options.part is not None or folder_job.options.finish:
        raise ValueError(f"--part and --finish are for one image, got the folder {source}")
    if folder_job.job.spread is not None:
        raise ValueError(f"--uncertainty is for one image, got the folder {source}")
    if folder_job.job.axial is not None:
        check_axial(folder_job)
    if folder_job.job.region is not None:
        raise ValueError(f"--region is for one image, got the folder {source}")
    check_folders(source, out)
    choose_device(folder_job.job.settings.device)  # raises here, once, and not for every image
    patterns = folder.read_patterns(folder_job.patterns)
    to = folder_job.to
    if to is None and folder_job.job.axial is not None:
        to = STACKS  # not every format of a source can hold a stack and its pixel sizes
    suffix = None if to is None else folder.check_suffix(to)
    found = folder.find(source, patterns, out)
    if not found.files and not found.unreadable:
        names = " or ".join(folder_job.patterns)
        raise ValueError(f"no file in {source} matches {names} (--pattern)")
    results = [(one, folder.name_of_result(one, suffix)) for one in found.files]
    folder.check_distinct(results)
    return FolderPlan(results, found.unreadable)


def check_axial(folder_job: FolderJob) -> None:
    """Check the options of a run that enlarges Z, too.

    Raises
    ------
    ValueError
        If the way, another option or the format of the results does not fit.
    """
    options, to = folder_job.options, folder_job.to
    if options.asks:
        raise ValueError(
            "--axial needs no processes and no version of OME-Zarr: give it without --workers, "
            f"--scheduler and --ome-zarr, got {options}"
        )
    if to is not None and f".{to.rpartition('.')[-1].lower()}" not in (*TIFF, *ZARR):
        raise ValueError(f"--axial writes OME-TIFF or OME-Zarr, such as --to {STACKS}, got {to}")


def check_folders(source: Path, out: Path) -> None:
    """Check that results of a folder can be written to another folder.

    Raises
    ------
    FileError
        If `out` is a file or an image, contains `source`, or cannot be written.
    """
    is_file = out.suffix.lower() in (*formats.SUFFIXES, folder.ZARR) and not out.is_dir()
    if is_file or is_zarr(out):
        raise FileError(f"{source} is a folder, so the results need a folder, too, got {out}")
    inner, outer = Path(os.path.realpath(source)), Path(os.path.realpath(out))
    if outer in (inner, *inner.parents):
        raise FileError(
            f"the folder of results, {out}, must not contain the images' folder, {source}: "
            "give another folder for the results"
        )
    check_folder(out)
