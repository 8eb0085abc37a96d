"""Split a PNG into chunks: each has a length, a name of four letters, data and a checksum.

The specification is https://www.w3.org/TR/png-3/. Chunks whose name begins with a capital letter
are critical: pixels cannot be decoded without them.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
TEXTS = (b"tEXt", b"zTXt", b"iTXt")
LARGEST = 2**26
"""Largest size in bytes to which a chunk may expand; real profiles and texts are far smaller."""


class Chunk(NamedTuple):
    """A chunk of a file."""

    name: bytes
    data: memoryview
    framed: memoryview
    """The whole chunk as stored."""
    whole: bool
    """Whether the chunk is complete."""

    @property
    def sound(self) -> bool:
        """Whether the checksum is correct."""
        stored = self.framed[-4:]
        return self.whole and zlib.crc32(self.framed[4:-4]) == int.from_bytes(stored, "big")


class Header(NamedTuple):
    """The content of the chunk IHDR."""

    width: int
    height: int
    depth: int
    """Bits per sample: 1, 2, 4, 8 or 16."""
    kind: int
    """0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA."""
    interlaced: bool

    @property
    def samples(self) -> int:
        """Stored samples per pixel."""
        return {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[self.kind]

    @property
    def stored(self) -> int:
        """Smallest possible size of the uncompressed rows in bytes."""
        return self.height * (1 + -(-self.width * self.samples * self.depth // 8))

    @property
    def decoded(self) -> int:
        """Bytes of the decoded pixels, with alpha if a palette or transparent colour may add it."""
        samples = {0: 2, 2: 4, 3: 4, 4: 2, 6: 4}[self.kind]
        return self.width * self.height * samples * max(self.depth // 8, 1)


def split(content: bytes) -> list[Chunk]:
    """Return the chunks of a PNG up to its end; the last one may be incomplete.

    Parameters
    ----------
    content : bytes
        The file, with PNG's signature.
    """
    view, at, chunks = memoryview(content), len(SIGNATURE), []
    while at + 8 <= len(view):
        length, name = int.from_bytes(view[at : at + 4], "big"), bytes(view[at + 4 : at + 8])
        if not name.isalpha():
            break
        end = at + 12 + length
        data = view[at + 8 : at + 8 + length]
        chunks.append(Chunk(name, data, view[at:end], end <= len(view)))
        if name == b"IEND":
            break
        at = end
    return chunks


def header_of(chunks: list[Chunk]) -> Header:
    """Return the header, which is the first chunk.

    Raises
    ------
    ValueError
        If the first chunk is not a valid PNG header.
    """
    if not chunks or chunks[0].name != b"IHDR" or len(chunks[0].data) != 13:
        first = f"{chunks[0].name!r} of {len(chunks[0].data)} bytes" if chunks else "no chunk"
        raise ValueError(f"its first chunk must be a header (IHDR) of 13 bytes, got {first}")
    width, height, depth, kind, *methods = struct.unpack(">IIBBBBB", chunks[0].data)
    depths = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
    if not width or not height or depth not in depths.get(kind, ()) or methods[2] > 1:
        raise ValueError(
            "its header must give a size, bit depth, colour type and methods that PNG allows, got "
            f"{width} x {height} px, {depth} bits, colour type {kind}, methods {methods}"
        )
    return Header(width, height, depth, kind, bool(methods[2]))


def joined(chunks: Iterable[Chunk]) -> bytes:
    """Join chunks to a PNG; complete a truncated last chunk, and add the end chunk."""
    parts: list[bytes | memoryview] = [SIGNATURE]
    for chunk in chunks:
        if chunk.name != b"IEND":
            parts.append(chunk.framed if chunk.whole else framed(chunk.name, bytes(chunk.data)))
    return b"".join([*parts, framed(b"IEND", b"")])


def framed(name: bytes, data: bytes) -> bytes:
    """Return the bytes of a chunk."""
    checksum = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)


def expanded(compressed: bytes) -> bytes:
    """Expand a compressed profile or text.

    Raises
    ------
    ValueError
        If the data are damaged, or expand to more than `LARGEST` bytes.
    """
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(compressed, LARGEST)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not stream.eof:
        raise ValueError(
            f"its compressed text or profile is cut off, or unpacks to more than {LARGEST} bytes"
        )
    return content


def text_of(data: bytes) -> bytes:
    """Return the text of an iTXt chunk, in UTF-8.

    Raises
    ------
    ValueError
        If the chunk is damaged.
    """
    _, _, rest = data.partition(b"\0")
    fields = rest[2:].split(b"\0", 2)
    if len(rest) < 2 or len(fields) != 3:
        raise ValueError(
            "an iTXt chunk needs a keyword, two flags, a language, a translated keyword and a "
            f"text, got {data[:40]!r}"
        )
    return expanded(fields[2]) if rest[0] else fields[2]
