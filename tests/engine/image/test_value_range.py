from __future__ import annotations

import warnings

import numpy as np
import pytest

import napari_sr
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.faint import FaintImageWarning
from napari_sr.engine.image.plane_values import ValueRange
from napari_sr.engine.image.value_range import (
    OutsideRangeWarning,
    Percentiles,
    check_values,
    checked_range,
    value_range_of,
)


def check(image, declared=None):
    check_values(image, layout_of(image.shape, image.dtype, None), declared)


def test_a_declared_range_gets_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(np.array([[0, 4095]], np.uint16), (0, 4095))


def test_few_of_many_planes_are_read(random):
    read = []

    class Stack:
        shape, dtype, ndim = (50, 5, 6), np.dtype(np.uint16), 3

        def __getitem__(self, index):
            read.append(index)
            return random.integers(0, 9, (5, 6)).astype(np.uint16)

    with pytest.warns(FaintImageWarning):
        check(Stack())

    assert len(read) == 3


def test_upscaling_warns():
    faint = np.arange(64, dtype=np.uint16).reshape(8, 8)

    with pytest.warns(FaintImageWarning, match="span 0 to 63"):
        napari_sr.upscale(faint, "fsrcnn", 2)


def test_a_formula_gets_no_warning_about_a_faint_image():
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


def test_invisible_colours_and_opacity_cause_no_warning():
    bright = np.full((2, 3, 4), 0.5, np.float32)
    bright[0, 0], bright[1, 2] = (0, 0, 0, 1), (1, 1, 1, 1)
    bright[0, 1] = (4000, -7, 1, 0)
    faint = np.full((2, 3, 4), 65535, np.uint16)
    faint[..., :3] = np.arange(18).reshape(2, 3, 3)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(bright)
    with pytest.warns(FaintImageWarning, match="span 0 to 17"):
        check(faint)


@pytest.mark.parametrize("declared", [None, (0, 1)])
def test_a_fourth_channel_of_floats_that_is_not_opacity_is_reported(declared):
    image = np.full((2, 2, 3, 4), 0.5, np.float32)
    image[0, 0, 0, :3] = 0
    image[1, 1, 2, 3] = 300

    with pytest.warns(OutsideRangeWarning, match=r"fourth sample of axis S .* goes from 0 to 300:"):
        check(image, declared)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_values(image, layout_of(image.shape, image.dtype, "ZYXT"), (0, 300))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16"])
def test_every_integer_survives_the_way_to_floats_and_back(dtype):
    limits = np.iinfo(dtype)
    values = np.arange(limits.min, limits.max + 1).astype(dtype)
    image = values[None]

    range_ = value_range_of(image, layout_of(image.shape, dtype), None)
    encoded = range_.encode(values)

    assert (encoded.min(), encoded.max()) == (0, 1)
    np.testing.assert_array_equal(range_.decode(encoded, dtype), values)


def test_the_range_never_depends_on_the_maximum_of_the_image():
    image = np.full((4, 4), 17, np.uint16)

    range_ = value_range_of(image, layout_of(image.shape, image.dtype), None)

    assert (range_.low, range_.high) == (0, 65535)


def test_percentiles_come_from_the_image_and_work_for_a_constant_one(random):
    image = random.random((3, 50, 60))
    layout = layout_of(image.shape, image.dtype)
    flat = np.full((5, 5), 7.0)

    range_ = value_range_of(image, layout, Percentiles(10, 90))
    of_flat = value_range_of(flat, layout_of(flat.shape, flat.dtype), Percentiles())

    assert (range_.low, range_.high) == pytest.approx(np.percentile(image, [10, 90]))
    assert of_flat.decode(of_flat.encode(flat), "float64").tolist() == flat.tolist()


@pytest.mark.parametrize(
    "declared",
    [
        (7, 200),
        [7, 200],
        np.array([7, 200], np.uint8),
        np.array([7.0, 200.0]),
        (np.int64(7), np.float32(200)),
        np.percentile([7.0, 200.0], [0, 100]),
    ],
)
def test_two_numbers_of_any_kind_are_a_range(declared):
    range_ = value_range_of(np.zeros((2, 2)), layout_of((2, 2), "float64"), declared)

    assert range_ == ValueRange(7.0, 200.0)


