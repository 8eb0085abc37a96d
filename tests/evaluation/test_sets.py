"""Benchmark sets in the folders that people have them in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_sr.evaluation import imresize
from napari_sr.evaluation.sets import ImageSet
from napari_sr.files.image import FileError

RNG = np.random.default_rng(0)
LARGE = RNG.integers(0, 256, (21, 26, 3), np.uint8)
SMALL = RNG.integers(0, 256, (10, 13, 3), np.uint8)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.mark.parametrize(
    ("hr", "lr"),
    [
        ("HR/a.png", "LR_matlab/x2/a.png"),
        ("HR/a.png", "LR_bicubic/X2/ax2.png"),
        ("GT/a.png", "LR/2/a.png"),
        ("image_SRF_2/a_SRF_2_HR.png", "image_SRF_2/a_SRF_2_LR.png"),
    ],
)
def test_small_images_are_found(tmp_path, hr, lr):
    save(tmp_path / hr, LARGE)
    save(tmp_path / lr, SMALL)

    [pair] = ImageSet(tmp_path).pairs(2)

    assert (pair.name, pair.made) == ("a", False)
    np.testing.assert_array_equal(pair.lr, SMALL)
    np.testing.assert_array_equal(pair.hr, LARGE[:20])


def test_small_images_are_made_where_there_are_none(tmp_path):
    save(tmp_path / "b.png", LARGE)
    save(tmp_path / "a.png", LARGE[..., 0])

    first, second = ImageSet(tmp_path).pairs(3)

    assert (first.name, second.name) == ("a", "b")
    assert first.made
    assert second.hr.shape == (21, 24, 3)
    np.testing.assert_array_equal(second.lr, imresize(LARGE[:, :24], 1 / 3))


def test_the_set_is_called_as_its_folder(tmp_path):
    assert ImageSet(tmp_path / "Set5" / ".").name == "Set5"


def test_a_small_image_that_does_not_fit_is_named(tmp_path):
    save(tmp_path / "HR" / "a.png", LARGE)
    save(tmp_path / "LR" / "x2" / "a.png", SMALL[:9])

    with pytest.raises(FileError, match=r"a.png must be .* \(10, 13, 3\) .* got .* \(9, 13, 3\)"):
        list(ImageSet(tmp_path).pairs(2))


def test_a_missing_small_image_is_named(tmp_path):
    save(tmp_path / "HR" / "a.png", LARGE)
    (tmp_path / "LR" / "x2").mkdir(parents=True)

    with pytest.raises(FileError, match=r"no file .*x2.*a\.png"):
        list(ImageSet(tmp_path).pairs(2))


def test_an_image_smaller_than_the_scale_is_refused(tmp_path):
    save(tmp_path / "a.png", LARGE[:3])

    with pytest.raises(FileError, match="too small for a scale of 4: 3 x 26 px"):
        list(ImageSet(tmp_path).pairs(4))


def test_a_set_may_lie_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    assert ImageSet(Path("~/Set9")).folder == tmp_path / "Set9"


def test_an_image_that_cannot_be_shrunk_is_named(tmp_path):
    tifffile.imwrite(tmp_path / "odd.tif", np.zeros((8, 8), np.int16))

    with pytest.raises(FileError, match=r"odd\.tif cannot be downscaled: .* got int16"):
        list(ImageSet(tmp_path).pairs(2))
