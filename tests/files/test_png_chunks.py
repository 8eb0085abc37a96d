"""A PNG is split into chunks, even damaged ones; chunks expand to a limited size."""

from __future__ import annotations

import struct
import zlib

import imagecodecs
import numpy as np
import pytest

from napari_sr.files import png_chunks
from napari_sr.files.png_chunks import (
    SIGNATURE,
    expanded,
    framed,
    header_of,
    joined,
    split,
    text_of,
)

PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)
PNG = imagecodecs.png_encode(PIXELS)


def test_chunks_are_found_up_to_the_end():
    chunks = split(PNG + b"and more")

    assert [chunk.name for chunk in chunks][:: len(chunks) - 1] == [b"IHDR", b"IEND"]
    assert all(chunk.sound for chunk in chunks)
    assert joined(chunks) == PNG


def test_a_wrong_checksum_and_a_missing_end_are_seen():
    wrong = SIGNATURE + framed(b"tEXt", b"a\0b")[:-1] + b"?" + framed(b"tEXt", b"long")[:-5]

    first, last = split(wrong)

    assert (first.whole, first.sound) == (True, False)
    assert (last.whole, last.sound) == (False, False)
    assert bytes(last.data) == b"lon"


def test_what_is_cut_off_is_closed_again():
    np.testing.assert_array_equal(
        imagecodecs.png_decode(joined(split(PNG[: PNG.index(b"IEND") - 6]))), PIXELS
    )


def test_the_header_says_what_is_stored():
    header = header_of(split(PNG))

    assert header[:4] == (4, 3, 8, 0)
    assert (header.samples, header.stored, header.decoded) == (1, 3 * (1 + 4), 3 * 4 * 2)


@pytest.mark.parametrize(
    ("told", "what"),
    [
        ((0, 3, 8, 0, 0, 0, 0), "0 x 3 px"),
        ((4, 3, 3, 0, 0, 0, 0), "3 bits"),
        ((4, 3, 4, 2, 0, 0, 0), "4 bits, colour type 2"),
        ((4, 3, 8, 5, 0, 0, 0), "colour type 5"),
        ((4, 3, 8, 0, 0, 0, 2), r"methods \[0, 0, 2\]"),
    ],
)
def test_a_header_of_no_png_is_refused(told, what):
    chunks = split(SIGNATURE + framed(b"IHDR", struct.pack(">IIBBBBB", *told)))

    with pytest.raises(ValueError, match=what):
        header_of(chunks)


def test_what_expands_has_a_bound(monkeypatch):
    monkeypatch.setattr(png_chunks, "LARGEST", 1000)

    assert expanded(zlib.compress(bytes(1000))) == bytes(1000)
    with pytest.raises(ValueError, match="is cut off, or unpacks to more than 1000 bytes"):
        expanded(zlib.compress(bytes(1001)))
    with pytest.raises(ValueError, match="Error"):
        expanded(b"nonsense")


def test_a_text_may_be_compressed():
    assert text_of(b"Author\0\0\0de\0Autor\0me") == b"me"
    assert text_of(b"Author\0\1\0de\0Autor\0" + zlib.compress(b"me")) == b"me"
    with pytest.raises(ValueError, match="an iTXt chunk needs a keyword"):
        text_of(b"Author\0")
