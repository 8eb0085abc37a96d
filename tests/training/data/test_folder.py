"""Folders: every format, size and type that is read, and what is said of those that cannot be."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from napari_sr.layers.resize import imresize
from napari_sr.training.data.folder import Reading, of_folder


@pytest.fixture
def colours(random):
    return random.integers(0, 256, (12, 16, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path, colours, random):
    """One image of each kind, and what is none."""
    Image.fromarray(colours).save(tmp_path / "a.png")
    Image.fromarray(colours[..., 0]).save(tmp_path / "b.jpg", quality=100)
    tifffile.imwrite(tmp_path / "c.tif", random.integers(0, 65_536, (2, 9, 11), dtype=np.uint16))
    np.save(tmp_path / "d.npy", random.random((6, 7)).astype(np.float32))
    (tmp_path / "notes.txt").write_text("none")
    (tmp_path / ".hidden.png").write_text("none")
    return tmp_path


def test_every_format_is_read_in_the_order_of_names(folder, colours):
    pictures = of_folder(folder)

    found = [(one.name, one.height, one.width, one.channels, one.steps) for one in pictures]
    assert found == [
        (f"{folder / 'a.png'}", 12, 16, 3, 255),
        (f"{folder / 'b.jpg'}", 12, 16, 1, 255),
        (f"{folder / 'c.tif'}, plane (0,)", 9, 11, 1, 65_535),
        (f"{folder / 'c.tif'}, plane (1,)", 9, 11, 1, 65_535),
        (f"{folder / 'd.npy'}", 6, 7, 1, None),
    ]
    np.testing.assert_array_equal(pictures[0].whole().permute(1, 2, 0) * 255, colours)
    stored = tifffile.imread(folder / "c.tif")[1]
    np.testing.assert_array_equal((pictures[3].whole()[0] * 65_535).round(), stored)


@pytest.mark.parametrize("sizes", [(1.0,), (1.0, 0.5)])
def test_what_memory_does_not_allow_is_decoded_again_alike(folder, sizes):
    reading = Reading(sizes=sizes)

    kept, again = of_folder(folder, reading), of_folder(folder, reading, memory=0)

    assert [one.name for one in kept] == [one.name for one in again]
    for one, other in zip(kept, again, strict=True):
        assert torch.equal(one.whole(), other.whole())


def test_kept_images_need_their_file_no_more(folder):
    pictures = of_folder(folder, memory=12 * 16 * 3)
    for file in folder.iterdir():
        file.unlink()

    assert pictures[0].whole().shape == (3, 12, 16)
    with pytest.raises(ValueError, match=r"there is no file .*b\.jpg"):
        pictures[1].whole()


def test_smaller_sizes_are_matlabs_in_the_type_of_the_file(folder, colours):
    small = of_folder(folder, Reading(sizes=(0.5,)))

    assert [(one.height, one.width, one.steps) for one in small] == [
        (6, 8, 255),
        (6, 8, 255),
        (5, 6, 65_535),
        (5, 6, 65_535),
        (3, 4, None),
    ]
    assert small[0].name.endswith("a.png at 0.5")
    planes = torch.from_numpy(colours).permute(2, 0, 1).float()
    assert torch.equal(small[0].whole() * 255, imresize(planes, 0.5, largest=255))


@pytest.mark.parametrize("sizes", [(), (0.0,), (1.0, 1.5)])
def test_sizes_that_show_nothing_are_refused(sizes):
    with pytest.raises(ValueError, match=rf"above 0 and at most 1, got \({sizes and sizes[0]}"):
        Reading(sizes=sizes)


def test_grey_reading_goes_from_black_to_white(tmp_path):
    pixels = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [10, 200, 30]]], np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")

    picture = of_folder(tmp_path, Reading(grey=True))[0]

    assert (picture.channels, picture.steps) == (1, 65_535)
    expected = [0, 1, 0.299, (0.299 * 10 + 0.587 * 200 + 0.114 * 30) / 255]
    # rounded to 16 bits
    np.testing.assert_allclose(picture.whole()[0, 0], expected, atol=0.51 / 65_535)


def test_white_stored_as_zero_is_white(tmp_path):
    pixels = np.array([[0, 255, 51]], np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="miniswhite")

    assert of_folder(tmp_path)[0].whole().tolist() == [[[1, 0, pytest.approx(0.8)]]]


def test_grey_with_alpha_is_grey(tmp_path, colours):
    Image.fromarray(colours[..., :2].copy(), "LA").save(tmp_path / "a.png")

    picture = of_folder(tmp_path)[0]

    assert picture.channels == 1
    np.testing.assert_array_equal(picture.whole()[0] * 255, colours[..., 0])


def test_a_single_file_is_read_like_a_folder_of_it(folder):
    assert [one.name for one in of_folder(folder / "a.png")] == [f"{folder / 'a.png'}"]


def test_a_declared_range_holds_for_all(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[100, 300]], np.int32))

    assert of_folder(tmp_path, Reading(value_range=(100, 300)))[0].whole().tolist() == [[[0, 1]]]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=f"of training images {tmp_path / 'none'}"):
        of_folder(tmp_path / "none")


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(ValueError, match=f"the folder {tmp_path} is empty: it needs images"):
        of_folder(tmp_path)


def test_a_folder_of_other_things_is_named_with_some_of_them(tmp_path):
    (tmp_path / "T91").mkdir()
    (tmp_path / "notes.txt").write_text("none")

    with pytest.raises(ValueError, match=r"needs images \(.*\), got T91/, notes.txt"):
        of_folder(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.png", b"\x89PNG\r\n\x1a\n and no more", "is damaged or cut off"),
        ("x.png", b"GIF89a", "is not a PNG, JPEG or TIFF file: it begins with b'GIF89a'"),
        ("x.tif", b"", "is empty"),
        ("x.npy", b"nothing", "cannot be read as an array"),
    ],
)
def test_a_broken_file_is_named_before_anything_is_learned(folder, name, content, words):
    (folder / name).write_bytes(content)

    with pytest.raises(ValueError, match=rf"{folder / name} {words}"):
        of_folder(folder)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((4, 4), complex), "an array of complex128"),
        (np.full((4, 4), np.nan), "16 NaN or infinite values"),
        (np.full((4, 4), 900.0), "got 900 to 900"),
        (np.zeros((4, 4), np.uint32), "an image of uint32 needs value_range"),
    ],
)
def test_a_wrong_type_is_named_with_its_file(tmp_path, array, words):
    np.save(tmp_path / "a.npy", array)

    with pytest.raises(ValueError, match=rf"{tmp_path / 'a.npy'}.* {words}"):
        of_folder(tmp_path)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_pictures_are_alike_wherever_white_is(tmp_path, random, dtype):
    white = 1 if dtype is np.float32 else np.iinfo(dtype).max
    pixels = (random.random((6, 7)) * white).astype(dtype)
    turned = (white - pixels.astype(np.float64)).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    tifffile.imwrite(tmp_path / "b.tif", turned, photometric="miniswhite")

    black, white_at_zero = of_folder(tmp_path)

    torch.testing.assert_close(black.whole(), white_at_zero.whole())


def test_a_declared_range_is_one_of_the_stored_values(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.array([[100, 200]], "u2"), photometric="miniswhite")

    [picture] = of_folder(tmp_path, Reading(value_range=(100, 200)))

    assert picture.whole().tolist() == [[[1, 0]]]


def test_white_of_12_bits_is_4095(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.array([[0, 4095]], "u2"), bitspersample=12)

    assert of_folder(tmp_path)[0].whole().tolist() == [[[0, 1]]]
    declared = of_folder(tmp_path, Reading(value_range=(0, 8190)))
    assert declared[0].whole().tolist() == [[[0, 0.5]]]


def test_bands_are_planes_of_their_own(tmp_path, random):
    bands = random.integers(0, 256, (6, 7, 4), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", bands, photometric="rgb", extrasamples=["unspecified"])

    pictures = of_folder(tmp_path)

    assert [one.channels for one in pictures] == [1, 1, 1, 1]
    np.testing.assert_array_equal(pictures[3].whole()[0] * 255, bands[..., 3])
