"""Which images of a folder to upscale, and where each result goes; nothing is computed here."""

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

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import PurePosixPath

    from napari_sr.batch.job import FileJob


@dataclass(frozen=True)
class FolderJob:
    """The task: which images of a folder to upscale, and how."""

    job: FileJob
    """Folder of the sources, folder of the results, model and settings."""
    patterns: Sequence[str]
    """Which files are sources, relative to the folder."""
    to: str | None = None
    """Suffix of all results; None to keep those of the sources."""
    options: BlockOptions = field(default_factory=BlockOptions)
    """Options for large images. Unfinished results are always resumed."""


@dataclass(frozen=True)
class FolderPlan:
    """The images that a task is about."""

    results: list[tuple[PurePosixPath, PurePosixPath]]
    """Each source and its result, below their folders."""
    unreadable: dict[str, str]
    """Subfolders that could not be searched: path, and reason."""


def plan(wish: FolderJob) -> FolderPlan:
    """Check folders and options, and find the images; nothing is computed.

    Raises
    ------
    ValueError
        If a folder or an option cannot be used, no file matches, or two results would have one
        name.
    """
    from napari_sr.engine.planning.devices import choose_device

    source, out = wish.job.source, wish.job.target
    if wish.options.part is not None or wish.options.finish:
        raise ValueError("--part and --finish are for one image, not for a folder")
    if wish.job.spread is not None:
        raise ValueError(f"--uncertainty is for one image, got the folder {source}")
    if wish.job.region is not None:
        raise ValueError("--region is for one image, not for a folder")
    check_folders(source, out)
    choose_device(wish.job.settings.device)  # raises here, once, and not for every image
    patterns = folder.read_patterns(wish.patterns)
    suffix = None if wish.to is None else folder.check_suffix(wish.to)
    found = folder.find(source, patterns, out)
    if not found.files and not found.unreadable:
        names = " or ".join(wish.patterns)
        raise ValueError(f"no file in {source} matches {names} (--pattern)")
    results = [(one, folder.name_of_result(one, suffix)) for one in found.files]
    folder.check_distinct(results)
    return FolderPlan(results, found.unreadable)


def check_folders(source: Path, out: Path) -> None:
    """Check that results of a folder can be written to another folder.

    Raises
    ------
    FileError
        If `out` is a file or an image, holds `source`, or cannot be written.
    """
    is_file = out.suffix.lower() in (*formats.SUFFIXES, folder.ZARR) and not out.is_dir()
    if is_file or is_zarr(out):
        raise FileError(f"{source} is a folder, so the results need a folder, too, got {out}")
    inner, outer = Path(os.path.realpath(source)), Path(os.path.realpath(out))
    if outer in (inner, *inner.parents):
        raise FileError(
            f"{source} is in {out}, where the results go, and results are never upscaled "
            "again: give another folder"
        )
    check_folder(out)
