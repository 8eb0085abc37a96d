import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from napari_sr.files.image import FileError
from napari_sr.files.lazy import is_zarr, open_lazy
from napari_sr.files.lazy_image import Axis


@pytest.mark.needs("zarr")
def test_every_kind_of_file_gives_the_same_pixels(tmp_path, random):
    pixels = (random.random((30, 40)) * 255).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    zarr.create_array(tmp_path / "a.zarr", data=pixels)

    for name in ("a.tif", "a.png", "a.zarr"):
        image = open_lazy(tmp_path / name)

        assert image.axes == "YX"
        np.testing.assert_array_equal(image.pixels[5:9, 3:20], pixels[5:9, 3:20])
        assert image.identity


def test_a_picture_is_in_its_place(tmp_path):
    Image.new("L", (7, 9)).save(tmp_path / "a.png", dpi=(254, 254))

    places = open_lazy(tmp_path / "a.png").places

    assert places["X"].size == pytest.approx(places["Y"].size, rel=1e-3)
    assert places["X"] != Axis()


def test_other_pixels_are_another_source(tmp_path):
    Image.new("L", (7, 9)).save(tmp_path / "a.png")
    before = open_lazy(tmp_path / "a.png").identity
    Image.new("L", (7, 9), 1).save(tmp_path / "a.png")

    assert open_lazy(tmp_path / "a.png").identity != before


def test_what_is_no_image_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("text")

    with pytest.raises(FileError, match="not a PNG, JPEG or TIFF"):
        open_lazy(tmp_path / "a.txt")
    with pytest.raises(FileError, match="is a folder"):
        open_lazy(tmp_path)
    assert not is_zarr(tmp_path)
