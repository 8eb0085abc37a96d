"""Mutations for fuzz.py: random damage to any file, and wrong values in files of known formats."""

from __future__ import annotations

import io
import json
import re
import struct
import warnings
import zipfile
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, (1 << 63) - 1)
DIGITS = (b"0", b"-1", b"99999999", b"4294967295", b"1e400", b"9" * 30, b"true", b"nan", b'"2"')
LARGEST = 1 << 18
"""Largest number of bytes of a mutated file."""
_NUMBER = re.compile(rb"\d+")


def mutated(data: bytes, kind: str, rng: random.Random) -> bytes:
    """Return a slightly or severely damaged file."""
    structured = _STRUCTURES.get(kind)
    if structured is not None and rng.random() < 0.6:
        try:
            data = structured(data, rng)
        except (ValueError, KeyError, IndexError, struct.error, zlib.error, zipfile.BadZipFile):
            data = damaged(data, rng)
    else:
        data = damaged(data, rng)
    return data[:LARGEST]


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Return content with one to four mutations at random places."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        data = rng.choice(_BLIND)(bytearray(data or b"\0"), rng)
    return data


def _place(data: bytearray, rng: random.Random) -> int:
    # prefer the beginning and the end of a file, which describe its structure
    near = rng.choice((16, 64, 256, len(data)))
    at = rng.randrange(min(near, len(data)))
    return at if rng.random() < 0.7 else len(data) - 1 - at


def _flip(data: bytearray, rng: random.Random) -> bytes:
    for _ in range(rng.choice((1, 1, 2, 8, 32))):
        data[_place(data, rng)] ^= 1 << rng.randrange(8)
    return bytes(data)


def _cut(data: bytearray, rng: random.Random) -> bytes:
    at = _place(data, rng)
    return bytes(data[:at] if rng.random() < 0.5 else data[:at] + data[at + rng.randrange(64) :])


def _insert(data: bytearray, rng: random.Random) -> bytes:
    at, length = _place(data, rng), rng.choice((1, 4, 8, 300))
    new = rng.choice((bytes(length), b"\xff" * length, rng.randbytes(length), b"[" * length))
    return bytes(data[:at] + new + data[at:])


def _duplicate(data: bytearray, rng: random.Random) -> bytes:
    at, length = _place(data, rng), rng.choice((1, 12, 100, 1000))
    return bytes(data[:at] + data[at : at + length] * rng.choice((2, 2, 50)) + data[at:])


def _swap(data: bytearray, rng: random.Random) -> bytes:
    one, other = sorted((_place(data, rng), _place(data, rng)))
    length = rng.randrange(1, 64)
    first, second = data[one : one + length], data[other : other + length]
    return bytes(data[:one] + second + data[one + length : other] + first + data[other + length :])


def _extreme(data: bytearray, rng: random.Random) -> bytes:
    at, width = _place(data, rng), rng.choice((1, 2, 4, 8))
    value = rng.choice(EXTREMES) & ((1 << 8 * width) - 1)
    data[at : at + width] = value.to_bytes(width, rng.choice(("little", "big")))
    return bytes(data)


def _digits(data: bytearray, rng: random.Random) -> bytes:
    found = list(_NUMBER.finditer(bytes(data)))
    if not found:
        return _extreme(data, rng)
    start, end = rng.choice(found).span()
    return bytes(data[:start] + rng.choice(DIGITS) + data[end:])


_BLIND = (_flip, _flip, _cut, _insert, _duplicate, _swap, _extreme, _extreme, _digits)


def _text(data: bytes, rng: random.Random) -> bytes:
    """Mutate one number, or any bytes."""
    return _digits(bytearray(data), rng) if rng.random() < 0.5 else damaged(data, rng)


def _zip(data: bytes, rng: random.Random) -> bytes:
    """Mutate one member of the archive, and give it the right checksum."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    # prefer the first member, which is the list of tensors or a header
    at = 0 if rng.random() < 0.6 else rng.randrange(len(members))
    way = rng.randrange(10)
    if way == 0:
        members.pop(at)
    elif way == 1:
        members.append((members[at][0], damaged(members[at][1], rng)))
    else:
        members[at] = members[at][0], damaged(members[at][1], rng)
    file = io.BytesIO()
    method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", method) as archive:
        warnings.simplefilter("ignore")  # two members may have the same name
        for name, content in members:
            # a ZipInfo has a fixed date, so all runs write the same bytes
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return file.getvalue()


def _png(data: bytes, rng: random.Random) -> bytes:
    """Mutate, drop or duplicate one chunk, and give it the right checksum."""
    chunks, at = [], 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    chosen, way = rng.randrange(len(chunks)), rng.randrange(6)
    name, content = chunks[chosen]
    if way == 0:
        chunks.pop(chosen)
    elif way == 1:
        chunks.insert(rng.randrange(len(chunks)), chunks[chosen])
    elif name == b"IDAT":
        chunks[chosen] = name, zlib.compress(damaged(zlib.decompress(content), rng))
    else:
        chunks[chosen] = name, damaged(content, rng)
    body = (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )
    return data[:8] + b"".join(body)


def _safetensors(data: bytes, rng: random.Random) -> bytes:
    """Mutate the header, and give it the right length."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = _text(data[8:end], rng)
    return len(header).to_bytes(8, "little") + header + data[end:]


def _card(data: bytes, rng: random.Random) -> bytes:
    """Mutate only the card."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    card = _text(header["__metadata__"]["card"].encode(), rng)
    header["__metadata__"]["card"] = card.decode("latin1")
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[end:]


def _mat(data: bytes, rng: random.Random) -> bytes:
    """Mutate one element, after decompression if it is compressed, and give it the right size."""
    elements, at = [], 128
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        elements.append((kind, data[at + 8 : at + 8 + size]))
        at += 8 + size
    chosen = rng.randrange(len(elements))
    kind, content = elements[chosen]
    if kind == 15:
        content = zlib.compress(damaged(zlib.decompress(content), rng))
    else:
        content = damaged(content, rng)
    elements[chosen] = kind, content
    return data[:128] + b"".join(struct.pack("<II", k, len(c)) + c for k, c in elements)


_STRUCTURES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "pth": _zip,
    "npz": _zip,
    "png": _png,
    "safetensors": _safetensors,
    "card": _card,
    "mat": _mat,
    "toml": _text,
}
