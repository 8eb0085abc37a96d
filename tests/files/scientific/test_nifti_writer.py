"""Written NIfTI files have the same position as their source, to the half pixel."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.files.image import FileError
from napari_sr.files.lazy_image import Axis, LazyImage
from napari_sr.files.scientific.nifti import open_nifti
from napari_sr.files.scientific.nifti_writer import enlarged_affine, write_nifti

nibabel = pytest.importorskip("nibabel", reason="nibabel, of the extra formats, is missing")


def write(path, pixels, axes, image=None, scale=2):
    return list(write_nifti(path, pixels, axes, image or LazyImage(None, axes, {}), scale, "sr"))


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize(
    ("shape", "axes"),
    [((6, 8), "YX"), ((5, 6, 8), "ZYX"), ((3, 5, 6, 8), "TZYX"), ((3, 6, 8), "TYX"),
     ((2, 3, 6, 8), "CTYX"), ((5, 3, 6, 8), "ZTYX"), ((5, 6, 8, 3), "ZYXS")],
)  # fmt: skip
def test_pixels_are_read_back(tmp_path, random, name, shape, axes):
    pixels = random.integers(0, 250, shape).astype(np.uint8)

    steps = write(tmp_path / name, pixels, axes)

    assert steps[-1][0] == steps[-1][1] == len(steps)
    image = open_nifti(tmp_path / name)
    order = [axes.index(letter) for letter in image.axes if letter in axes]
    np.testing.assert_array_equal(
        image.pixels[...].squeeze(), np.transpose(pixels, order).squeeze()
    )
    nibabel.load(tmp_path / name).get_fdata() if "S" not in axes else None


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_affine_is_divided_and_the_edges_stay(tmp_path, random, scale):
    affine = np.eye(4)
    affine[:3] = random.normal(size=(3, 4))
    source = nibabel.Nifti1Image(np.zeros((7, 6, 5), np.uint8), affine)
    source.header.set_sform(affine, 3)
    nibabel.save(source, tmp_path / "a.nii")
    image = open_nifti(tmp_path / "a.nii")
    pixels = np.zeros((5, 6 * scale, 7 * scale), np.float32)

    write(tmp_path / "b.nii", pixels, "ZYX", image, scale)

    larger = nibabel.load(tmp_path / "b.nii")
    for corner in ((-0.5, -0.5, 0), (6.5, 5.5, 0), (-0.5, 5.5, 4)):
        there = [(c + 0.5) * scale - 0.5 for c in corner[:2]]
        here = nibabel.affines.apply_affine(image.details["affine"], corner)
        moved = nibabel.affines.apply_affine(larger.affine, (*there, corner[2]))
        np.testing.assert_allclose(moved, here, atol=1e-5)
    assert int(larger.header["sform_code"]) == 3


def test_a_centre_moves_by_the_half_pixel():
    affine = enlarged_affine(np.diag([2.0, 4.0, 6.0, 1.0]), 2)

    np.testing.assert_array_equal(np.diag(affine), [1, 2, 6, 1])
    np.testing.assert_array_equal(affine[:3, 3], [-0.5, -1, 0])


def test_the_place_of_another_image_is_written(tmp_path):
    places = {
        "X": Axis(0.5, 1, "micrometer"), "Y": Axis(0.25, 2, "micrometer"),
        "Z": Axis(2000.0, 0, "nanometer"), "T": Axis(3, 0, "minute"),
    }  # fmt: skip
    image = LazyImage(None, "TZYX", {}, places)

    write(tmp_path / "a.nii", np.zeros((2, 3, 4, 6), np.float32), "TZYX", image)

    found = open_nifti(tmp_path / "a.nii")
    assert {letter: place.size for letter, place in found.places.items()} == {
        "X": 0.25, "Y": 0.125, "Z": pytest.approx(2), "T": 180,
    }  # fmt: skip
    assert found.places["X"] == Axis(0.25, 0.875, "micrometer")
    assert found.places["T"].unit == "second"


def test_a_side_beyond_nifti_1_is_nifti_2(tmp_path):
    pixels = np.broadcast_to(np.uint8(7), (2, 40_000))

    write(tmp_path / "a.nii", pixels, "YX")

    loaded = nibabel.load(tmp_path / "a.nii")
    assert isinstance(loaded, nibabel.Nifti2Image)
    assert loaded.shape == (40_000, 2)


def test_what_nifti_cannot_hold_is_refused(tmp_path):
    for kind, axes, shape in (("f2", "YX", (4, 6)), ("u1", "QYX", (2, 4, 6)),
                              ("u2", "YXS", (4, 6, 3))):  # fmt: skip
        with pytest.raises(FileError, match="NIfTI cannot hold"):
            write(tmp_path / "a.nii", np.zeros(shape, kind), axes)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_generator_that_is_closed_leaves_nothing(tmp_path, name):
    steps = write_nifti(
        tmp_path / name, np.zeros((3, 4, 6)), "ZYX", LazyImage(None, "ZYX", {}), 2, "sr"
    )
    next(steps)
    steps.close()

    assert list(tmp_path.iterdir()) == []
