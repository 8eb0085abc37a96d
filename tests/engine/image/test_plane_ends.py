import numpy as np
import pytest

from napari_sr.engine.image import plane_ends
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.plane_ends import PlaneEnds, ends_of_plane


@pytest.fixture(autouse=True)
def small_bands(monkeypatch):
    monkeypatch.setattr(plane_ends, "BAND", (8, 5))


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_the_ends_are_those_of_one_plane(random, dtype):
    image = (random.random((2, 30, 20)) * 100 + 10).astype(dtype)
    image[1, 29, 19], image[1, 0, 0] = 200, 1

    assert ends_of_plane(image, layout_of(image.shape, image.dtype, "ZYX"), (1,)) == (1, 200, None)
    low, high, _ = ends_of_plane(image, layout_of(image.shape, image.dtype, "ZYX"), (0,))
    assert (low, high) == (image[0].min(), image[0].max())


def test_missing_pixels_do_not_count():
    image = np.full((30, 20), np.nan, np.float32)
    image[9, 3], image[20, 19] = 5, -2

    assert ends_of_plane(image, layout_of(image.shape, image.dtype), ()) == PlaneEnds(-2, 5)


def test_opacity_has_ends_of_its_own():
    image = np.full((30, 20, 4), 0.25, np.float32)
    image[17, 4, 3] = 255

    ends = ends_of_plane(image, layout_of(image.shape, image.dtype, "YXS"), ())

    assert ends == (0.25, 0.25, (0, 255))
