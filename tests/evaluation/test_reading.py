"""Images of sets, read from files."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_sr.evaluation._reading import image_files, read_image, read_plane
from napari_sr.files.image import FileError


def test_images_come_by_name_without_what_is_none(tmp_path):
    for name in ("b.PNG", "a.tif", ".hidden.png", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()

    assert [path.name for path in image_files(tmp_path)] == ["a.tif", "b.PNG"]


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(FileError, match="contains no image"):
        image_files(tmp_path)
    with pytest.raises(FileError, match="no folder"):
        image_files(tmp_path / "missing")


@pytest.mark.parametrize(
    ("mode", "shape"), [("L", (5, 7)), ("RGB", (5, 7, 3)), ("RGBA", (5, 7, 3)), ("LA", (5, 7))]
)
def test_alpha_is_left_out(tmp_path, mode, shape):
    Image.new(mode, (7, 5)).save(tmp_path / "a.png")

    assert read_image(tmp_path / "a.png").shape == shape


def test_types_stay(tmp_path):
    for dtype in (np.uint8, np.uint16, np.float32):
        tifffile.imwrite(tmp_path / "a.tif", np.ones((1, 5, 7), dtype))

        pixels = read_image(tmp_path / "a.tif")

        assert (pixels.dtype, pixels.shape) == (dtype, (5, 7))


def test_a_stack_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((4, 5, 7), np.uint8), metadata={"axes": "ZYX"})

    with pytest.raises(FileError, match=r"must contain one plane, .* \(4, 5, 7\)"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_black_is_zero_where_the_file_has_white_there(tmp_path, dtype):
    white = 1 if dtype is np.float32 else np.iinfo(dtype).max
    tifffile.imwrite(tmp_path / "a.tif", np.array([[0, white]], dtype), photometric="miniswhite")

    assert read_image(tmp_path / "a.tif").tolist() == [[white, 0]]


def test_white_is_what_the_file_says(tmp_path):
    pixels = np.array([[0, 4095]], np.uint16)
    for bits, white in ((12, 4095), (16, None)):
        tifffile.imwrite(tmp_path / "a.tif", pixels, bitspersample=bits)

        assert read_plane(tmp_path / "a.tif")[1] == white


def test_an_archive_is_told_from_a_missing_folder(tmp_path):
    (tmp_path / "set.zip").touch()

    with pytest.raises(FileError, match=r"set\.zip is not a folder: give a folder of images"):
        image_files(tmp_path / "set.zip")
