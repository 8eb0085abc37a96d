"""A record in XMP (ISO 16684-1), which TIFF, PNG and JPEG can hold."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

TAG = 700
"""The tag of XMP in a TIFF."""
ORIGIN = "result_origin"
"""Key in a record: positions of the first pixel by axis letter, in the units of the file,
because an OME-TIFF cannot store them elsewhere."""
SPACE = "https://github.com/napari-sr/napari-sr/record/"
"""Namespace of our property; there is no page at this address."""

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_START = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
_EMPTY = (
    f'{_START}<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}"></rdf:RDF>'
    '</x:xmpmeta><?xpacket end="w"?>'
)
_END = re.compile(rb"</[\w.-]+:RDF\s*>")
_OURS = re.compile(
    rb"<rdf:Description rdf:about=\"\" xmlns:napari_sr=\"[^\"]*\">.*?</rdf:Description>", re.DOTALL
)


def with_record(xmp: bytes | None, record: Mapping[str, Any]) -> bytes:
    """Add a record to XMP.

    Parameters
    ----------
    xmp : bytes, optional
        The XMP of the source, in UTF-8; an older record in it is replaced. By default, empty XMP.
    record : mapping
        The record, in types that JSON can hold.
    """
    text = escape(json.dumps(record))
    ours = (
        f'<rdf:Description rdf:about="" xmlns:napari_sr="{SPACE}"><napari_sr:record>{text}'
        "</napari_sr:record></rdf:Description>"
    ).encode("ascii")
    kept = _EMPTY.encode() if xmp is None or _END.search(xmp) is None else without_record(xmp)
    ends = list(_END.finditer(kept))[-1].start()
    named = f'xmlns:rdf="{_RDF}"'.encode()
    if named not in kept:  # the source's XMP uses another prefix for this namespace
        ours = ours.replace(b"<rdf:Description", b"<rdf:Description " + named, 1)
    return kept[:ends] + ours + kept[ends:]


def without_record(xmp: bytes) -> bytes:
    """Return XMP without our record."""
    return _OURS.sub(b"", xmp.replace(f' xmlns:rdf="{_RDF}" rdf:about'.encode(), b" rdf:about"))


def is_only_record(xmp: bytes) -> bool:
    """Return whether XMP holds nothing but our record."""
    return without_record(xmp).strip(b"\0 \r\n") == _EMPTY.encode()


def record_in(xmp: bytes) -> dict[str, Any] | None:
    """Return the record in XMP, or None if there is none."""
    try:
        root = ElementTree.fromstring(xmp.strip(b"\0 \r\n"))
    except ElementTree.ParseError:
        return None
    text = root.findtext(f".//{{{SPACE}}}record")
    return None if text is None else parsed(text)


def origins_in(xmp: object) -> dict[str, float]:
    """Return the positions of the first pixel that `files.save` writes, by axis letter."""
    found = (record_in(xmp) or {}).get(ORIGIN) if isinstance(xmp, bytes) else None
    pairs = found.items() if isinstance(found, dict) else ()
    return {letter: float(at) for letter, at in pairs if isinstance(at, int | float)}


def parsed(text: str) -> dict[str, Any] | None:
    """Parse a record in JSON; return None if the text is not a JSON object."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
