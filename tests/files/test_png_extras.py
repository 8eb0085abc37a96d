"""A PNG's colours, texts, density and EXIF are kept; notes say what is left out."""

from __future__ import annotations

import struct
import zlib

import pytest
from PIL import Image

from napari_sr.files import exif, png_extras
from napari_sr.files.image import Density
from napari_sr.files.png_chunks import SIGNATURE, Header, framed, split

GREY = Header(4, 3, 16, 0, interlaced=False)
CHROMATICITIES = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)


def read(*chunks, header=GREY):
    content = b"".join(framed(*chunk) for chunk in (*chunks, (b"IDAT", b""), (b"IEND", b"")))
    return png_extras.read(split(SIGNATURE + content), header)


def rotated(orientation=6):
    built = Image.Exif()
    built[0x0112], built[0x010F] = orientation, "Camera"
    return built.tobytes().removeprefix(exif.PREFIX)


def test_what_colours_mean_is_kept():
    chunks = (
        (b"gAMA", struct.pack(">I", 100_000)), (b"cHRM", CHROMATICITIES), (b"sRGB", b"\0"),
        (b"cICP", b"\t\x10\0\1"), (b"mDCV", bytes(24)), (b"cLLI", bytes(8)),
    )  # fmt: skip

    found = read(*chunks)

    assert found.extras.colour == chunks
    assert found.notes == ()


def test_texts_are_kept_but_who_wrote_it():
    author, note = (b"tEXt", b"Author\0me"), (b"zTXt", b"Note\0\0" + zlib.compress(b"x"))

    found = read(author, (b"tEXt", b"Software\0them"), note)

    assert found.extras.texts == (author, note)
    assert found.notes == ()


def test_xmp_is_kept_without_its_orientation():
    packet = b'XML:com.adobe.xmp\0\0\0\0\0<a tiff:Orientation="6"/>'

    found = read((b"iTXt", packet))

    assert found.extras.xmp == b"<a/>"
    assert found.extras.texts == ()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (struct.pack(">IIB", 3000, 2000, 1), Density(3000, 2000, "m")),
        (struct.pack(">IIB", 3, 2, 0), Density(3, 2, "")),
        (struct.pack(">IIB", 2, 2, 0), None),
        (struct.pack(">IIB", 0, 2, 1), None),
        (b"short", None),
    ],
)
def test_density_is_per_metre_or_an_aspect(data, expected):
    assert read((b"pHYs", data)).density == expected
    if expected is not None:
        assert png_extras.density_chunk(expected) == data


@pytest.mark.parametrize(
    "density", [None, Density(3, 3, "spots"), Density(-1, 1, "cm"), Density(3, 3, "nm")]
)
def test_a_density_that_pHYs_cannot_tell_has_no_chunk(density):  # noqa: N802  # its name
    assert png_extras.density_chunk(density) is None


@pytest.mark.parametrize("old", [False, True])
def test_orientation_is_found_and_reset(old):
    digits = rotated().hex()
    raw = f"\nexif\n{len(digits) // 2:8}\n{digits}\n".encode()
    chunk = (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw))

    found = read(chunk if old else (b"eXIf", rotated()))

    assert found.orientation == 6
    assert found.extras.texts == ()
    kept = exif.load(found.extras.exif)
    assert (kept[0x010F], kept[0x0112]) == ("Camera", 1)


def test_what_cannot_be_kept_is_named():
    found = read((b"tIME", bytes(7)), (b"sCAL", b"\0011\0001"), (b"bKGD", b"\0\0"))

    assert found.notes == ("its bKGD, sCAL, tIME cannot be kept",)


@pytest.mark.parametrize(("bits", "kept"), [(12, False), (16, True)])
def test_significant_bits_of_the_source_are_told_where_they_are_fewer(bits, kept):
    found = read((b"sBIT", bytes([bits])))

    assert found.notes == (() if kept else ("its sBIT cannot be kept",))


def test_what_is_damaged_is_left_out_and_named():
    wrong = framed(b"gAMA", b"....")[:-1] + b"?"
    good = (b"iCCP", b"x\0\0nonsense"), (b"eXIf", b"nonsense"), (b"IDAT", b""), (b"IEND", b"")
    content = SIGNATURE + wrong + b"".join(framed(*chunk) for chunk in good)

    found = png_extras.read(split(content), GREY)

    assert (found.extras.colour, found.extras.exif, found.profile) == ((), None, None)
    assert found.notes == (
        "its damaged chunks are left out: gAMA",
        "its damaged colour profile is left out",
        "its damaged EXIF is left out",
    )


def test_a_profile_is_expanded():
    assert read((b"iCCP", b"x\0\0" + zlib.compress(b"profile"))).profile == b"profile"
