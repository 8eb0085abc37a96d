"""OME-TIFF in several files: all must be in one folder, and missing planes are left out.

Without these checks, tifffile opens every file that the metadata name, allocates memory for every
plane that they claim, and fills missing planes with zeros.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
import tifffile

from napari_sr.files.tiff_chain import chain_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

ALWAYS = 10_000
"""Number of planes that metadata may claim, however small the files are."""
LEAST = 32
"""Smallest number of bytes that a plane with its tags takes in a file."""


@dataclass(frozen=True)
class Parts:
    """The other files that an OME-TIFF's metadata name."""

    missing: tuple[str, ...]
    """Names of files that do not exist."""
    master: str | None = None
    """The file that holds the metadata of all parts, or None if this file holds them."""


def checked(xml: str, path: Path) -> Parts:
    """Check an OME-TIFF's metadata, before any file that they name is opened.

    Parameters
    ----------
    xml : str
        The file's OME-XML. If it is invalid, no other files are opened.
    path : Path
        The file.

    Raises
    ------
    ValueError
        If the metadata name a file outside the folder or a file that is not a TIFF, or claim more
        planes than the files can hold.
    """
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError:
        return Parts(())
    names = sorted(set(_names(root)))
    size, missing = path.stat().st_size, []
    for name in names:
        place = path.parent / name
        if not place.resolve().is_relative_to(path.parent.resolve()):
            raise ValueError(
                f"its OME metadata name the file {name!r}, which is outside its folder and is "
                "therefore not opened"
            )
        if place.is_file():
            chain_of(place)  # raises if pages form a loop
            size += place.stat().st_size
        elif place.exists() and not place.is_dir():
            raise ValueError(f"its OME metadata name {name!r}, which is not a regular file")
        else:
            missing.append(name)
    _check_claims(root, max(ALWAYS, size // LEAST), size)
    masters = [one.get("MetadataFile") for one in root if _tag(one) == "BinaryOnly"]
    return Parts(tuple(missing), masters[0] if masters else None)


def _names(root: ElementTree.Element) -> Iterator[str]:
    """Yield the names of the other files of the image."""
    own = root.get("UUID")
    for element in root.iter():
        if _tag(element) == "UUID" and (element.text != own or own is None):
            name = element.get("FileName")
            if name is not None:
                yield name


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _check_claims(root: ElementTree.Element, most: int, size: int) -> None:
    claimed = 0
    for element in root.iter():
        if _tag(element) == "Pixels":
            sizes = [_whole_number(element, f"Size{letter}") or 1 for letter in "ZCT"]
            if min(sizes) < 1:
                raise ValueError(
                    f"its OME metadata must give sizes Z, C, T of at least 1, got {sizes}"
                )
            claimed += math.prod(sizes)
        elif _tag(element) == "TiffData":
            count = _whole_number(element, "PlaneCount") or _whole_number(element, "NumPlanes")
            if count < 0:
                raise ValueError(
                    f"its OME metadata must give a number of planes of at least 0, got {count}"
                )
            claimed = max(claimed, count)
        if claimed > most:
            raise ValueError(
                f"its OME metadata claim {claimed} planes, more than its files of {size} bytes "
                "can hold"
            )


def _whole_number(element: ElementTree.Element, name: str) -> int:
    """Return the number in an attribute, or 0 without the attribute."""
    text = element.get(name, "0")
    try:
        return int(text)
    except ValueError:
        raise ValueError(
            f"its OME metadata must give {name} as a whole number, got {text[:20]!r}"
        ) from None


def present(
    series: tifffile.TiffPageSeries, parts: Parts
) -> tuple[tifffile.TiffPageSeries, Mapping[str, tuple[int, ...]], tuple[str, ...]]:
    """Return the planes that exist, as a series without gaps.

    Parameters
    ----------
    series : tifffile.TiffPageSeries
        The image, with None for every missing plane.
    parts : Parts
        Missing files.

    Returns
    -------
    series, kept, notes
        The series; the indices that remain, for each axis that lost planes; notes for the user.

    Raises
    ------
    ValueError
        If the existing planes do not form a stack; the message names the missing planes.
    """
    pages = np.array([*series, None], dtype=object)[:-1]
    if all(page is not None for page in pages):
        return series, {}, _named(parts)
    full, axes = _unsqueezed(series)
    loops = len(full) - 1
    while loops and math.prod(full[:loops]) > len(pages):
        loops -= 1
    if math.prod(full[:loops]) != len(pages):
        raise ValueError(f"some of its planes of shape {full}, in {len(pages)} pages, are missing")
    there = np.array([page is not None for page in pages]).reshape(full[:loops])
    kept = _whole_block(there)
    left = pages.reshape(full[:loops])[np.ix_(*kept)]
    shape = (*left.shape, *full[loops:])
    lost = {
        axes[axis]: tuple(map(int, kept[axis]))
        for axis in range(loops)
        if len(kept[axis]) < full[axis]
    }
    long = [at for at, letter in enumerate(axes) if shape[at] > 1 or letter in "YX"]
    shape, axes = tuple(shape[at] for at in long), "".join(axes[at] for at in long)
    chosen = tifffile.TiffPageSeries(
        list(left.ravel()), shape, series.dtype, axes, parent=series.parent, name=series.name,
        kind="ome", multifile=series.is_multifile,
    )  # fmt: skip
    return chosen, lost, (*_named(parts), _missing(there, left.size, lost))


def _unsqueezed(series: Any) -> tuple[tuple[int, ...], str]:
    """Return shape and axes of a file's first series, with the axes of length 1."""
    if hasattr(series, "get_shape"):  # before tifffile 2026.11
        return series.get_shape(squeeze=False), series.get_axes(squeeze=False)
    whole = series.parent.series(squeeze=False)[0]
    return whole.shape, whole.axes


def _missing(there: NDArray[np.bool_], read: int, lost: Mapping[str, tuple[int, ...]]) -> str:
    """Describe which planes are missing, and how many existing ones are left out."""
    which = " and ".join(f"{letter} {_spans(indices)}" for letter, indices in lost.items())
    present = int(there.sum())
    more = f", and {present - read} others are left out with them" if present > read else ""
    missing = there.size - present
    return f"{missing} of its {there.size} planes are missing{more}; those at {which} are read"


def _named(parts: Parts) -> tuple[str, ...]:
    if parts.missing:
        names = ", ".join(parts.missing[:3]) + ", ..." * (len(parts.missing) > 3)
        return (f"another file of this image is missing: {names}",)
    return ()


def _whole_block(there: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Return the indices to keep along each axis, so that all planes at these indices exist.

    First, indices at which no plane exists are dropped. If planes are still missing, the indices
    with missing planes are dropped along one axis, chosen so that most planes remain.
    """
    kept = [
        np.flatnonzero(there.any(axis=tuple(set(range(there.ndim)) - {axis})))
        for axis in range(there.ndim)
    ]
    block = there[np.ix_(*kept)]
    if block.all():
        return kept
    choices = []
    for axis in range(block.ndim):
        whole = block.all(axis=tuple(set(range(block.ndim)) - {axis}))
        choices.append((int(whole.sum()) * block.size // block.shape[axis], axis, whole))
    count, axis, whole = max(choices, key=lambda choice: choice[:2])
    if not count:
        raise ValueError(f"{int((~there).sum())} of its {there.size} planes are missing")
    kept[axis] = kept[axis][whole]
    return kept


def _spans(indices: tuple[int, ...]) -> str:
    """Return a list of numbers as text, such as "0 to 4, 7"."""
    breaks = [0, *(i + 1 for i, (a, b) in enumerate(pairwise(indices)) if b != a + 1), len(indices)]
    runs = [indices[start:stop] for start, stop in pairwise(breaks)]
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)
