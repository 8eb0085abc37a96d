"""NIfTI files: pixels, scaling, affine, units; real ones of nibabel and made ones."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from napari_sr.files.image import FileError
from napari_sr.files.lazy_image import Axis
from napari_sr.files.scientific.nifti import AFFINE, CODES, open_nifti

nibabel = pytest.importorskip("nibabel", reason="nibabel, of the extra formats, is missing")
REAL = Path(nibabel.__file__).parent / "tests" / "data"


def made(path, array, affine=None, **changes):
    image = nibabel.Nifti1Image(array, np.eye(4) if affine is None else affine)
    for name, value in changes.items():
        getattr(image.header, f"set_{name}")(*value)
    nibabel.save(image, path)
    return path


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "f4", "f8", ">i2"])
def test_windows_are_those_of_nibabel(tmp_path, random, name, dtype):
    array = random.integers(0, 100, (7, 6, 5, 4)).astype(dtype)
    path = made(tmp_path / name, array)

    image = open_nifti(path)

    whole = np.asarray(nibabel.load(path).dataobj).T
    assert (image.axes, image.pixels.shape) == ("TZYX", (4, 5, 6, 7))
    assert image.pixels.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(image.pixels[...], whole)
    np.testing.assert_array_equal(image.pixels[1, 2:4, 3:, 1:3], whole[1, 2:4, 3:, 1:3])


def test_slope_and_intercept_are_applied(tmp_path, random):
    array = random.integers(-100, 100, (7, 6, 5)).astype("i2")
    path = made(tmp_path / "a.nii", array)
    with path.open("r+b") as file:
        file.seek(112)
        file.write(np.array([0.5, -3.0], "<f4").tobytes())

    image = open_nifti(path)

    assert image.pixels.dtype == np.float32
    np.testing.assert_array_equal(image.pixels[2:4, 1], array.T[2:4, 1] * 0.5 - 3)


def test_place_and_units_are_read(tmp_path):
    affine = np.diag([0.5, 0.25, 2.0, 1.0])
    affine[:3, 3] = 10, -20, 30
    path = made(
        tmp_path / "a.nii", np.zeros((4, 5, 6, 2), np.uint8), affine,
        xyzt_units=("mm", "msec"), zooms=((0.5, 0.25, 2.0, 40.0),),
    )  # fmt: skip

    image = open_nifti(path)

    assert image.places == {
        "X": Axis(0.5, 10, "millimeter"), "Y": Axis(0.25, -20, "millimeter"),
        "Z": Axis(2, 30, "millimeter"), "T": Axis(40, 0, "millisecond"),
    }  # fmt: skip
    np.testing.assert_array_equal(image.details[AFFINE], affine)
    assert image.name == "a"


def test_a_turned_image_keeps_its_matrix_and_has_no_origin(tmp_path):
    affine = np.array([[-2.0, 0, 0, 90], [0, 0, 3, -70], [0, 2, 0, 5], [0, 0, 0, 1]])
    image = open_nifti(made(tmp_path / "a.nii", np.zeros((4, 5, 6), np.uint8), affine))

    assert [image.places[letter].size for letter in "XYZ"] == [2, 2, 3]
    assert {place.origin for place in image.places.values()} == {0}
    np.testing.assert_array_equal(image.details[AFFINE], affine)


@pytest.mark.parametrize("colours", ["RGB", "RGBA"])
def test_colours_are_samples(tmp_path, random, colours):
    pixels = random.integers(0, 250, (4, 5, 6, len(colours))).astype(np.uint8)
    kind = np.dtype([(letter, np.uint8) for letter in colours])
    path = made(tmp_path / "a.nii", pixels.view(kind)[..., 0])

    image = open_nifti(path)

    assert (image.axes, image.pixels.dtype) == ("ZYXS", np.uint8)
    np.testing.assert_array_equal(image.pixels[1:3, 2], pixels.transpose(2, 1, 0, 3)[1:3, 2])


@pytest.mark.parametrize(
    "name", ["anatomical.nii", "functional.nii", "example4d.nii.gz", "example_nifti2.nii.gz"]
)
def test_real_files_are_read(name):
    if not (REAL / name).is_file():
        pytest.skip(f"this nibabel ships no {name}")
    real = nibabel.load(REAL / name)

    image = open_nifti(REAL / name)

    whole = np.asarray(real.dataobj).T
    assert image.pixels.shape == whole.shape
    np.testing.assert_allclose(image.pixels[...], whole, rtol=1e-6)
    np.testing.assert_array_equal(image.details[AFFINE], real.affine)
    codes = [int(real.header[f"{form}form_code"]) for form in "qs"]
    assert image.details[CODES] == codes
    for letter, zoom in zip("XYZ", real.header.get_zooms(), strict=False):
        assert image.places[letter].size == pytest.approx(zoom)


def test_an_unpacked_copy_goes_with_its_image(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    image = open_nifti(made(tmp_path / "a.nii.gz", np.ones((4, 5), np.uint8)))
    assert len(list(tmp_path.glob("napari-sr-*.nii"))) == 1

    again = pickle.loads(pickle.dumps(image.pixels))
    assert again[...].all()
    del image, again

    assert list(tmp_path.glob("napari-sr-*.nii")) == []


def test_damaged_and_other_files_are_refused(tmp_path):
    path = made(tmp_path / "a.nii", np.ones((40, 50), np.uint8))
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(FileError, match=r"a\.nii cannot be read as NIfTI: .* cut off"):
        open_nifti(path)
    path.write_bytes(b"no image at all")
    with pytest.raises(FileError, match=r"a\.nii cannot be read as NIfTI"):
        open_nifti(path)
    made(path, np.ones((4, 5), np.complex64))
    with pytest.raises(FileError, match="holds complex64"):
        open_nifti(path)
