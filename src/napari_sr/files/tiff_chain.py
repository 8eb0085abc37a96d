"""Check the chain of a TIFF's pages for loops and for differing pages, before tifffile follows it.

tifffile would follow a loop of more than a hundred pages forever.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from napari_sr.files.orientation import TAG, UPRIGHT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MOST_TAGS = 4096
"""Largest number of tags of a page; scientific files have up to a hundred."""
STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""The first bytes of a TIFF, and of a BigTIFF."""
BY_PAGE = {262: "photometric interpretation", TAG: "orientation"}
"""Tags that must have the same value, one 16-bit number, in all pages of a stack."""

_SHORT = 3


@dataclass(frozen=True)
class Chain:
    """The pages of a TIFF in their order."""

    offsets: tuple[int, ...]
    """Position of each page in the file, in bytes."""
    values: tuple[tuple[int | None, ...], ...]
    """Values of the tags `BY_PAGE` for each page; None for a missing tag."""
    whole: bool
    """Whether the chain ends within the file."""

    def check_equal(self, offsets: Sequence[int]) -> None:
        """Check that pages agree in the tags `BY_PAGE`.

        Parameters
        ----------
        offsets : sequence of int
            Positions of the pages of one image in this file; pages in other files are not checked.

        Raises
        ------
        ValueError
            If pages differ; the message names the tag and its values.
        """
        known = dict(zip(self.offsets, self.values, strict=True))
        found = [known[offset] for offset in offsets if offset in known]
        for name, values in zip(BY_PAGE.values(), zip(*found, strict=True), strict=False):
            usual = UPRIGHT if name == "orientation" else None
            first = usual if values[0] is None else values[0]
            # some writers tag only the first page of a stack
            different = {first, *(first if value is None else value for value in values[1:])}
            if len(different) > 1:
                told = ", ".join(sorted(map(str, different))[:4])
                raise ValueError(
                    f"its pages differ in {name} ({told}): save each as a separate file"
                )


@dataclass(frozen=True)
class _Form:
    """Sizes and byte order of a TIFF's numbers; classic TIFF and BigTIFF differ in size."""

    order: str
    count: str
    offset: str
    entry: int

    def number(self, letter: str, content: bytes) -> int:
        return int(struct.unpack(self.order + letter, content)[0])


def chain_of(path: Path) -> Chain:
    """Follow the chain of a TIFF's pages.

    Raises
    ------
    ValueError
        If the chain is a loop, or pages overlap.
    OSError, struct.error
        If the file cannot be read, or ends within its header.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        form = _form(file)
        width = struct.calcsize(form.order + form.offset)
        offset = form.number(form.offset, file.read(width))
        seen: dict[int, tuple[int | None, ...]] = {}
        whole, taken = True, 0
        while offset:
            if offset in seen:
                first = list(seen).index(offset)
                raise ValueError(
                    f"its {len(seen)} pages form a loop: the last one points back to page {first}"
                )
            page = _page(file, form, offset) if offset < size else None
            if page is None:
                whole = False
                break
            seen[offset], offset, length = page
            taken += length
            if taken > size:
                raise ValueError(f"its first {len(seen)} pages overlap in the file")
    return Chain(tuple(seen), tuple(seen.values()), whole)


def _form(file: BinaryIO) -> _Form:
    start = file.read(4)
    if start not in STARTS:
        raise ValueError(f"{file.name} is not a TIFF file: it begins with {start!r}")
    order = "<" if start[:2] == b"II" else ">"
    if start[2:] in (b"+\0", b"\0+"):
        file.seek(8)
        return _Form(order, "Q", "Q", 20)
    return _Form(order, "H", "I", 12)


def _page(
    file: BinaryIO, form: _Form, offset: int
) -> tuple[tuple[int | None, ...], int, int] | None:
    """Return a page's values, its length and the next page's position; None if the file ends."""
    file.seek(offset)
    width = struct.calcsize(form.order + form.count)
    head = file.read(width)
    count = form.number(form.count, head) if len(head) == width else MOST_TAGS + 1
    if count > MOST_TAGS:
        return None
    entries = file.read(count * form.entry)
    following = file.read(struct.calcsize(form.order + form.offset))
    if len(entries) < count * form.entry or len(following) < struct.calcsize(form.offset):
        return None
    length = len(head) + len(entries) + len(following)
    return _values(entries, form), form.number(form.offset, following), length


def _values(entries: bytes, form: _Form) -> tuple[int | None, ...]:
    found: dict[int, int] = {}
    for start in range(0, len(entries), form.entry):
        tag, kind = struct.unpack_from(form.order + "HH", entries, start)
        if tag in BY_PAGE and kind == _SHORT:
            at = start + form.entry - (4 if form.entry == 12 else 8)
            found[tag] = int(struct.unpack_from(form.order + "H", entries, at)[0])
    return tuple(found.get(tag) for tag in BY_PAGE)
