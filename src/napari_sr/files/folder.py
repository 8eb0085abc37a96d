"""Find the images in a folder that match patterns, and name their results in another folder."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING

from napari_sr.files.formats import SUFFIXES
from napari_sr.files.image import FileError
from napari_sr.files.ome_zarr.locate import is_zarr
from napari_sr.files.patterns import read_patterns as read_patterns
from napari_sr.files.scientific.other import WRITTEN as SCIENTIFIC

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ZARR = ".zarr"
"""Suffix of OME-Zarr folders."""
KEPT = (*SUFFIXES, *SCIENTIFIC, ZARR)
"""Suffixes of sources whose results have the same suffix."""
OTHERWISE = ".ome.zarr"
"""Suffix of all other results, because OME-Zarr can hold every axis, unit and channel."""
_DOUBLE = (".ome.tif", ".ome.tiff", OTHERWISE, ".nii.gz")
"""Suffixes of two parts, which are replaced as a whole."""
WRITTEN = tuple(dict.fromkeys((*_DOUBLE, *KEPT)))
"""Suffixes that a user can choose for all results."""


@dataclass
class Found:
    """The images found in a folder."""

    files: list[PurePosixPath] = field(default_factory=list)
    """Paths of the images below the folder, sorted."""
    unreadable: dict[str, str] = field(default_factory=dict)
    """Paths of subfolders that could not be searched, each with the reason."""


def find(folder: Path, patterns: Sequence[tuple[str, ...]], out: Path) -> Found:
    """Find the images below a folder that match one of the patterns.

    An OME-Zarr counts as one image, and is not searched. Links to folders are not followed. As in a
    shell, wildcards do not match names that begin with a dot.

    Parameters
    ----------
    folder : Path
        The folder.
    patterns : sequence of tuple of str
        Patterns that `read_patterns` returned.
    out : Path
        The folder of the results, which is not searched.
    """
    found = Found()
    results = Path(os.path.realpath(out))

    def failed(error: OSError) -> None:
        below = PurePath(os.path.relpath(error.filename, folder)).as_posix()
        found.unreadable[below] = f"{error.filename} cannot be searched: {error.strerror}"

    for place, folders, names in os.walk(folder, onerror=failed):
        here = Path(place)
        images = {name for name in folders if _is_image(here / name)}
        folders[:] = sorted(name for name in folders if name not in images)
        folders[:] = [name for name in folders if Path(os.path.realpath(here / name)) != results]
        for name in (*names, *images):
            below = PurePosixPath((here / name).relative_to(folder).as_posix())
            wanted = any(_matches(below.parts, pattern) for pattern in patterns)
            if wanted and not _lies_in(here / name, results):
                found.files.append(below)
    found.files.sort()
    return found


def _is_image(folder: Path) -> bool:
    """Return whether a folder is an OME-Zarr, or is named like one."""
    return folder.suffix.lower() == ZARR or is_zarr(folder)


def _lies_in(path: Path, folder: Path) -> bool:
    """Return whether a path is a folder or a part of it, after links are followed."""
    return folder in Path(os.path.realpath(path)).parents or Path(os.path.realpath(path)) == folder


def _matches(parts: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    if not pattern:
        return not parts
    first, rest = pattern[0], pattern[1:]
    if first == "**":
        open_to = next((at for at, part in enumerate(parts) if part[0] == "."), len(parts))
        ends = range(open_to + 1)
        return any(_matches(parts[at:], rest) for at in ends)
    if not parts or (parts[0][0] == "." and first[0] != "."):
        return False
    return fnmatch(parts[0], first) and _matches(parts[1:], rest)


def check_suffix(text: str) -> str:
    """Return the suffix that a user chose for results, in lower case and with a dot.

    Raises
    ------
    ValueError
        If files with this suffix cannot be written.
    """
    suffix = f".{text.lower().removeprefix('.')}"
    if suffix not in WRITTEN:
        raise ValueError(f"--to must be one of {', '.join(WRITTEN)}, got {text}")
    return suffix


def name_of_result(source: PurePosixPath, suffix: str | None) -> PurePosixPath:
    """Return the path of a result, relative to the folder of results.

    Parameters
    ----------
    source : PurePosixPath
        Path of the source, relative to the folder of sources.
    suffix : str, optional
        Suffix of all results. None keeps the source's suffix if such files can be written;
        otherwise, the result is an OME-Zarr.
    """
    if suffix is None:
        if source.name.lower().endswith(KEPT):
            return source
        suffix = OTHERWISE
    return source.with_name(f"{_stem(source.name)}{suffix}")


def _stem(name: str) -> str:
    double = next((end for end in _DOUBLE if name.lower().endswith(end)), "")
    stem = name[: -len(double)] if double else PurePosixPath(name).stem
    return stem or name


def check_distinct(results: Sequence[tuple[PurePosixPath, PurePosixPath]]) -> None:
    """Check that no two sources have the same result.

    Parameters
    ----------
    results : sequence of (source, result)
        Paths relative to the folders of sources and of results.

    Raises
    ------
    FileError
        If two sources have the same result; the message names them.
    """
    told = list(_shared(results))
    if told:
        more = f", and {len(told) - 1} more results have several sources" if told[1:] else ""
        raise FileError(f"{told[0]}{more}: choose another --to or --pattern")


def _shared(results: Sequence[tuple[PurePosixPath, PurePosixPath]]) -> Iterator[str]:
    sources: dict[PurePosixPath, list[str]] = {}
    for source, result in results:
        sources.setdefault(result, []).append(str(source))
    for result, names in sources.items():
        if len(names) > 1:
            yield f"{' and '.join(names)} would both become {result}"
