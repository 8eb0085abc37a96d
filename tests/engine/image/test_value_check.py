from __future__ import annotations

import warnings

import numpy as np
import pytest

import napari_sr
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.value_check import FaintImageWarning, OutsideRangeWarning, check_values


def look(image, declared=None):
    check_values(image, layout_of(image.shape, image.dtype, None), declared)


@pytest.mark.parametrize(
    ("values", "kind", "words"),
    [
        ((100, 4095), np.uint16, r"uint16 image span 100 to 4095, 6\.1% of the range 0 to 65535"),
        ((-1024, 3071), np.int16, r"int16 image span -1024 to 3071, 6\.2% .* -32768 to 32767"),
        ((0, 0.02), np.float32, r"float32 image span 0 to 0\.02, 2\.0% of the range 0 to 1"),
    ],
)
def test_a_faint_image_is_told_with_its_values(values, kind, words):
    image = np.full((3, 4, 5), values[0], kind)
    image[2, 1, 1] = values[1]

    with pytest.warns(FaintImageWarning, match=words):
        look(image)


@pytest.mark.parametrize(
    "image",
    [
        np.array([[0, 20_000]], np.uint16),
        np.array([[3, 7]], np.uint8),
        np.full((2, 2), 5, np.uint16),
        np.array([[0.0, np.nan, 0.5]]),
        np.full((2, 2), np.nan),
    ],
)
def test_other_images_are_not(image):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        look(image)


def test_who_says_what_is_white_is_not_warned():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        look(np.array([[0, 4095]], np.uint16), (0, 4095))


def test_of_many_planes_a_few_are_read(random):
    read = []

    class Stack:
        shape, dtype, ndim = (50, 5, 6), np.dtype(np.uint16), 3

        def __getitem__(self, index):
            read.append(index)
            return random.integers(0, 9, (5, 6)).astype(np.uint16)

    with pytest.warns(FaintImageWarning):
        look(Stack())

    assert len(read) == 3


def test_upscaling_warns():
    faint = np.arange(64, dtype=np.uint16).reshape(8, 8)

    with pytest.warns(FaintImageWarning, match="span 0 to 63"):
        napari_sr.upscale(faint, "fsrcnn", 2)


def test_a_formula_does_not_mind():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        napari_sr.upscale(np.arange(64, dtype=np.uint16).reshape(8, 8), "bicubic", 2)


def test_infinite_values_are_counted_and_the_first_is_located():
    image = np.zeros((3, 4, 5))
    image[0, 0, 0] = np.nan
    image[1, 2, 3] = np.inf
    image[2, 0, 0] = -np.inf

    with pytest.raises(ValueError, match=r"2 infinite values.*y=2, x=3 of plane \(1,\)"):
        check_values(image, layout_of(image.shape, image.dtype), None)


def test_nan_does_not_hide_the_range():
    image = np.array([[np.nan, 4095.0], [0.0, np.nan]])
    layout = layout_of(image.shape, image.dtype)

    with pytest.warns(OutsideRangeWarning, match="from 0 to 4095"):
        check_values(image, layout, None)


def test_floats_far_outside_an_undeclared_range_warn_with_their_values():
    image = np.array([[0.0, 4095.0]])
    layout = layout_of(image.shape, image.dtype)

    with pytest.warns(OutsideRangeWarning, match="from 0 to 4095"):
        check_values(image, layout, None)
    check_values(image, layout, (0, 4095))


def test_colours_that_nobody_sees_and_opacity_warn_of_nothing():
    bright = np.full((2, 3, 4), 0.5, np.float32)
    bright[0, 0], bright[1, 2] = (0, 0, 0, 1), (1, 1, 1, 1)
    bright[0, 1] = (4000, -7, 1, 0)
    faint = np.full((2, 3, 4), 65535, np.uint16)
    faint[..., :3] = np.arange(18).reshape(2, 3, 3)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        look(bright)
    with pytest.warns(FaintImageWarning, match="span 0 to 17"):
        look(faint)


@pytest.mark.parametrize("declared", [None, (0, 1)])
def test_a_fourth_channel_of_floats_that_is_no_opacity_is_told(declared):
    image = np.full((2, 2, 3, 4), 0.5, np.float32)
    image[0, 0, 0, :3] = 0
    image[1, 1, 2, 3] = 300

    with pytest.warns(OutsideRangeWarning, match=r"fourth sample of axis S .* from 0 to 300 where"):
        look(image, declared)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_values(image, layout_of(image.shape, image.dtype, "ZYXT"), (0, 300))
