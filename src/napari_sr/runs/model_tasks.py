"""Tasks that the form *Models* runs in a worker: download, time, import and remove models."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_sr.engine.image.digits import counted
from napari_sr.runs import model_speed
from napari_sr.runs.fetch import fetch_steps
from napari_sr.runs.job import Step, named_errors
from napari_sr.runs.model_file import import_file
from napari_sr.runs.words import error_in_words, size_in_words
from napari_sr.zoo import imported

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from napari_sr.runs.model import ModelReference
    from napari_sr.runs.model_table import ModelRow
    from napari_sr.zoo.registry import Entry


@dataclass(frozen=True)
class ImportResult:
    """The result of importing files."""

    paths: tuple[Path, ...]
    """The imported files, in the folder of the user's networks."""
    problems: tuple[str, ...]
    """A sentence for each file that could not be imported."""


def download_models(entries: Sequence[Entry]) -> Generator[Step, None, str]:
    """Download models one after the other; return a sentence about them.

    Closing the generator stops the download; finished files stay.

    Parameters
    ----------
    entries : sequence of Entry
        One for each file.

    Raises
    ------
    napari_sr.zoo.download.DownloadError
        If a file cannot be downloaded; the files after it are not tried.
    """
    total, before = sum(entry.size for entry in entries), 0
    for entry in entries:
        with closing(fetch_steps(entry)) as steps:
            for done, _ in steps:
                sizes = f"{size_in_words(before + done)} of {size_in_words(total)}"
                yield Step(before + done, total, f"Downloading {entry.title}: {sizes}")
        before += entry.size
    count = len(entries)
    return f"Downloaded {entries[0].title}" if count == 1 else f"Downloaded {count} files"


def measure_models(rows: Sequence[ModelRow]) -> Generator[Step, None, str]:
    """Time all models of some rows that are on this machine; return a sentence about them.

    Raises
    ------
    napari_sr.runs.job.UpscaleError
        If a model stops.
    ValueError
        If a model cannot be loaded.
    OSError
        If the speeds cannot be written.
    """
    here = [
        one.reference
        for row in rows
        for one in (row.scales if row.model.scale_is_known else row.scales[:1])
        if one.path is not None
    ]
    for done, reference in enumerate(here):
        yield Step(done, len(here), f"Timing {reference.label} …")
        yield from named_errors(_measured(reference), reference.label)
    return f"Timed {counted(len(here), 'model')}"


def _measured(reference: ModelReference) -> Generator[Step, None, None]:
    model_speed.measure(reference)
    yield from ()


def import_files(paths: Sequence[Path]) -> ImportResult:
    """Import checkpoint files, even if some fail. This is too slow for the GUI thread."""
    found, problems = [], []
    for path in paths:
        try:
            found.append(import_file(path))
        except (ValueError, OSError) as error:
            problems.append(f"Cannot import {path.name}: {error_in_words(error)}")
    return ImportResult(tuple(found), tuple(problems))


def remove_files(rows: Sequence[ModelRow]) -> int:
    """Remove downloads from the cache, and imported files; return the number of files.

    Raises
    ------
    OSError
        If a file cannot be removed.
    """
    count = 0
    for row in rows:
        for path in row.removable:
            if row.is_imported:
                imported.remove(path)
            else:
                path.unlink(missing_ok=True)
            count += 1
    return count
