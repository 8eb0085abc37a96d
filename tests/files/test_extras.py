"""Metadata are valid for the enlarged image; metadata that are lost are named."""

from __future__ import annotations

import pytest
from PIL import Image

from napari_sr.files import exif
from napari_sr.files.extras import NO_EXTRAS, Extras, keywords_of, lasting


def test_exif_grows_with_the_image_and_the_rest_stays():
    built = Image.Exif()
    built[0x0100] = 7
    extras = Extras(((b"gAMA", b"...."),), ((b"tEXt", b"Author\0me"),), built.tobytes(), b"<x/>")

    larger = extras.enlarged(2)

    assert exif.load(larger.exif)[0x0100] == 14
    assert (larger.colour, larger.texts, larger.xmp) == (extras.colour, extras.texts, extras.xmp)
    assert NO_EXTRAS.enlarged(2) == NO_EXTRAS


def test_what_there_is_has_names():
    texts = ((b"tEXt", b"Author\0me"), (b"zTXt", b"Comment\0\0..."))

    assert keywords_of(texts) == ["Author", "Comment"]
    assert Extras(((b"gAMA", b"...."),), texts, b"", b"").names() == [
        "gAMA", "text 'Author'", "text 'Comment'", "EXIF", "XMP",
    ]  # fmt: skip
    assert NO_EXTRAS.names() == []


@pytest.mark.parametrize(
    ("xmp", "expected"),
    [
        (b'<a tiff:Orientation="6" dc:x="1"/>', b'<a dc:x="1"/>'),
        (b"<a exif:PixelXDimension = '7'/>", b"<a/>"),
        (b"<tiff:XResolution>72/1</tiff:XResolution><dc:x>1</dc:x>", b"<dc:x>1</dc:x>"),
        (b"<dc:x>tiff:Orientation</dc:x>", b"<dc:x>tiff:Orientation</dc:x>"),
    ],
)
def test_xmp_says_nothing_of_a_size_that_changes(xmp, expected):
    assert lasting(xmp) == expected
