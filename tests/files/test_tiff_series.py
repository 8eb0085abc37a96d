"""Outdated descriptions of pages are ignored; notes say which pages are left out."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_sr.files.image import Density, FileError
from napari_sr.files.tiff_reader import read_tiff


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.tif"


def appended(path, images, **options):
    for number, image in enumerate(images):
        tifffile.imwrite(path, image, append=number > 0, **options)


@pytest.mark.parametrize("options", [{}, {"metadata": None}, {"compression": "zlib"}], ids=str)
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_pages_appended_one_by_one_are_a_stack(path, random, shape, options):
    pages = random.integers(0, 250, (3, *shape)).astype(np.uint8)
    photometric = "rgb" if len(shape) == 3 else "minisblack"
    appended(path, pages, photometric=photometric, **options)

    image = read_tiff(path)

    assert image.axes == ("IYXS" if len(shape) == 3 else "IYX")
    assert image.notes == ()
    np.testing.assert_array_equal(image.pixels, pages)


def test_appended_stacks_are_one_after_the_other(path, random):
    stacks = random.integers(0, 250, (2, 4, 5, 7)).astype(np.uint8)
    appended(path, stacks, photometric="minisblack")

    np.testing.assert_array_equal(read_tiff(path).pixels, stacks.reshape(8, 5, 7))


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (np.zeros((6, 7), np.uint8), "uint8 (2, 5, 7), uint8 (6, 7)"),
        (np.zeros((5, 7), np.uint16), "uint8 (2, 5, 7), uint16 (5, 7)"),
    ],
)
def test_pages_of_another_kind_are_told_and_left_out(path, other, told):
    appended(path, [np.zeros((5, 7), np.uint8)] * 2 + [other])

    image = read_tiff(path)

    assert image.pixels.shape == (2, 5, 7)
    assert image.notes == (f"it holds 2 images ({told}); only the first is read",)


def test_images_that_differ_in_their_photometric_alone_are_told_apart(path):
    with tifffile.TiffWriter(path) as writer:
        for photometric in ("minisblack", "miniswhite"):
            writer.write(np.zeros((5, 7), "u1"), photometric=photometric, metadata=None)

    assert read_tiff(path).notes == (
        "it holds 2 images (MINISBLACK (5, 7), MINISWHITE (5, 7)); only the first is read",
    )


def test_positions_in_ome_are_told_by_their_names(tmp_path):
    path = tmp_path / "a.ome.tif"
    with tifffile.TiffWriter(path) as writer:
        for number in range(2):
            metadata = {"axes": "YX", "Name": f"position {number}"}
            writer.write(np.full((5, 7), number, np.uint8), metadata=metadata)

    image = read_tiff(path)

    assert image.pixels.max() == 0
    told = "it holds 2 images ('position 0', 'position 1'); only the first is read"
    assert image.notes == (told,)


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
@pytest.mark.parametrize(
    "description",
    [
        '{"shape": [64, 64]}',
        '{"shape": [7, 32, 48]}',
        '{"shape": [3, 32, 16]}',
        '{"shape": [32, 48, 3], "axes": "YXS"}',
        '{"shape": [7, 32, 48], "truncated": true}',
        '{"shape": [1000000000, 32, 48], "truncated": true}',
        '{"shape": "all of it"}',
        '{"shape": [1e99]}',
    ],
)
def test_a_description_older_than_the_pixels_is_not_heeded(path, random, description, compression):
    pixels = random.integers(0, 250, (32, 48)).astype(np.uint8)
    options = {} if compression is None else {"compression": compression}
    Image.fromarray(pixels).save(path, tiffinfo={270: description}, **options)

    image = read_tiff(path)

    assert (image.axes, image.notes) == ("YX", ())
    np.testing.assert_array_equal(image.pixels, pixels)


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
@pytest.mark.parametrize("images", ["7", "1000000000", "many"])
def test_a_page_of_an_imagej_stack_is_read_with_its_unit(path, random, images, compression):
    pixels = random.integers(0, 250, (32, 48)).astype(np.uint8)
    options = {} if compression is None else {"compression": compression}
    description = f"ImageJ=1.53\nimages={images}\nslices={images}\nunit=micron\n"
    Image.fromarray(pixels).save(path, resolution=4, tiffinfo={270: description}, **options)

    image = read_tiff(path)

    assert (image.axes, image.kind) == ("YX", "imagej")
    assert image.density == Density(4, 4, "micron")
    assert f"ImageJ's description lists {images} planes, but the file has 1 page" in image.notes[0]
    np.testing.assert_array_equal(image.pixels, pixels)


@pytest.mark.parametrize(("claimed", "pages"), [(7, 3), (3, 7)])
def test_an_imagej_stack_of_another_length_is_read_by_its_pages(path, random, claimed, pages):
    stack = random.integers(0, 250, (pages, 5, 7)).astype(np.uint16)
    tifffile.imwrite(
        path, stack, photometric="minisblack", metadata=None,
        description=f"ImageJ=1.53\nimages={claimed}\nslices={claimed}\n",
    )  # fmt: skip

    image = read_tiff(path)

    np.testing.assert_array_equal(image.pixels, stack)
    assert f"lists {claimed} planes, but the file has {pages} pages" in image.notes[0]


def behind_one_page(path, stack):
    """Write a stack as ImageJ does beyond 4 GB: one page, and all planes behind it."""
    count = len(stack)
    tifffile.imwrite(
        path, stack[0], photometric="minisblack", metadata=None,
        description=f"ImageJ=1.53\nimages={count}\nslices={count}\n",
    )  # fmt: skip
    with tifffile.TiffFile(path) as file:
        start = file.pages.first.dataoffsets[0]
    path.write_bytes(path.read_bytes()[:start] + stack.tobytes())


def test_a_stack_behind_one_page_is_read_whole_or_not_at_all(path, random):
    stack = random.integers(0, 60_000, (6, 50, 40)).astype(np.uint16)
    behind_one_page(path, stack)
    np.testing.assert_array_equal(read_tiff(path).pixels, stack)

    content = path.read_bytes()
    path.write_bytes(content[:-5000])

    with pytest.raises(FileError, match="lists 6 planes, but only 4 are complete: it is cut"):
        read_tiff(path)


def test_pages_beyond_omes_planes_are_told(tmp_path):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, np.zeros((5, 4, 6), np.uint8), metadata={"axes": "TYX"})
    content = path.read_bytes().replace(b'SizeT="5"', b'SizeT="3"')
    path.write_bytes(content)

    image = read_tiff(path)

    assert image.pixels.shape == (3, 4, 6)
    assert image.notes == ("it holds 2 of 5 pages that no image uses: they are left out",)


def test_ome_metadata_of_another_size_are_told(tmp_path):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, np.ones((5, 7), np.uint8), metadata={"axes": "YX"})
    path.write_bytes(path.read_bytes().replace(b'SizeX="7"', b'SizeX="9"'))

    image = read_tiff(path)

    assert image.pixels.shape == (5, 7)
    assert image.notes == (
        "its OME metadata do not fit its pages, which are read as they are stored",
    )


def test_files_that_an_index_beside_the_file_names_are_not_opened(tmp_path):
    tifffile.imwrite(tmp_path / "outside.tif", np.full((5, 7), 9, np.uint8))
    folder = tmp_path / "data"
    folder.mkdir()
    path = folder / "a.tif"
    # a TIFF of Micro-Manager's NDTiff 2: its header, a page of ten tags, 35 pixels
    tags = {256: 7, 257: 5, 258: 8, 259: 1, 262: 1, 273: 156, 277: 1, 278: 5, 279: 35, 51123: 24}
    page = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    head = b"II*\0" + struct.pack("<IIIII", 26, 483729, 2, 2355492, 2) + b"{}"
    path.write_bytes(head + struct.pack("<H", len(tags)) + page + bytes(8) + b"\1" * 35)
    entries = b""
    for time, name in enumerate((b"../outside.tif", b"a.tif")):
        axes = b'{"time": %d}' % time
        entries += struct.pack("<I", len(axes)) + axes + struct.pack("<I", len(name)) + name
        entries += struct.pack("<IiiiiIii", 156, 7, 5, 0, 0, 0, 0, 0)
    (folder / "NDTiff.index").write_bytes(entries)

    image = read_tiff(path)

    np.testing.assert_array_equal(image.pixels, np.ones((5, 7)))
