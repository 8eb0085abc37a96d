"""Every photometric interpretation is displayed correctly, or refused in one sentence."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_sr.files.image import FileError
from napari_sr.files.photometric import turn_over
from napari_sr.files.tiff_reader import read_tiff


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.tif"


def changed_tag(path, code, value):
    """Overwrite a tag's short number in the first page of a little-endian classic TIFF."""
    content = bytearray(path.read_bytes())
    start = int.from_bytes(content[4:8], "little")
    for at in range(start + 2, len(content), 12):
        if int.from_bytes(content[at : at + 2], "little") == code:
            content[at + 8 : at + 10] = value.to_bytes(2, "little")
            path.write_bytes(content)
            return


def removed_tag(path, code):
    """Give a tag a number that means nothing."""
    content = bytearray(path.read_bytes())
    start = int.from_bytes(content[4:8], "little")
    for at in range(start + 2, len(content), 12):
        if int.from_bytes(content[at : at + 2], "little") == code:
            content[at : at + 2] = (code - code % 2 + 65001).to_bytes(2, "little")
            path.write_bytes(content)
            return


@pytest.mark.parametrize(
    ("dtype", "stored", "shown"),
    [
        (np.uint8, [0, 55, 255], [255, 200, 0]),
        (np.uint16, [0, 535, 65535], [65535, 65000, 0]),
        (np.int16, [-32768, 0, 32767], [32767, -1, -32768]),
        (np.float32, [0, 0.25, 1], [1, 0.75, 0]),
        (np.float64, [-2, 0.5, 3], [3, 0.5, -2]),
    ],
)
def test_where_white_is_zero_values_are_turned_over(path, dtype, stored, shown):
    tifffile.imwrite(path, np.array([stored], dtype), photometric="miniswhite")

    image = read_tiff(path)

    told = ("it stores white as zero: its floats are inverted to 1 - value",)
    assert image.white_is_zero
    assert image.notes == (told if np.dtype(dtype).kind == "f" else ())
    assert image.pixels.dtype == dtype
    assert image.pixels.tolist() == [shown]


def test_turning_over_twice_is_exact(random):
    for dtype in (np.uint8, np.uint16, np.int8, np.int32):
        limits = np.iinfo(dtype)
        pixels = random.integers(limits.min, limits.max, (5, 7), dtype, endpoint=True)
        np.testing.assert_array_equal(turn_over(turn_over(pixels)), pixels)


def test_alpha_and_bands_are_never_turned_over(path):
    stored = np.array([[[10, 200]]], np.uint8)
    for extra in ("unassalpha", "unspecified"):
        tifffile.imwrite(
            path, stored, photometric="miniswhite", planarconfig="contig", extrasamples=[extra]
        )
        pixels = read_tiff(path).pixels.ravel().tolist()
        assert pixels == ([245, 245, 245, 200] if extra == "unassalpha" else [245, 200])


