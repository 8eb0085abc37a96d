"""Windows of a TIFF are those of the whole image, whatever its kind, and take little memory."""

from __future__ import annotations

import pickle
import struct
import tracemalloc

import numpy as np
import pytest
import tifffile
from blocks import two_files

from napari_sr.files import formats
from napari_sr.files.image import FileError
from napari_sr.files.lazy_image import Axis
from napari_sr.files.lazy_tiff import PROFILE, TAGS, check_no_part, open_tiff

TABLE = (np.arange(3 * 256).reshape(3, 256) * 80).astype(np.uint16)


def noise(random, shape, dtype="u2", top=250):
    return random.integers(0, top, shape).astype(dtype)


def associated(random, shape, dtype="u1"):
    pixels = noise(random, shape, dtype)
    pixels[..., :-1] = np.minimum(pixels[..., :-1], pixels[..., -1:])
    return pixels


GREY = {"photometric": "minisblack"}
RGB = {"photometric": "rgb"}
SEPARATE = {"planarconfig": "separate"}
MADE = {
    "big-endian floats": lambda r: (noise(r, (40, 50), ">f8"), {"byteorder": ">"}),
    "signed": lambda r: (noise(r, (40, 50), "i2") - 100, {}),
    "BigTIFF": lambda r: (noise(r, (40, 50), "u4"), {"bigtiff": True}),
    "half floats": lambda r: (noise(r, (40, 50), "f2"), {}),
    "one pixel": lambda r: (noise(r, (1, 1)), {}),
    "one row": lambda r: (noise(r, (4, 1, 7)), GREY | {"metadata": {"axes": "ZYX"}}),
    "strips": lambda r: (noise(r, (40, 50)), {"rowsperstrip": 7, "compression": "zlib"}),
    "one strip": lambda r: (noise(r, (40, 50)), {"rowsperstrip": 40, "compression": "lzw"}),
    "predictor": lambda r: (noise(r, (40, 50)), {"compression": "zlib", "predictor": True}),
    "float predictor": lambda r: (
        noise(r, (40, 50), "f4"),
        {"compression": "zlib", "predictor": 3, "tile": (16, 16)},
    ),
    "uncompressed tiles": lambda r: (noise(r, (40, 50)), {"tile": (16, 32)}),
    "compressed tiles": lambda r: (noise(r, (40, 50)), {"tile": (16, 32), "compression": "zstd"}),
    "one wide tile": lambda r: (noise(r, (64, 48)), {"tile": (32, 48)}),
    "packed 12 bits": lambda r: (noise(r, (40, 50), "u2", 4096), {"bitspersample": 12}),
    "1 bit": lambda r: (noise(r, (40, 50), "?", 2), {"rowsperstrip": 9}),
    "4 bits": lambda r: (noise(r, (40, 50), "u1", 16), {"bitspersample": 4}),
    "white at zero": lambda r: (noise(r, (40, 50)), {"photometric": "miniswhite"}),
    "floats, white at zero": lambda r: (noise(r, (40, 50), "f4"), {"photometric": "miniswhite"}),
    "no-data value": lambda r: (
        noise(r, (40, 50), "f4", 4),
        {"extratags": [(42113, "s", 0, "2", True)]},
    ),
    "stack": lambda r: (noise(r, (4, 40, 50)), GREY | {"metadata": {"axes": "TYX"}}),
    "stack of pages": lambda r: (noise(r, (4, 40, 50)), GREY | {"metadata": None}),
    "planes behind one page": lambda r: (noise(r, (4, 40, 50)), GREY | {"truncate": True}),
    "compressed stack": lambda r: (
        noise(r, (3, 4, 40, 50)),
        GREY | {"compression": "zlib", "tile": (16, 16), "metadata": {"axes": "TZYX"}},
    ),
    "five axes": lambda r: (noise(r, (2, 3, 2, 20, 9)), GREY),
    "ImageJ": lambda r: (
        noise(r, (2, 3, 2, 20, 9)),
        {"imagej": True, "metadata": {"axes": "TZCYX"}},
    ),
    "ImageJ colour": lambda r: (noise(r, (3, 20, 9, 3), "u1"), {"imagej": True}),
    "ImageJ palette": lambda r: (
        noise(r, (20, 9), "u1"),
        {"imagej": True, "photometric": "palette", "colormap": TABLE},
    ),
    "OME": lambda r: (noise(r, (2, 3, 2, 20, 9)), {"ome": True, "metadata": {"axes": "TZCYX"}}),
    "OME tiles": lambda r: (
        noise(r, (2, 3, 40, 50)),
        GREY | {"ome": True, "metadata": {"axes": "CZYX"}, "tile": (16, 16), "compression": "lzw"},
    ),
    "volume in a page": lambda r: (noise(r, (20, 40, 50)), GREY | {"volumetric": True}),
    "volume in tiles": lambda r: (
        noise(r, (20, 40, 50)),
        GREY | {"volumetric": True, "tile": (16, 16, 16), "compression": "zlib"},
    ),
    "RGB": lambda r: (noise(r, (40, 50, 3), "u1"), RGB),
    "RGB tiles": lambda r: (
        noise(r, (2, 40, 50, 3), "u1"),
        RGB | {"tile": (16, 16), "compression": "zlib", "predictor": True},
    ),
    "RGB planes": lambda r: (noise(r, (3, 40, 50)), RGB | SEPARATE),
    "RGB planes in tiles": lambda r: (
        noise(r, (2, 3, 40, 50)),
        RGB | SEPARATE | {"tile": (16, 16), "compression": "zlib"},
    ),
    "RGBA": lambda r: (noise(r, (40, 50, 4), "u1"), RGB | {"extrasamples": ["unassalpha"]}),
    "RGBA planes": lambda r: (
        noise(r, (4, 40, 50), "u1"),
        RGB | SEPARATE | {"extrasamples": ["unassalpha"], "compression": "zlib"},
    ),
    "associated alpha": lambda r: (
        associated(r, (40, 50, 4)),
        RGB | {"extrasamples": ["assocalpha"]},
    ),
    "grey and alpha": lambda r: (
        noise(r, (40, 50, 2)),
        GREY | {"planarconfig": "contig", "extrasamples": ["unassalpha"]},
    ),
    "grey and alpha in planes": lambda r: (
        noise(r, (2, 40, 50)),
        GREY | SEPARATE | {"extrasamples": ["unassalpha"]},
    ),
    "grey and associated alpha, white at zero": lambda r: (
        associated(r, (40, 50, 2)),
        {"photometric": "miniswhite", "planarconfig": "contig", "extrasamples": ["assocalpha"]},
    ),
    "bands": lambda r: (noise(r, (40, 50, 6)), GREY | {"planarconfig": "contig"}),
    "bands in planes": lambda r: (
        noise(r, (5, 40, 50)),
        GREY | SEPARATE | {"compression": "zlib", "rowsperstrip": 16},
    ),
    "bands, white at zero": lambda r: (
        noise(r, (5, 40, 50)),
        {"photometric": "miniswhite", "planarconfig": "separate"},
    ),
    "RGB and bands": lambda r: (
        noise(r, (40, 50, 5)),
        RGB | {"extrasamples": ["unspecified", "unspecified"]},
    ),
    "palette": lambda r: (
        noise(r, (40, 50), "u1"),
        {"photometric": "palette", "colormap": TABLE},
    ),
    "stack of one palette": lambda r: (
        noise(r, (3, 40, 50), "u1"),
        {"photometric": "palette", "colormap": TABLE, "compression": "zlib"},
    ),
    "JPEG": lambda r: (
        np.full((64, 64, 3), 90, np.uint8),
        RGB | {"compression": "jpeg", "tile": (32, 32)},
    ),
}
"""Kinds of TIFFs: pixels as they are stored, and options of tifffile."""


