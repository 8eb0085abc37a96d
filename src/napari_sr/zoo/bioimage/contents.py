"""The files of a model package: a zip archive or a folder, read within limits.

Nothing is unpacked to disk, and no file outside the package is read.
"""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from napari_sr.zoo.limits import BROKEN, MOST_BYTES, RefusedError, check_file, first_line, size_of
from napari_sr.zoo.zip_archive import ZipArchive

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("bioimageio.yaml", "rdf.yaml", "model.yaml")
"""Names of descriptions; the first is preferred."""
MOST_TEXT = 1 << 20
"""Largest size of a description in bytes."""
_MAGIC = b"PK\x03\x04"
_DEEPEST = 1
"""A description may be in the only folder of a zip archive."""


@dataclass(frozen=True)
class Contents:
    """The files of a package."""

    path: Path
    """The zip archive or folder."""
    description: str
    """Path of the description inside the package."""
    archive: ZipArchive | None
    """The archive; None for a folder."""
    sha256: str
    """Hash of the archive, or of a folder's description."""

    def read(self, name: object, sha256: object = None, most: int = MOST_BYTES) -> bytes:
        """Return the content of a file beside the description.

        Parameters
        ----------
        name : object
            The file's path relative to the description, as the description states it.
        sha256 : object
            The hash that the description states; None if it states none.
        most : int
            Largest size in bytes.

        Raises
        ------
        RefusedError
            If the path is not inside the package, the file is missing or too large, or its hash
            differs.
        """
        place = self._place(name)
        content = (
            self._from_folder(place, most) if self.archive is None else self._packed(place, most)
        )
        found = hashlib.sha256(content).hexdigest()
        if sha256 is not None and str(sha256).lower() != found:
            raise RefusedError(
                f"is damaged or was changed: the sha256 of {place} must be {sha256}, got {found}"
            )
        return content

    def _place(self, name: object) -> str:
        """Return a path inside the package; refuse addresses and paths that lead out of it."""
        text = str(name)
        if "://" in text:
            raise RefusedError(
                f"refers to the address {text}, and nothing is downloaded: use the package with "
                "all files"
            )
        path = PurePosixPath(text.replace("\\", "/"))
        if not isinstance(name, str) or path.is_absolute() or ".." in path.parts or ":" in text:
            raise RefusedError(f"refers to a file outside the package: {text!r}")
        return str(PurePosixPath(self.description).parent / path)

    def _packed(self, place: str, most: int) -> bytes:
        archive = self.archive
        if archive is None or place not in archive.names:
            raise RefusedError(f"lacks the file {place}, which its description names")
        _check_size(place, archive.size_of(place), most)
        return archive.read(place)

    def _from_folder(self, place: str, most: int) -> bytes:
        path = self.path / place
        # also refuses links that lead out of the folder
        if not path.resolve().is_relative_to(self.path.resolve()):
            raise RefusedError(f"refers to a file outside the package: {place!r}")
        if not path.is_file():
            raise RefusedError(f"lacks the file {place}, which its description names")
        _check_size(place, path.stat().st_size, most)
        return path.read_bytes()


def _check_size(place: str, size: int, most: int) -> None:
    if size > most:
        raise RefusedError(
            f"is no model package that can be used: {place} has {size_of(size)}, and at most "
            f"{size_of(most)} are allowed"
        )


def is_package(path: Path) -> bool:
    """Return whether a file or folder is a model package; only names inside it are read."""
    try:
        if path.is_dir():
            return any((path / name).is_file() for name in NAMES)
        with path.open("rb") as file:
            # endings of names differ, but PyTorch's files are zip archives, too
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode) or file.read(4) != _MAGIC:
                return False
            with zipfile.ZipFile(file) as archive:
                return _description_in(archive.namelist()) is not None
    except BROKEN:
        return False


def open_contents(path: Path) -> Contents:
    """Open a package.

    Raises
    ------
    RefusedError
        If it is no package, too large, or damaged.
    OSError
        If it cannot be read.
    """
    if path.is_dir():
        name = next((name for name in NAMES if (path / name).is_file()), None)
        if name is None:
            raise RefusedError(f"is no model package: it has none of {', '.join(NAMES)}")
        found = Contents(path, name, None, "")
        text = found.read(name, most=MOST_TEXT)
        return Contents(path, name, None, hashlib.sha256(text).hexdigest())
    check_file(path.stat().st_size)
    data = path.read_bytes()
    try:
        archive = ZipArchive(data)
    except RefusedError:
        raise
    except BROKEN as error:
        raise RefusedError(f"is a damaged zip archive ({first_line(error)})") from error
    name = _description_in(archive.names)
    if name is None:
        raise RefusedError(f"is no model package: it has none of {', '.join(NAMES)}")
    return Contents(path, name, archive, hashlib.sha256(data).hexdigest())


def _description_in(names: list[str]) -> str | None:
    """Return the name of the description, which is outside of folders or in the only folder."""
    plain = [name for name in names if not name.startswith("__MACOSX/")]
    for depth in range(_DEEPEST + 1):
        for wanted in NAMES:
            found = [
                name
                for name in plain
                if name.count("/") == depth and name.rpartition("/")[2] == wanted
            ]
            if len(found) == 1:
                return found[0]
    return None