@pytest.mark.parametrize("bits", range(1, 8))
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_few_bits_are_stretched_to_8(path, bits, photometric):
    white = 2**bits - 1
    stored = np.array([[0, white // 2, white]])
    kind = bool if bits == 1 else np.uint8
    options = {} if bits == 1 else {"bitspersample": bits}
    tifffile.imwrite(path, stored.astype(kind), photometric=photometric, **options)

    image = read_tiff(path)

    levels = [0, round(white // 2 * 255 / white), 255]
    shown = levels if photometric == "minisblack" else [255 - level for level in levels]
    assert image.pixels.dtype == np.uint8
    assert image.pixels.tolist() == [shown]
    assert image.significant_bits is None
    assert f"its {bits}-bit" in image.notes[0]
    assert "converted to 8 bits" in image.notes[0]


@pytest.mark.parametrize("bits", [9, 12, 15, 24])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_more_bits_say_where_white_is(path, bits, photometric):
    white = 2**bits - 1
    kind = np.uint16 if bits < 16 else np.uint32
    tifffile.imwrite(
        path, np.array([[0, 5, white]], kind), photometric=photometric, bitspersample=bits
    )

    image = read_tiff(path)

    turned = photometric == "miniswhite"
    assert image.pixels.tolist() == [[white, white - 5, 0] if turned else [0, 5, white]]
    assert (image.significant_bits, image.white) == (bits, white)
    assert image.default_range() == (0, white)


def test_omes_significant_bits_are_believed_unless_a_value_contradicts(tmp_path):
    path = tmp_path / "a.ome.tif"
    for largest, bits in ((4095, 12), (4096, None)):
        pixels = np.array([[0, largest]], np.uint16)
        tifffile.imwrite(path, pixels, metadata={"axes": "YX", "SignificantBits": 12})

        image = read_tiff(path)

        assert image.significant_bits == bits
        assert image.details.get("SignificantBits") == bits
        assert image.notes == (
            ()
            if bits
            else ("it declares 12 bits, but a value is 4096: the number of bits is ignored",)
        )


def test_one_bit_in_ome_does_not_stay_one_bit(tmp_path):
    path = tmp_path / "a.ome.tif"
    pixels = np.array([[False, True]])
    tifffile.imwrite(
        path, pixels, photometric="minisblack", metadata={"axes": "YX", "SignificantBits": 1}
    )

    image = read_tiff(path)

    assert image.pixels.tolist() == [[0, 255]]
    assert "SignificantBits" not in image.details


@pytest.mark.parametrize("photometric", ["cielab", "icclab", "logluv", "logl", "cfa", "mask"])
def test_colours_that_are_not_understood_are_refused(path, photometric):
    colour = photometric in ("cielab", "icclab", "logluv")
    pixels = np.zeros((5, 7, 3) if colour else (5, 7), np.uint8)
    tifffile.imwrite(path, pixels, photometric=photometric)

    with pytest.raises(
        FileError, match=f"stored as {photometric.upper()}: convert it to RGB first"
    ):
        read_tiff(path)


def test_an_unknown_photometric_number_is_named(path):
    tifffile.imwrite(path, np.zeros((5, 7), np.uint8), metadata=None)
    changed_tag(path, 262, 12345)

    with pytest.raises(FileError, match="stored as 12345: convert it to RGB first"):
        read_tiff(path)


@pytest.mark.parametrize(
    ("options", "shape", "meaning"),
    [
        ({"photometric": "miniswhite"}, (2, 2), "grey with black at zero"),
        ({"photometric": "rgb"}, (2, 2, 3), "RGB"),
    ],
)
def test_without_a_photometric_values_are_taken_as_usual(path, options, shape, meaning):
    pixels = np.full(shape, 7, np.uint8)
    tifffile.imwrite(path, pixels, metadata=None, **options)
    removed_tag(path, 262)

    image = read_tiff(path)

    np.testing.assert_array_equal(image.pixels, pixels)
    assert f"it does not say which value is black: {meaning} is assumed" in image.notes


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_palettes_of_few_colours_are_looked_up_and_not_stretched(path, bits):
    image = Image.fromarray(np.array([[0, 1]], np.uint8)).convert("P")
    image.putpalette([10, 20, 30, 40, 50, 60] + [0] * (3 * 2**bits - 6))
    image.save(path, bits=bits)

    assert read_tiff(path).pixels.tolist() == [[[10, 20, 30], [40, 50, 60]]]


def test_every_page_has_its_own_palette(path):
    with tifffile.TiffWriter(path) as writer:
        for level in (10, 20):
            table = np.full((3, 256), level << 8, np.uint16)
            writer.write(
                np.ones((2, 3), np.uint8), photometric="palette", colormap=table, metadata=None
            )

    image = read_tiff(path)

    assert (image.axes, image.pixels.shape) == ("IYXS", (2, 2, 3, 3))
    assert [page.mean() for page in image.pixels] == [10, 20]


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
def test_fax_pages_are_shown_as_pillow_shows_them(path, random, compression):
    page = Image.fromarray(random.integers(0, 2, (16, 24)).astype(bool))
    page.save(path, compression=compression)

    shown = read_tiff(path).pixels

    np.testing.assert_array_equal(shown, np.asarray(page.convert("L")))
