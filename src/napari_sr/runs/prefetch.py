"""Download models for use without a connection, here or on another machine."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from napari_sr.atomic_write import atomic_write
from napari_sr.runs.fetch import fetch_steps
from napari_sr.runs.job import Step
from napari_sr.runs.model_notice import write_notice
from napari_sr.runs.run import drive
from napari_sr.runs.words import size_in_words
from napari_sr.zoo import download, registry

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from napari_sr.zoo.registry import Entry


@dataclass
class Prefetched:
    """The result of downloading models."""

    files: dict[str, Path] = field(default_factory=dict)
    """The files, by the names of their models."""
    failures: dict[str, str] = field(default_factory=dict)
    """Models that could not be downloaded or copied, and the reason."""


def prefetch(models: list[str], folder: Path | None = None) -> Prefetched:
    """Download models, so that they can be used without a connection.

    Checksums are verified, files that are here already are not downloaded again, and a model that
    fails does not stop the others.

    Parameters
    ----------
    models : list of str
        Names of models, such as "bsrn-x4".
    folder : Path, optional
        A folder that gets copies of the files, for another machine. On that machine, the
        environment variable NAPARI_SR_WEIGHTS must name the folder. LICENCES.md and SHA256SUMS
        there list its models. By default, the files are only kept for use on this machine.

    Returns
    -------
    Prefetched
        The files, and the reasons for failures.

    Raises
    ------
    ValueError
        If no model has such a name.
    OSError
        If the folder cannot be created, or its two lists cannot be written.
    """
    return drive(prefetch_steps(models, folder))


def prefetch_steps(
    models: Iterable[str], folder: Path | None = None
) -> Generator[Step, None, Prefetched]:
    """Do the same as `prefetch`, and yield progress; closing the generator cancels the download.

    Raises
    ------
    ValueError, OSError
        As `prefetch` does.
    """
    entries, result = [registry.find(name) for name in models], Prefetched()
    if folder is not None:
        folder = Path(folder).expanduser()
        folder.mkdir(parents=True, exist_ok=True)
    total, before = sum(entry.size for entry in entries), 0
    for entry in entries:
        with closing(fetch_steps(entry)) as steps:
            try:
                for done, _ in steps:
                    sizes = f"{size_in_words(before + done)} of {size_in_words(total)}"
                    yield Step(before + done, total, f"Downloading {entry.title}: {sizes}")
                result.files[entry.name] = _file(entry, folder)
            except (download.DownloadError, OSError) as error:
                result.failures[entry.name] = str(error)
        before += entry.size
        yield Step(before, total, f"{entry.title} is done")
    if folder is not None and (copied := _copied(folder)):
        write_notice(folder, copied)
    return result


def _file(entry: Entry, folder: Path | None) -> Path:
    """Return the file of a model, or its copy in a folder.

    Raises
    ------
    OSError
        If the file cannot be copied.
    """
    path = download.fetch(entry)
    if folder is None or entry.url is None:  # included in every installation
        return path
    copy = folder / entry.file
    if not (copy.exists() and copy.samefile(path)):
        with path.open("rb") as here, atomic_write(copy) as there:
            shutil.copyfileobj(here, there)
    return copy


def _copied(folder: Path) -> list[Entry]:
    """Return the models whose files are in a folder, also those from earlier calls."""
    return [entry for entry in downloadable() if download.is_file_of(folder / entry.file, entry)]


def downloadable() -> list[Entry]:
    """Return the models that do not ship with the package."""
    return [entry for entry in registry.entries() if entry.url is not None]
