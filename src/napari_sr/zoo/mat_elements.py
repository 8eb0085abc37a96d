"""The elements of a MATLAB file, unpacked and checked before scipy allocates what they tell.

A file of version 5 is a header of 128 bytes and elements: a type, a size, and content. An array's
content is elements again: its class, its axes, its name, and values; of cells and records, arrays.
https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf
"""

from __future__ import annotations

import math
import struct
import zlib
from typing import NamedTuple

from napari_sr.zoo.limits import RefusedError, bytes_allowed, check_unpacked

HEADER = 128
DEEPEST = 16
"""How deep cells and records may lie in one another."""
MOST_ELEMENTS = 200_000
_ARRAY, _COMPRESSED = 14, 15
_CELL, _RECORD, _OBJECT, _FUNCTION, _OPAQUE = 1, 2, 3, 16, 17


class _Element(NamedTuple):
    kind: int
    start: int
    end: int
    next: int
    """Where the following element begins."""


def unpacked(data: bytes) -> bytes:
    """Return a file without compression, whose sizes are all within it.

    Functions and objects of MATLAB's own are left out.

    Parameters
    ----------
    data : bytes
        The whole file.

    Raises
    ------
    RefusedError
        If it unpacks to more than it may, or has too many elements.
    ValueError, struct.error, zlib.error
        If it is damaged.
    """
    order = {b"IM": "<", b"MI": ">"}.get(data[126:HEADER])
    if order is None:
        raise ValueError(f"its byte order is told as {data[126:HEADER]!r}")
    allowed, total, parts = bytes_allowed(len(data)), 0, [data[:HEADER]]
    checks = _Checks(order, len(data))
    start = HEADER
    while start < len(data):
        element = _element(data, start, len(data), order)
        start = element.end if element.kind == _COMPRESSED else element.next
        if element.kind == _COMPRESSED:
            packed = data[element.start : element.end]
            part = zlib.decompressobj().decompress(packed, allowed - total + 1)
        else:
            # the tag may be short, and its content padded
            part = data[element.start - 8 : element.next]
        total += len(part)
        check_unpacked(total, len(data))
        if checks.array(part, _element(part, 0, len(part), order)):
            parts.append(part.ljust(-(-len(part) // 8) * 8, b"\0"))
    return b"".join(parts)


class _Checks:
    """Counts elements and numbers, and holds each to the limits."""

    def __init__(self, order: str, file_bytes: int) -> None:
        self._order, self._file_bytes = order, file_bytes
        self._elements = self._numbers = 0
        self._names: set[bytes] = set()

    def array(self, data: bytes, element: _Element, depth: int = 0) -> bool:
        """Check an array; return whether it is of a class that holds weights."""
        self._count()
        if element.kind != _ARRAY:
            raise ValueError(f"an element is of type {element.kind}, not an array")
        if depth > DEEPEST:
            raise RefusedError(f"is no checkpoint: its cells are nested deeper than {DEEPEST}")
        if element.start == element.end and depth:
            return True
        flags = _element(data, element.start, element.end, self._order)
        kind = struct.unpack_from(f"{self._order}I", data, flags.start)[0] & 255
        if kind == _OPAQUE:  # it has no axes
            self._children(data, flags.next, element.end, depth)
            return False
        axes = _element(data, flags.next, element.end, self._order)
        count = math.prod(_axes(data, axes, self._order))
        name = _element(data, axes.next, element.end, self._order)
        self._numbers += count
        check_unpacked(8 * self._numbers, self._file_bytes)
        if kind in (_CELL, _RECORD, _OBJECT):
            self._check_cells(data, (kind, count, name.next, element.end))
        self._children(data, name.next, element.end, depth)
        return kind != _FUNCTION and (depth > 0 or self._is_new(data[name.start : name.end]))

    def _is_new(self, name: bytes) -> bool:
        """Refuse a variable that is there twice; leave out one without a name."""
        if name in self._names:
            raise RefusedError(
                f"is no checkpoint: it holds the variable {name.decode('latin1')!r} twice"
            )
        self._names.add(name)
        return bool(name)

    def _check_cells(self, data: bytes, array: tuple[int, int, int, int]) -> None:
        """Refuse more cells, or fields of records, than there is room for."""
        kind, count, start, end = array
        if kind != _CELL:
            for _ in range(kind - 1):  # an object's class has a name, which comes first
                longest = _element(data, start, end, self._order)
                start = longest.next
            names = _element(data, start, end, self._order)
            (length,) = struct.unpack_from(f"{self._order}i", data, longest.start)
            count *= max(1, (names.end - names.start) // max(length, 1))
        if count > (end - start) // 8:
            raise ValueError(f"{count} cells are told of in {end - start} bytes")

    def _children(self, data: bytes, start: int, end: int, depth: int) -> None:
        while start < end:
            inner = _element(data, start, end, self._order)
            if inner.kind == _ARRAY:
                self.array(data, inner, depth + 1)
            else:
                self._count()
            start = inner.next

    def _count(self) -> None:
        self._elements += 1
        if self._elements > MOST_ELEMENTS:
            raise RefusedError(f"is no checkpoint: it holds more than {MOST_ELEMENTS:,} elements")


def _axes(data: bytes, element: _Element, order: str) -> tuple[int, ...]:
    count = (element.end - element.start) // 4
    if not 2 <= count <= 32:
        raise ValueError(f"an array has {count} axes")
    axes: tuple[int, ...] = struct.unpack_from(f"{order}{count}i", data, element.start)
    if min(axes) < 0:
        raise ValueError(f"an array has the axes {axes}")
    return axes


def _element(data: bytes, start: int, end: int, order: str) -> _Element:
    """Return the element that begins somewhere, which must lie before an end."""
    kind, size = struct.unpack_from(f"{order}II", data, start)
    first = start + 8
    if kind >> 16:  # a short one, whose content is in its tag
        kind, size, first = kind & 0xFFFF, kind >> 16, start + 4
    last = first + size
    following = start + 8 if first < start + 8 else first + -(-size // 8) * 8
    if last > end or last > len(data) or (first == start + 4 and size > 4):
        raise ValueError(f"an element of {size} bytes is cut off")
    return _Element(kind, first, last, min(following, end))
