"""Where a result is written: refused early, and filled whole or not at all."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_sr.files.image import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


def check_place(path: Path, suffixes: Sequence[str], *, overwrite: bool) -> None:
    """Refuse, before anything is computed, a place that cannot be written.

    Raises
    ------
    FileError
        If the name has none of the endings, its folder does not exist or cannot be written, or
        it exists and is a folder or not to be overwritten.
    """
    if path.suffix.lower() not in suffixes:
        one = "one of " if len(suffixes) > 1 else ""
        raise FileError(f"{path} must end in {one}{', '.join(suffixes)}")
    if not path.parent.is_dir():
        raise FileError(f"there is no folder {path.parent} to write {path.name} into")
    if not os.access(path.parent, os.W_OK):
        raise FileError(f"the folder {path.parent} cannot be written")
    if path.is_dir():
        raise FileError(f"{path} is a folder")
    if path.exists() and not overwrite:
        raise FileError(f"{path} exists: give another name, or --overwrite")


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Give a name in the same folder that becomes the path at the end, or nothing."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield unfinished
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