@pytest.mark.parametrize(
    "declared",
    [
        *((1, 1), (5, 2), (0, np.inf), (np.nan, 1), (5,), 300, "ab", ("0", "1"), (0, 1, 2)),
        *(True, (False, True), np.array([False, True]), {0, 1}, (None, 1), [[0, 1]], (0, 1j)),
        *((-1e308, 1e308), np.array([5, 1]), np.ma.masked_array([0, 1], mask=[True, False])),
    ],
    ids=str,
)
def test_a_range_without_width_is_refused_with_its_values(declared):
    with pytest.raises(ValueError, match="low < high, or Percentiles; got "):
        value_range_of(np.zeros((2, 2)), layout_of((2, 2), "float64"), declared)


@pytest.mark.parametrize(
    "percentiles", [Percentiles(50, 50), Percentiles(-1, 5), Percentiles(1, 101)]
)
def test_percentiles_out_of_order_are_refused(percentiles):
    with pytest.raises(ValueError, match=f"low={percentiles.low}, high={percentiles.high}"):
        value_range_of(np.zeros((2, 2)), layout_of((2, 2), "float64"), percentiles)


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float64"])
def test_neither_alpha_nor_what_is_transparent_counts_for_percentiles(kind, random):
    image = random.integers(50, 120, (40, 60, 4)).astype(kind)
    image[..., 3] = 1
    expected = value_range_of(image[..., :3], layout_of((40, 60, 3), kind), Percentiles())

    image[:10, :, :3], image[:10, :, 3] = 255, 0

    assert value_range_of(image, layout_of(image.shape, kind), Percentiles()) == expected
    image[..., 3] = 0  # if nothing is visible, everything counts
    assert value_range_of(image, layout_of(image.shape, kind), Percentiles(0, 100)).high == 255


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", "int64", "uint32", "uint64"])
def test_percentiles_of_signed_and_wide_integers_are_invertible(kind, random):
    limits = np.iinfo(kind)
    low, high = max(limits.min, -1000), min(limits.max, 1000)
    image = random.integers(low, high, (30, 40)).astype(kind)

    range_ = value_range_of(image, layout_of(image.shape, kind), Percentiles())

    assert low <= range_.low < range_.high <= high
    np.testing.assert_array_equal(range_.decode(range_.encode(image), kind), image)


def test_nan_does_not_hide_percentiles():
    image = np.array([[np.nan, 4095.0], [0.0, np.nan]])
    layout = layout_of(image.shape, image.dtype)

    assert value_range_of(image, layout, Percentiles(0, 100)).high == 4095
    assert value_range_of(image * np.nan, layout, Percentiles(0, 100)).high == 1


@pytest.mark.parametrize("dtype", ["int32", "uint32", "int64", "uint64"])
def test_wide_integers_need_a_declared_range_and_are_clipped_to_their_type(dtype):
    layout = layout_of((2, 2), dtype)

    with pytest.raises(ValueError, match=f"image of {dtype} needs value_range"):
        value_range_of(np.zeros((2, 2), dtype), layout, None)

    limits = np.iinfo(dtype)
    range_ = ValueRange(0, 4095)
    assert range_.decode(range_.encode(np.array([0, 7, 4095])), dtype).tolist() == [0, 7, 4095]
    low, high = range_.decode(np.array([-1e30, 1e30]), dtype)
    assert low == limits.min
    assert limits.max - high <= limits.max * 2.0**-52


def test_values_are_checked_before_the_range_is_returned():
    image = np.array([[0.5, np.inf]])
    layout = layout_of(image.shape, image.dtype)

    with pytest.raises(ValueError, match="one infinite value, at y=0, x=1"):
        checked_range(image, layout, (2, 3))
    assert checked_range(image[:, :1], layout, (2, 3)) == ValueRange(2.0, 3.0)
