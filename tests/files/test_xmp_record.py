"""Records in XMP are added to the source's XMP."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from records import record_of, records

from napari_sr.files.xmp_record import (
    is_only_record,
    parsed,
    record_in,
    with_record,
    without_record,
)
from napari_sr.runs.record import for_file

FOREIGN = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><R:RDF xmlns:R="http://www.w3.org/1999/02/22-rdf-syntax-'
    b'ns#"><R:Description xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/png"/>'
    b'</R:RDF></x:xmpmeta><?xpacket end="w"?>'
)


@given(records())
def test_a_record_comes_back(record):
    found = for_file(record)

    xmp = with_record(None, found)

    assert record_in(xmp) == found
    assert is_only_record(xmp)
    xmp.decode("ascii" if b"\xef" not in xmp else "utf-8")


@pytest.mark.parametrize("rdf", [b"R", b"rdf"])
def test_what_the_source_says_is_kept(rdf):
    foreign = FOREIGN.replace(b"R:", rdf + b":").replace(b"xmlns:R", b"xmlns:" + rdf)

    xmp = with_record(foreign, {"a": "<&>\"'"})

    assert record_in(xmp) == {"a": "<&>\"'"}
    assert b'dc:format="image/png"' in xmp
    assert not is_only_record(xmp)
    assert without_record(xmp) == foreign
    ElementTree.fromstring(xmp)


def test_an_older_record_is_replaced():
    xmp = with_record(with_record(FOREIGN, {"a": 1}), {"a": 2})

    assert record_in(xmp) == {"a": 2}
    assert xmp.count(b"napari_sr:record>") == 2  # one element


@pytest.mark.parametrize("broken", [b"", b"no XML", b"<a/>", FOREIGN[:100]])
def test_broken_xmp_is_replaced(broken):
    assert record_in(broken) is None
    assert record_in(with_record(broken, for_file(record_of()))) == for_file(record_of())


def test_only_an_object_is_a_record():
    assert parsed('{"a": 1}') == {"a": 1}
    assert parsed("[1]") is None
    assert parsed("{") is None
