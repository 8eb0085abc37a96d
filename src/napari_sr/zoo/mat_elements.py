"""Unpack and check the elements of a MATLAB file before scipy allocates memory for them.

A file of version 5 consists of a header of 128 bytes, and elements. An element has a type, a size
and content. The content of an array again consists of elements: class, axes, name, and then values
or, in cells and records, arrays.
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
"""Largest depth of nested cells and records."""
MOST_ELEMENTS = 200_000
_INT32, _UINT32, _ARRAY, _COMPRESSED = 5, 6, 14, 15
_TEXTS: tuple[int, ...] = (1, 16, 17, 18)
_NUMERIC: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 9, 12, 13)
"""Types of elements."""
_OBJECT, _SPARSE, _FUNCTION, _OPAQUE = 3, 5, 16, 17
"""Classes of arrays."""
_COMPLEX = 0x800
"""The flag of complex arrays, which have two parts."""


class _Element(NamedTuple):
    kind: int
    start: int
    end: int
    next: int
    """The start of the next element."""


def unpacked(data: bytes) -> bytes:
    """Return a decompressed file, after checking that no element extends beyond the file's end.

    Sparse matrices, functions and MATLAB objects are left out. Types and numbers of parts are
    checked here, because scipy does not check them, and crashes the process if they are wrong.

    Parameters
    ----------
    data : bytes
        The whole file.

    Raises
    ------
    RefusedError
        If the file is too large when unpacked, or has too many elements.
    ValueError, struct.error, zlib.error
        If the file is damaged.
    """
    order = {b"IM": "<", b"MI": ">"}.get(data[126:HEADER])
    if order is None:
        raise ValueError(f"its byte order must be b'IM' or b'MI', got {data[126:HEADER]!r}")
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
            # the element's tag may be short, and its content padded
            part = data[element.start - 8 : element.next]
        total += len(part)
        check_unpacked(total, len(data))
        if checks.array(part, _element(part, 0, len(part), order)):
            parts.append(part.ljust(-(-len(part) // 8) * 8, b"\0"))
    return b"".join(parts)


class _Array(NamedTuple):
    word: int
    """The array's class and flags."""
    entries: int
    """Number of values, or of records."""
    start: int
    end: int
    """Start and end of the array's content in the file."""