def made(path, kind, random, orientation=None):
    pixels, options = MADE[kind](random)
    tags = options.pop("extratags", [])
    tags = [*tags, (274, "H", 1, orientation, False)] if orientation else tags
    tifffile.imwrite(path, pixels, extratags=tags, **options)
    return path


def assert_equal_windows(path, random, axes=None):
    image, whole = open_tiff(path, axes), formats.read(path, axes)
    assert (image.axes, image.significant_bits) == (whole.axes, whole.significant_bits)
    assert (image.pixels.shape, image.pixels.dtype) == (whole.pixels.shape, whole.pixels.dtype)
    assert image.pixels.dtype.isnative
    assert set(whole.notes) == set(image.notes)
    np.testing.assert_array_equal(image.pixels[...], whole.pixels)
    for _ in range(12):
        starts = [int(random.integers(0, size)) for size in whole.pixels.shape]
        index = tuple(
            slice(start, int(random.integers(start + 1, size + 1)))
            for start, size in zip(starts, whole.pixels.shape, strict=True)
        )
        window = image.pixels[index]
        np.testing.assert_array_equal(window, whole.pixels[index])
        assert window.flags.c_contiguous


@pytest.mark.parametrize("kind", MADE)
def test_windows_are_those_of_the_whole_image(tmp_path, random, kind):
    assert_equal_windows(made(tmp_path / "a.tif", kind, random), random)


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize(
    "kind", ["strips", "RGB tiles", "RGB planes", "bands", "stack of one palette", "ImageJ"]
)
def test_turned_windows_are_those_of_the_upright_image(tmp_path, random, kind, orientation):
    assert_equal_windows(made(tmp_path / "a.tif", kind, random, orientation), random)


