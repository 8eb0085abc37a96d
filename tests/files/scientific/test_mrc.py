"""MRC files: pixels, voxel size and origin."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from napari_sr.files.image import FileError
from napari_sr.files.lazy_image import Axis
from napari_sr.files.scientific.mrc import STACK, open_mrc

mrcfile = pytest.importorskip("mrcfile", reason="mrcfile, of the extra formats, is missing")


def made(path, array, sizes=(1.5, 2.5, 3.5), change=lambda file: None):
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(array)
        file.voxel_size = sizes
        change(file)
    return path


@pytest.mark.parametrize("dtype", ["i1", "i2", "u2", "f2", "f4"])
@pytest.mark.parametrize("shape", [(6, 7), (5, 6, 7), (2, 5, 6, 7)])
def test_windows_are_those_of_mrcfile(tmp_path, random, dtype, shape):
    array = random.integers(0, 100, shape).astype(dtype)

    image = open_mrc(made(tmp_path / "a.mrc", array))

    assert (image.axes, image.pixels.dtype) == ("TZYX"[-len(shape) :], np.dtype(dtype))
    np.testing.assert_array_equal(image.pixels[...], array)
    np.testing.assert_array_equal(image.pixels[..., 2:4, 3:5], array[..., 2:4, 3:5])
    again = pickle.loads(pickle.dumps(image.pixels))
    np.testing.assert_array_equal(again[...], array)


def test_an_extended_header_is_passed_over(tmp_path, random):
    array = random.integers(0, 100, (6, 7)).astype("i2")

    def extended(file):
        file.set_extended_header(np.zeros(100, "V1"))

    image = open_mrc(made(tmp_path / "a.mrc", array, change=extended))

    np.testing.assert_array_equal(image.pixels[2:], array[2:])


def test_sizes_and_origin_are_read(tmp_path):
    def moved(file):
        file.header.origin = (10, 20, 30)

    image = open_mrc(made(tmp_path / "a.mrc", np.zeros((5, 6, 7), "f4"), change=moved))

    assert image.places == {
        "X": Axis(1.5, 10, "angstrom"), "Y": Axis(2.5, 20, "angstrom"),
        "Z": Axis(3.5, 30, "angstrom"),
    }  # fmt: skip


def test_the_number_of_the_first_pixel_is_an_origin_too(tmp_path):
    def moved(file):
        file.nstart = (2, 0, -1)

    image = open_mrc(made(tmp_path / "a.mrc", np.zeros((5, 6, 7), "f4"), change=moved))

    assert [image.places[letter].origin for letter in "XYZ"] == [3, 0, -3.5]


def test_a_stack_of_images_has_no_depth(tmp_path):
    image = open_mrc(
        made(tmp_path / "a.mrcs", np.zeros((5, 6, 7), "f4"), change=lambda f: f.set_image_stack())
    )

    assert image.details[STACK]
    assert set(image.places) == {"X", "Y"}


def test_an_unknown_size_is_no_place(tmp_path):
    assert open_mrc(made(tmp_path / "a.mrc", np.zeros((6, 7), "f4"), 0.0)).places == {}


def test_damaged_files_are_refused(tmp_path):
    path = made(tmp_path / "a.mrc", np.zeros((50, 60), "f4"))
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(FileError, match=r"a\.mrc cannot be read as MRC: its pixels should end"):
        open_mrc(path)
    path.write_bytes(b"no map at all")
    with pytest.raises(FileError, match=r"a\.mrc cannot be read as MRC"):
        open_mrc(path)