class _Checks:
    """Counts elements and numbers, and enforces the limits."""

    def __init__(self, order: str, file_bytes: int) -> None:
        self._order, self._file_bytes = order, file_bytes
        self._elements = self._numbers = 0
        self._names: set[bytes] = set()

    def array(self, data: bytes, element: _Element, depth: int = 0) -> bool:
        """Check an array; return whether its class can hold weights."""
        self._count()
        if element.kind != _ARRAY:
            raise ValueError(f"an element is of type {element.kind}, not an array")
        if depth > DEEPEST:
            raise RefusedError(f"is not a checkpoint: its cells are nested deeper than {DEEPEST}")
        if element.start == element.end and depth:
            return True
        flags = self._part(data, element.start, element.end, (_UINT32,))
        word = struct.unpack_from(f"{self._order}I", data, flags.start)[0]
        if word & 255 == _OPAQUE:  # an opaque object has no axes, but three texts and an array
            self._children(data, flags.next, element.end, depth)
            return False
        axes = self._part(data, flags.next, element.end, (_INT32,))
        count = math.prod(_axes(data, axes, self._order))
        self._numbers += count
        check_unpacked(8 * self._numbers, self._file_bytes)
        name = self._part(data, axes.next, element.end, _TEXTS)
        self._content(data, _Array(word, count, name.next, element.end), depth)
        weights = word & 255 not in (_FUNCTION, _SPARSE)
        return weights and (depth > 0 or self._is_new(data[name.start : name.end]))

    def _content(self, data: bytes, array: _Array, depth: int) -> None:
        """Check that an array has the number and types of parts that its class requires."""
        start, parts, kinds = array.start, 1 + bool(array.word & _COMPLEX), _NUMERIC
        match array.word & 255:
            case 1:  # cells
                parts, kinds = array.entries, (_ARRAY,)
            case 2 | 3:  # records, objects
                parts, start = self._fields(data, array)
                kinds = (_ARRAY,)
            case 4:
                parts, kinds = 1, (*_NUMERIC, *_TEXTS)
            case 5:  # a sparse matrix has indices of rows and columns besides values
                parts += 2
            case 16:
                parts, kinds = 1, (_ARRAY,)
            case kind if not 6 <= kind < 16:
                raise ValueError(f"an array has the class {kind}, which MATLAB does not define")
        if parts > (array.end - start) // 8:
            raise ValueError(f"{parts} parts do not fit into {array.end - start} bytes")
        found = self._children(data, start, array.end, depth)
        if len(found) != parts or not set(found) <= set(kinds):
            raise ValueError(f"an array of class {array.word & 255} has parts of types {found[:4]}")

    def _fields(self, data: bytes, array: _Array) -> tuple[int, int]:
        """Return the number of arrays in records, and their start."""
        start = array.start
        if array.word & 255 == _OBJECT:  # the name of its class comes first
            start = self._part(data, start, array.end, _TEXTS).next
        longest = self._part(data, start, array.end, (_INT32,))
        names = self._part(data, longest.next, array.end, _TEXTS)
        (length,) = struct.unpack_from(f"{self._order}i", data, longest.start)
        if length < 1:
            raise ValueError(f"field names must have at least 1 letter, got {length}")
        return array.entries * ((names.end - names.start) // length), names.next

    def _part(self, data: bytes, start: int, end: int, kinds: tuple[int, ...]) -> _Element:
        """Return an element after checking that its type is one of `kinds`."""
        self._count()
        element = _element(data, start, end, self._order)
        if element.kind not in kinds:
            raise ValueError(f"an element is of type {element.kind}, not {kinds}")
        if kinds == (_UINT32,) and element.end - element.start != 8:
            raise ValueError(
                f"the flags of an array need 8 bytes, got {element.end - element.start}"
            )
        return element

    def _is_new(self, name: bytes) -> bool:
        """Raise an error for a repeated variable; return False for a variable without a name."""
        if name in self._names:
            raise RefusedError(
                f"is not a checkpoint: it contains the variable {name.decode('latin1')!r} twice"
            )
        self._names.add(name)
        return bool(name)

    def _children(self, data: bytes, start: int, end: int, depth: int) -> list[int]:
        """Check all elements within one; return their types."""
        found = []
        while start < end:
            inner = _element(data, start, end, self._order)
            if inner.kind == _ARRAY:
                self.array(data, inner, depth + 1)
            elif inner.kind not in (*_NUMERIC, *_TEXTS):  # scipy does not know other types
                raise ValueError(f"an element has the type {inner.kind}, which is not supported")
            else:
                self._count()
            found.append(inner.kind)
            start = inner.next
        return found

    def _count(self) -> None:
        self._elements += 1
        if self._elements > MOST_ELEMENTS:
            raise RefusedError(
                f"is not a checkpoint: it contains more than {MOST_ELEMENTS:,} elements"
            )


def _axes(data: bytes, element: _Element, order: str) -> tuple[int, ...]:
    count = (element.end - element.start) // 4
    if not 2 <= count <= 32:
        raise ValueError(f"an array must have 2 to 32 axes, got {count}")
    axes: tuple[int, ...] = struct.unpack_from(f"{order}{count}i", data, element.start)
    if min(axes) < 0:
        raise ValueError(f"lengths of axes must not be negative, got {axes}")
    return axes


def _element(data: bytes, start: int, end: int, order: str) -> _Element:
    """Return the element at `start` after checking that it ends before `end`."""
    kind, size = struct.unpack_from(f"{order}II", data, start)
    first = start + 8
    if kind >> 16:  # a short element has its content in its tag
        kind, size, first = kind & 0xFFFF, kind >> 16, start + 4
    last = first + size
    following = start + 8 if first < start + 8 else first + -(-size // 8) * 8
    if last > end or last > len(data) or (first == start + 4 and size > 4):
        raise ValueError(f"an element of {size} bytes is cut off")
    return _Element(kind, first, last, min(following, end))