@pytest.mark.parametrize(
    ("kind", "axes"),
    [
        ("RGB planes", "ZYX"), ("RGB", "YXC"), ("RGB", "YXQ"), ("bands", "YXC"), ("bands", "YXZ"),
        ("bands in planes", "ZYX"), ("stack", "CYX"), ("stack", "YXZ"), ("palette", "YX"),
        ("grey and alpha", "YXQ"), ("five axes", "ABCXY"), ("RGB tiles", "TYXS"),
    ],
)  # fmt: skip
def test_named_axes_are_those_of_the_whole_image(tmp_path, random, kind, axes):
    assert_equal_windows(made(tmp_path / "a.tif", kind, random), random, axes)


def test_every_page_keeps_its_own_palette(tmp_path, random):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for shift in range(3):
            pixels = noise(random, (20, 30), "u1")
            table = np.roll(TABLE, shift, 0)
            writer.write(pixels, photometric="palette", colormap=table, metadata=None)

    assert_equal_windows(tmp_path / "a.tif", random)


def test_parts_of_an_image_in_several_files_are_read(tmp_path, random):
    pixels = noise(random, (2, 20, 30))
    two_files(tmp_path, pixels)

    assert_equal_windows(tmp_path / "0.ome.tif", random)

    image = open_tiff(tmp_path / "0.ome.tif")
    np.testing.assert_array_equal(image.pixels[...], pixels)
    parts = [part["path"] for part in image.identity["parts"]]
    assert parts == [str(tmp_path / "1.ome.tif")]


def test_a_result_does_not_replace_another_file_of_its_source(tmp_path, random):
    first, second = two_files(tmp_path, noise(random, (2, 20, 30)))

    check_no_part(tmp_path / "new.tif", first)
    with pytest.raises(FileError, match=r"1\.ome\.tif is the image to upscale"):
        check_no_part(second, first)
    with pytest.raises(FileError, match=r"1\.ome\.tif is the image to upscale"):
        formats.check_target(second, first, overwrite=True)


def test_bits_in_reverse_order_are_turned(tmp_path, random):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(random, (40, 50), "u1"), extratags=[(65000, "H", 1, 2, True)])
    of_another_tag, of_fill_order = (struct.pack("<HHI", tag, 3, 1) for tag in (65000, 266))
    path.write_bytes(path.read_bytes().replace(of_another_tag, of_fill_order))

    assert_equal_windows(path, random)


def test_empty_tiles_are_what_the_whole_image_has(tmp_path, random):
    def tiles():
        yield from (noise(random, (16, 16)), None, None, noise(random, (16, 16)))

    tifffile.imwrite(
        tmp_path / "a.tif", tiles(), shape=(32, 32), dtype="u2", tile=(16, 16), compression="zlib"
    )

    assert_equal_windows(tmp_path / "a.tif", random)


def test_places_channels_and_details_come_with_the_image(tmp_path, random):
    details = {
        "axes": "CYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25, "SignificantBits": 12,
        "Name": "cells", "Channel": {"Name": ["DAPI", "GFP"], "Color": [65535, 16711935]},
    }  # fmt: skip
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, noise(random, (2, 20, 30)), metadata=details, iccprofile=b"icc",
                     extratags=[(315, "s", 0, "me", True)], **GREY)  # fmt: skip

    image = open_tiff(path)

    unit = "micrometer"
    assert image.places == {"X": Axis(0.5, unit=unit), "Y": Axis(0.25, unit=unit)}
    assert [channel["label"] for channel in image.channels] == ["DAPI", "GFP"]
    assert (image.name, image.significant_bits, image.chunks) == ("cells", 12, None)
    assert image.details[PROFILE] == b"icc"
    assert image.details[TAGS][315][2] == "me"
    assert image.identity["shape"] == [2, 20, 30]


