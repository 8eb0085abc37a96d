"""Compare the files of models, here or in a folder for another machine, with their checksums."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_sr.zoo import download

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from napari_sr.zoo.registry import Entry


@dataclass
class Verified:
    """The result of verifying models: their names, sorted into three lists."""

    good: list[str] = field(default_factory=list)
    """Models whose file has the registry's size and SHA-256."""
    damaged: list[str] = field(default_factory=list)
    """Models in whose place there is another file."""
    missing: list[str] = field(default_factory=list)
    """Models without a file."""


def verify(entries: Iterable[Entry], folder: Path | None = None) -> Verified:
    """Compare the files of models with the registry's sizes and SHA-256; download nothing.

    Parameters
    ----------
    entries : iterable of Entry
        The models. Interpolations, which have no weights, count as good.
    folder : Path, optional
        A folder that `prefetch` filled. The models that ship with the package are not in it, and
        are verified in the package. By default, the models of this machine are verified.

    Returns
    -------
    Verified
        Which models are good, damaged and missing.

    Raises
    ------
    NotADirectoryError
        If there is no such folder.
    """
    if folder is not None and not folder.is_dir():
        raise NotADirectoryError(f"--to must name a folder with models, but {folder} is no folder")
    result = Verified()
    for entry in entries:
        path = _expected(entry, folder)
        if entry.computed or download.is_file_of(path, entry):
            result.good.append(entry.name)
        else:
            (result.damaged if path.exists() else result.missing).append(entry.name)
    return result


def _expected(entry: Entry, folder: Path | None) -> Path:
    """Return the path at which a model's file should be."""
    if entry.url is None:
        return download.SHIPPED / entry.file
    if folder is not None:
        return folder / entry.file
    return download.local_path(entry) or download.cache_folder() / entry.file
