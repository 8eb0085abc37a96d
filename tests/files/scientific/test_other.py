"""Files are recognised by content and name, and positions are kept between formats."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.files.image import FileError
from napari_sr.files.scientific.other import SUFFIXES, is_other, open_other, write_other


def upscaled(path, target, scale=2):
    """Enlarge a file by repeating its pixels."""
    image = open_other(path)
    pixels = image.pixels[...]
    for axis, letter in enumerate(image.axes):
        if letter in "YX":
            pixels = pixels.repeat(scale, axis)
    list(write_other(target, pixels, image.axes, image, scale, "napari-sr"))
    return image, open_other(target)


def edges(image, letter):
    place, size = image.places[letter], image.pixels.shape[image.axes.index(letter)]
    first = place.origin - place.size / 2
    return first, first + size * place.size


@pytest.mark.parametrize(
    ("source", "target"),
    [("a.nii", "b.nii"), ("a.nii.gz", "b.nii.gz"), ("a.mrc", "b.mrc"), ("a.nii", "b.mrc"),
     ("a.mrc", "b.nii")],
)  # fmt: skip
@pytest.mark.parametrize("scale", [2, 3])
def test_edges_stay_from_file_to_file(tmp_path, random, source, target, scale):
    array = random.random((4, 5, 6)).astype(np.float32)
    if source.endswith(".mrc"):
        mrcfile = pytest.importorskip("mrcfile", reason="mrcfile is missing")
        with mrcfile.new(tmp_path / source) as file:
            file.set_data(array)
            file.voxel_size = (1e7, 2e7, 3e7)
            file.header.origin = (4e7, 5e7, 6e7)
    else:
        nibabel = pytest.importorskip("nibabel", reason="nibabel is missing")
        affine = np.diag([1.0, 2.0, 3.0, 1.0])
        affine[:3, 3] = 4, 5, 6
        made = nibabel.Nifti1Image(array.T, affine)
        made.header.set_xyzt_units("mm")
        nibabel.save(made, tmp_path / source)
    for package in ("mrcfile", "nibabel"):
        pytest.importorskip(package, reason=f"{package} is missing")

    small, large = upscaled(tmp_path / source, tmp_path / target, scale)

    millimetres = {"millimeter": 1.0, "angstrom": 1e-7, "meter": 1e3, "micrometer": 1e-3}
    for letter in "ZYX":
        factors = [millimetres[image.places[letter].unit] for image in (small, large)]
        before, after = (
            np.multiply(edges(image, letter), factor)
            for image, factor in zip((small, large), factors, strict=True)
        )
        np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(large.pixels[:, ::scale, ::scale], array)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.mrc", "a.dcm", "a.tif"])
@pytest.mark.parametrize("content", [b"", b"II*\0", bytes(2000)])
def test_other_content_is_refused(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)

    assert not is_other(path)
    with pytest.raises(FileError, match="is not a CZI, ND2, LIF, NIfTI, DICOM or MRC file"):
        open_other(path)


def test_a_lying_name_a_missing_file_and_a_folder_are_told(tmp_path):
    (tmp_path / "a.czi").write_bytes(b"II*\0")
    for name, match in (
        ("a.czi", "is not a CZI file"),
        ("b.nii", "b.nii cannot be read: No such file"),
        (".", "is not a folder with a DICOM series"),
    ):
        assert not is_other(tmp_path / name)
        with pytest.raises(FileError, match=match):
            open_other(tmp_path / name)


def test_a_target_is_checked(tmp_path):
    nifti = tmp_path / "a.nii"
    nifti.write_bytes(b"old")
    for path, match in ((nifti, "exists"), (tmp_path / "a.czi", "must end in one of")):
        with pytest.raises(FileError, match=match):
            next(write_other(path, np.zeros((4, 6), "f4"), "YX", None, 2, "sr"))
    assert nifti.read_bytes() == b"old"


def test_every_kind_has_its_endings():
    assert {".czi", ".nd2", ".lif", ".nii", ".nii.gz", ".dcm", ".mrc"} <= set(SUFFIXES)
