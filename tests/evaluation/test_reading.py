"""Images of sets, read from files."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_sr.evaluation._reading import image_files, read_image
from napari_sr.files.image import FileError


def test_images_come_by_name_without_what_is_none(tmp_path):
    for name in ("b.PNG", "a.tif", ".hidden.png", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()

    assert [path.name for path in image_files(tmp_path)] == ["a.tif", "b.PNG"]


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(FileError, match="holds no image"):
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

    with pytest.raises(FileError, match=r"no single plane: .* \(4, 5, 7\)"):
        read_image(tmp_path / "a.tif")
