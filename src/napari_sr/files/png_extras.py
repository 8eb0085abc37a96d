"""The metadata of a PNG: density, colours, text chunks and EXIF."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_sr.files import exif
from napari_sr.files.extras import NO_EXTRAS, Extras, NamedBytes, keywords_of, lasting
from napari_sr.files.image import Density
from napari_sr.files.orientation import UPRIGHT, swaps_sides
from napari_sr.files.png_chunks import CRITICAL, TEXTS, Chunk, Header, expanded, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

COLOUR = (b"gAMA", b"cHRM", b"sRGB", b"cICP", b"mDCV", b"cLLI")
"""Chunks that define colours. They stay valid for the enlarged image."""
XMP = b"XML:com.adobe.xmp"
METRE = 1
"""The unit metre in the chunk pHYs. With unit 0, only the aspect ratio of pixels is known."""

_RAW_EXIF = ("Raw profile type exif", "Raw profile type APP1")
"""Keywords under which older programs store EXIF as hexadecimal text."""
_READ = (*CRITICAL, *COLOUR, *TEXTS, b"tRNS", b"pHYs", b"iCCP", b"eXIf", b"sBIT", b"acTL", b"fcTL")


@dataclass(frozen=True)
class Found:
    """The metadata of a file."""

    extras: Extras = NO_EXTRAS
    density: Density | None = None
    """Density of the stored pixels."""
    profile: bytes | None = None
    orientation: int = UPRIGHT
    notes: tuple[str, ...] = ()
    """Notes on what was converted or left out."""


def read(chunks: Sequence[Chunk], header: Header) -> Found:
    """Read the metadata from the chunks; leave damaged chunks out, with a note.

    Parameters
    ----------
    chunks : sequence of Chunk
        All chunks of the file.
    header : Header
        Content of the first chunk.
    """
    others = [chunk for chunk in chunks if chunk.name not in CRITICAL]
    broken = [chunk.name.decode() for chunk in others if not chunk.sound]
    known = {chunk.name: bytes(chunk.data) for chunk in others if chunk.sound}
    notes = [*_conversions(header, known, chunks), *_left_out(others, header, known)]
    texts = [(one.name, bytes(one.data)) for one in others if one.name in TEXTS and one.sound]
    colour = tuple((name, known[name]) for name in COLOUR if name in known)
    found = Found(Extras(colour=colour), _density(known.get(b"pHYs")))
    for part in (_with_profile, _with_xmp, _with_exif):
        found, texts = part(found, known, texts)
    kept = tuple(text for text in texts if keywords_of([text]) != ["Software"])
    if broken:
        notes.append(f"its damaged chunks are left out: {', '.join(broken)}")
    return replace(found, extras=replace(found.extras, texts=kept), notes=(*notes, *found.notes))


def _conversions(header: Header, known: dict[bytes, bytes], chunks: Sequence[Chunk]) -> list[str]:
    notes = []
    if header.kind == 3:
        notes.append("its palette was converted to RGB")
    elif header.depth < 8:
        notes.append(f"its {header.depth}-bit grey was converted to 8 bits")
    if b"tRNS" in known and header.kind != 3:
        notes.append("its transparent colour became alpha")
    if chunks[-1].name != b"IEND" or not chunks[-1].whole:
        notes.append("its end is missing, but its pixels are complete")
    return notes


def _left_out(others: Sequence[Chunk], header: Header, known: dict[bytes, bytes]) -> list[str]:
    """Return a note on the metadata that an enlarged image does not keep."""
    names = {chunk.name.decode("latin-1") for chunk in others if chunk.name not in _READ}
    # in spite of sBIT, samples use the whole depth: white is the largest value of the type
    if min(known.get(b"sBIT", b"\xff")) < min(header.depth, 8 if header.kind == 3 else 16):
        names.add("sBIT")
    return [f"its {', '.join(sorted(names))} cannot be kept"] if names else []


def _density(data: bytes | None) -> Density | None:
    if data is None or len(data) != 9:
        return None
    x, y, unit = struct.unpack(">IIB", data)
    if not min(x, y) or (unit != METRE and x == y):  # square pixels of unknown size
        return None
    return Density(float(x), float(y), "m" if unit == METRE else "")


def density_chunk(density: Density | None) -> bytes | None:
    """Return the data of pHYs, or None for an unknown density."""
    if density is None:
        return None
    pixels = (density.x, density.y) if density.unit == "" else density.per("m")
    if pixels is None or not min(pixels) > 0 or max(pixels) >= 2**31:
        return None
    unit = METRE if density.unit else 0
    return struct.pack(">IIB", *(max(round(value), 1) for value in pixels), unit)


Step = tuple[Found, list[NamedBytes]]


def _with_profile(found: Found, known: dict[bytes, bytes], texts: list[NamedBytes]) -> Step:
    if b"iCCP" not in known:
        return found, texts
    try:
        profile = expanded(known[b"iCCP"].partition(b"\0")[2][1:])
    except ValueError:
        return replace(found, notes=(*found.notes, "its damaged colour profile is left out")), texts
    return replace(found, profile=profile), texts


def _with_xmp(found: Found, known: dict[bytes, bytes], texts: list[NamedBytes]) -> Step:
    del known
    packets = [data for name, data in texts if name == b"iTXt" and data.startswith(XMP + b"\0")]
    if not packets:
        return found, texts
    rest = [(name, data) for name, data in texts if data not in packets]
    try:
        extras = replace(found.extras, xmp=lasting(text_of(packets[0])))
    except ValueError:
        return replace(found, notes=(*found.notes, "its damaged XMP is left out")), rest
    return replace(found, extras=extras), rest


def _with_exif(found: Found, known: dict[bytes, bytes], texts: list[NamedBytes]) -> Step:
    raw = [text for text in texts if keywords_of([text])[0] in _RAW_EXIF]
    rest = [text for text in texts if text not in raw]
    try:
        content = known[b"eXIf"] if b"eXIf" in known else _hexadecimal(raw[0]) if raw else None
        if content is None:
            return found, texts
        orientation = exif.orientation_of(exif.load(content))
        upright = exif.changed(content, swapped=swaps_sides(orientation))
        told = exif.density_of(exif.load(content))
    except exif.MALFORMED:
        return replace(found, notes=(*found.notes, "its damaged EXIF is left out")), rest
    density = found.density or (None if told is None else Density(*told))
    extras = replace(found.extras, exif=upright)
    return replace(found, extras=extras, orientation=orientation, density=density), rest


def _hexadecimal(text: NamedBytes) -> bytes:
    """Return the EXIF of a text chunk, which holds a name, a length and hexadecimal digits."""
    name, data = text
    _, _, content = data.partition(b"\0")
    lines = (expanded(content[1:]) if name == b"zTXt" else content).split(b"\n")
    content = bytes.fromhex(b"".join(lines[3:]).decode("ascii"))
    return content.removeprefix(exif.PREFIX)
