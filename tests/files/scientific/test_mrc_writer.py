"""Written MRC files are valid, and have the size, the origin and the statistics of their pixels."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.files.image import FileError
from napari_sr.files.lazy_image import Axis, LazyImage
from napari_sr.files.scientific import plane_rows
from napari_sr.files.scientific.mrc import STACK, open_mrc
from napari_sr.files.scientific.mrc_writer import write_mrc

mrcfile = pytest.importorskip("mrcfile", reason="mrcfile, of the extra formats, is missing")


def write(path, pixels, axes, image=None, scale=2):
    return list(write_mrc(path, pixels, axes, image or LazyImage(None, axes, {}), scale, "sr 1"))


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "f2", "f4"])
@pytest.mark.parametrize(
    ("shape", "axes"), [((6, 8), "YX"), ((5, 6, 8), "ZYX"), ((2, 5, 6, 8), "TZYX"),
                        ((5, 2, 6, 8), "ZTYX"), ((5, 6, 8), "TYX")],
)  # fmt: skip
def test_pixels_are_read_back_and_the_file_is_valid(
    tmp_path, random, monkeypatch, dtype, shape, axes
):
    monkeypatch.setattr(plane_rows, "BYTES", 50)
    pixels = random.integers(0, 100, shape).astype(dtype)

    steps = write(tmp_path / "a.mrc", pixels, axes)

    assert steps[-1][0] == steps[-1][1] == len(steps)
    stored = np.transpose(pixels, [axes.index(x) for x in "TZYX" if x in axes])
    np.testing.assert_array_equal(open_mrc(tmp_path / "a.mrc").pixels[...], stored)
    if dtype != "f2":  # mrcfile's own sums overflow
        assert mrcfile.validate(tmp_path / "a.mrc")
    with mrcfile.open(tmp_path / "a.mrc") as file:
        assert file.data.dtype == ("u2" if dtype == "u1" else dtype)
        assert (file.header.dmin, file.header.dmax) == (pixels.min(), pixels.max())
        assert file.header.rms == pytest.approx(pixels.std(dtype=np.float64), rel=1e-4)
        assert "sr 1" in file.get_labels()[-1]


def test_size_and_origin_are_divided(tmp_path):
    places = {
        "X": Axis(1.0, 10.0, "angstrom"), "Y": Axis(0.2, 0.0, "nanometer"),
        "Z": Axis(3.0, 5.0, "angstrom"),
    }  # fmt: skip

    write(tmp_path / "a.mrc", np.zeros((3, 4, 6), "f4"), "ZYX", LazyImage(None, "ZYX", {}, places))

    found = open_mrc(tmp_path / "a.mrc").places
    assert found["X"] == Axis(0.5, 9.75, "angstrom")
    assert found["Y"].size == pytest.approx(1.0)
    assert found["Y"].origin == pytest.approx(-0.5)
    assert found["Z"] == Axis(3.0, 5.0, "angstrom")


def test_a_stack_stays_a_stack(tmp_path):
    image = LazyImage(None, "ZYX", {}, details={STACK: True})

    write(tmp_path / "a.mrc", np.zeros((3, 4, 6), "f4"), "ZYX", image)

    assert open_mrc(tmp_path / "a.mrc").details[STACK]


@pytest.mark.parametrize(
    ("kind", "axes", "shape"),
    [
        ("f8", "YX", (4, 6)),
        ("u4", "YX", (4, 6)),
        ("f4", "CYX", (2, 4, 6)),
        ("u1", "YXS", (4, 6, 3)),
    ],
)
def test_what_mrc_cannot_hold_is_refused(tmp_path, kind, axes, shape):
    with pytest.raises(FileError, match="MRC holds int8, int16"):
        write(tmp_path / "a.mrc", np.zeros(shape, kind), axes)
    assert list(tmp_path.iterdir()) == []


def test_a_generator_that_is_closed_leaves_nothing(tmp_path):
    steps = write_mrc(
        tmp_path / "a.mrc", np.zeros((3, 4, 6), "f4"), "ZYX", LazyImage(None, "ZYX", {}), 2, "sr"
    )
    next(steps)
    steps.close()

    assert list(tmp_path.iterdir()) == []
