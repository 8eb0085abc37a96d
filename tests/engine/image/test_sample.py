"""Windows of an image: few, spread, finite."""

from __future__ import annotations

import dask.array
import numpy as np
import pytest

from napari_sr.engine.image.sample import ACROSS, PLANES, SIDE, sample_of


class Watched:
    """An array that remembers how many values were read."""

    def __init__(self, pixels):
        self._pixels = pixels
        self.shape, self.dtype, self.read = pixels.shape, pixels.dtype, 0

    def __getitem__(self, index):
        found = self._pixels[index]
        self.read += found.size
        return found


def test_only_some_windows_of_some_planes_are_read(random):
    image = Watched(random.integers(0, 99, (20, 700, 900)).astype(np.uint16))

    sample = sample_of(image, "ZYX")

    assert len(sample.windows) == PLANES * ACROSS**2
    assert image.read == PLANES * ACROSS**2 * SIDE**2
    assert all(len(numbers) == ACROSS for numbers in sample.columns)


@pytest.mark.parametrize(
    ("shape", "axes", "count"),
    [
        ((30, 40), "YX", 1),
        ((2, 3, 50, 60), "TCYX", 4),
        ((60, 300), "YX", 2),
        ((90, 80, 3), "YXS", 1),
    ],
)
def test_any_axes_are_taken(random, shape, axes, count):
    sample = sample_of(dask.array.from_array(random.random(shape)), axes)

    assert len(sample.windows) == count
    assert all(window.ndim == 2 for window in sample.windows)


def test_missing_pixels_are_filled_and_empty_windows_left_out(random):
    image = random.random((600, 600))
    image[:300] = np.nan
    image[400:410] = np.nan

    sample = sample_of(image)

    assert 0 < len(sample.windows) < ACROSS**2
    assert np.isfinite(sample.values).all()


@pytest.mark.parametrize(
    ("image", "what"),
    [
        (np.zeros((23, 100)), "at least 24 x 24 pixels, got 23 x 100"),
        (np.full((40, 40), np.nan), "finite pixels"),
        (np.where(np.arange(40) > 10, np.nan, np.ones((40, 40))), "half of each examined part"),
    ],
)
def test_an_image_without_enough_pixels_is_refused(image, what):
    with pytest.raises(ValueError, match=what):
        sample_of(image)


def test_a_single_missing_pixel_gets_a_neighbour_and_an_area_the_median():
    image = np.add.outer(np.arange(40.0), np.zeros(40))
    image[20, 20] = np.nan
    image[30:36, 30:36] = np.nan

    (window,) = sample_of(image).windows

    assert window[20, 20] == 20
    assert (window[31:35, 31:35] == np.nanmedian(image)).all()


@pytest.mark.parametrize("scale", [1e300, 1e-300])
def test_values_without_squares_are_refused(random, scale):
    image = random.random((40, 40)) * scale

    with pytest.raises(ValueError, match="a check needs values up to 1e"):
        sample_of(image, needed_by="a check")