def test_tiles_and_strips_are_told_in_the_displayed_order(tmp_path, random):
    chunks = {
        kind: open_tiff(made(tmp_path / f"{kind}.tif", kind, random)).chunks
        for kind in ("strips", "compressed stack", "RGB planes in tiles", "grey and alpha", "bands")
    }

    assert chunks == {
        "strips": (7, 50),
        "compressed stack": (1, 1, 16, 16),
        "RGB planes in tiles": (1, 16, 16, 3),
        "grey and alpha": None,
        "bands": None,
    }


def test_a_value_beyond_the_declared_bits_is_refused(tmp_path):
    pixels = np.zeros((20, 30), np.uint16)
    pixels[15, 20] = 5000
    tifffile.imwrite(tmp_path / "a.ome.tif", pixels, metadata={"axes": "YX", "SignificantBits": 12})

    image = open_tiff(tmp_path / "a.ome.tif")

    assert image.pixels[:15].max() == 0
    with pytest.raises(FileError, match=r"declares 12 bits, but a value is 5000"):
        image.pixels[10:20]


def test_a_file_that_changes_or_vanishes_is_told(tmp_path, random):
    path = made(tmp_path / "a.tif", "strips", random)
    image = open_tiff(path)
    made(path, "stack", random)

    with pytest.raises(FileError, match=r"a\.tif has changed since it was opened"):
        image.pixels[:2]
    path.unlink()
    with pytest.raises(FileError, match=r"a\.tif cannot be read as TIFF: .*No such file"):
        image.pixels[:2]


def test_a_damaged_strip_is_told_where_it_is_read(tmp_path, random):
    path = made(tmp_path / "a.tif", "strips", random)
    with tifffile.TiffFile(path) as file:
        start = file.pages[0].dataoffsets[3]
    content = bytearray(path.read_bytes())
    content[start : start + 20] = b"x" * 20
    path.write_bytes(content)

    image = open_tiff(path)

    image.pixels[:21]
    with pytest.raises(FileError, match=r"a\.tif cannot be read as TIFF"):
        image.pixels[20:23]


def test_a_damaged_file_is_refused_when_it_is_opened(tmp_path, random):
    path = made(tmp_path / "a.tif", "strips", random)
    path.write_bytes(path.read_bytes()[:-200])

    with pytest.raises(FileError, match=r"a\.tif is damaged|a\.tif cannot be read"):
        open_tiff(path)


def test_another_process_gets_the_same_pixels(tmp_path, random):
    image = open_tiff(made(tmp_path / "a.tif", "RGB planes", random), "ZYX")

    again = pickle.loads(pickle.dumps(image.pixels))

    np.testing.assert_array_equal(again[...], image.pixels[...])


@pytest.mark.parametrize("options", [{}, {"tile": (512, 512), "compression": "zlib"}], ids=str)
def test_memory_is_that_of_the_window(tmp_path, options):
    path, shape = tmp_path / "a.tif", (3, 8192, 8192)  # 384 MiB

    def pages():
        tile = np.zeros((512, 512), np.uint16)
        for _ in range(3 * 16 * 16):
            yield tile

    if options:
        tifffile.imwrite(path, pages(), shape=shape, dtype="u2", **GREY, **options)
    else:
        tifffile.imwrite(path, None, shape=shape, dtype="u2", **GREY)  # sparse
    tracemalloc.start()
    try:
        image = open_tiff(path)
        for place in ((0, 0, 0), (2, 7000, 7000), (1, 100, 4000)):
            plane, top, left = place
            assert image.pixels[plane, top : top + 600, left : left + 600].shape == (600, 600)
        assert tracemalloc.get_traced_memory()[1] < 24 * 2**20
    finally:
        tracemalloc.stop()


def test_a_giant_strip_is_told(tmp_path, monkeypatch, random):
    monkeypatch.setattr("napari_sr.files.lazy_tiff.BUDGET", 1000)

    assert "decoded as a whole" in open_tiff(made(tmp_path / "a.tif", "one strip", random)).notes[0]
    assert open_tiff(made(tmp_path / "b.tif", "strips", random)).notes == ()
